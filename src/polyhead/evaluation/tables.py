"""Reports as tables for a terminal."""

from collections.abc import Iterator, Mapping

from rich.table import Table
from rich.text import Text

from polyhead.evaluation.embeddings import EmbeddingReport
from polyhead.evaluation.evaluate import EXACT_ROWS, Report, TaskReport
from polyhead.printing import printable

SCORES = ("precision", "recall", "f1", "gold", "predicted")
MEANINGS = {
    "boundary": "the right type, but it begins or ends elsewhere",
    "type": "there is an entity, but of another type",
    "missed": "an entity was not found",
    "invented": "there is no entity",
}


def embedding_table(report: EmbeddingReport) -> Table:
    """An embedding's report, each number with what it means."""
    table = Table("embedding", "", "", title="Embedding", title_justify="left")
    for row in embedding_rows(report):
        table.add_row(*row)
    of = f"{report.pairs:,} pairs" if report.pairs else f"{report.texts:,} texts"
    table.caption = f"measured on {of}"
    table.caption_justify = "left"
    return table


def embedding_rows(report: EmbeddingReport) -> list[tuple[str, str, str]]:
    """Each measure with its number and what it means, as text."""
    rows: list[tuple[str, float | None, str]] = [
        ("spearman", report.spearman, _before(report)),
        ("pearson", report.pearson, ""),
        ("alignment", report.alignment, "squared distance of texts that are alike; less is better"),
        ("uniformity", report.uniformity, "less is more evenly spread"),
    ]
    if report.drift is not None:
        rows += [
            ("cosine", report.drift.cosine, "of a text's embedding and its original one, mean"),
            ("neighbours", report.drift.neighbours, "share of the 10 nearest that are the same"),
            ("cka", report.drift.cka, "linear CKA with the original; 1 is the same geometry"),
        ]
    return [(name, f"{value:.4f}", meaning) for name, value, meaning in rows if value is not None]


def _before(report: EmbeddingReport) -> str:
    if report.spearman_before is None or report.spearman is None:
        return "of cosines and scores"
    return f"of cosines and scores; {report.spearman_before:.4f} by the original"


def tables(report: Report) -> Iterator[Table]:
    """The metrics of all tasks, then a table for each task."""
    yield metrics_table(report)
    if any("calibration" in task.details for task in report.tasks.values()):
        yield calibration_table(report)
    for name, task in report.tasks.items():
        if "confusion" in task.details:
            yield confusion_table(name, task)
        if "types" in task.details:
            yield scores_table(f"{name}: exact spans by type", "type", task.details["types"])
        if "scores" in task.details:
            yield scores_table(f"{name}: labels", "label", task.details["scores"])
        if "errors" in task.details:
            yield errors_table(name, task)


def metrics_table(report: Report) -> Table:
    """A row a task and metric."""
    table = Table(title="Metrics", title_justify="left")
    table.add_column("task")
    table.add_column("rows", justify="right")
    table.add_column("metric")
    table.add_column("value", justify="right")
    bounded = any(task.intervals for task in report.tasks.values())
    if bounded:
        table.add_column("95 % interval", justify="right")
    for number, row in enumerate(metric_rows(report)):
        if row[0] and number:
            table.add_section()
        table.add_row(*(row if bounded else row[:-1]))
    return table


def metric_rows(report: Report) -> list[tuple[str, str, str, str, str]]:
    """Task, rows, metric, value and interval, as text; what a task's rows have in common stands in its first."""
    found = []
    for name, task in report.tasks.items():
        for position, (metric, value) in enumerate(task.metrics.items()):
            head = (name, f"{task.rows:,}") if position == 0 else ("", "")
            found.append((*head, metric, f"{value:.4f}", _interval(task.intervals.get(metric))))
    right, rows = report.exact_rows
    if rows:
        found.append(("all", f"{rows:,}", EXACT_ROWS, f"{right / rows:.4f}", _interval(report.exact_interval)))
    return found


def _interval(bounds: tuple[float, float] | None) -> str:
    return "" if bounds is None else f"{bounds[0]:.4f} … {bounds[1]:.4f}"


def calibration_table(report: Report) -> Table:
    """How far each task's scores are from how often they are right, before and after its temperature."""
    table = Table(title="Expected calibration error of the scores", title_justify="left")
    table.add_column("task")
    for column in ("temperature", "without", "with it"):
        table.add_column(column, justify="right")
    for name, task in report.tasks.items():
        if found := task.details.get("calibration"):
            table.add_row(name, *(f"{found[key]:.4f}" for key in ("temperature", "ece_before", "ece")))
    return table


def confusion_table(name: str, task: TaskReport) -> Table:
    """Gold labels down, answers across."""
    labels = task.details["labels"]
    table = Table(title=f"{name}: gold label (row) against answer (column)", title_justify="left")
    table.add_column("")
    for label in labels:
        table.add_column(_label(label), justify="right")
    for label, row in zip(labels, task.details["confusion"], strict=True):
        cells = [
            f"[bold]{count:,}[/]" if label == other else f"{count:,}" for other, count in zip(labels, row, strict=True)
        ]
        table.add_row(_label(label), *cells)
    return table


def scores_table(title: str, what: str, rows: Mapping[str, Mapping[str, float]]) -> Table:
    """Precision, recall and F1 of each entity type or label."""
    table = Table(title=title, title_justify="left")
    table.add_column(what)
    for column in SCORES:
        table.add_column(column, justify="right")
    for label, scores in rows.items():
        table.add_row(_label(label), *score_cells(scores))
    return table


def score_cells(scores: Mapping[str, float]) -> list[str]:
    """The cells of ``SCORES``, as text."""
    return [f"{scores[key]:,}" if key in ("gold", "predicted") else f"{scores[key]:.4f}" for key in SCORES]


def errors_table(name: str, task: TaskReport) -> Table:
    """How many spans went wrong in which way."""
    table = Table(title=f"{name}: errors by kind", title_justify="left")
    for column in ("kind", "spans", "meaning"):
        table.add_column(column, justify="right" if column == "spans" else "left")
    for kind, count in task.details["errors"].items():
        table.add_row(kind, f"{count:,}", MEANINGS[kind])
    return table


def _label(label: str) -> Text:
    """A label from somebody's file: no markup, no control characters."""
    return Text(printable(label, 60))
