"""Reports as tables for a terminal."""

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from polyhead.evaluation.evaluate import Report, TaskReport
from polyhead.printing import printable

_MEANINGS = {
    "boundary": "the right type, but it begins or ends elsewhere",
    "type": "there is an entity, but of another type",
    "missed": "an entity was not found",
    "invented": "there is no entity",
}


def tables(report: Report) -> Iterator[Table]:
    """The metrics of all tasks, then a table for each task."""
    yield metrics_table(report)
    for name, task in report.tasks.items():
        if "confusion" in task.details:
            yield confusion_table(name, task)
        else:
            yield types_table(name, task)
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
    for name, task in report.tasks.items():
        for position, (metric, value) in enumerate(task.metrics.items()):
            head = (name, f"{task.rows:,}") if position == 0 else ("", "")
            bounds = "{:.4f} … {:.4f}".format(*task.intervals[metric]) if metric in task.intervals else ""
            table.add_row(*head, metric, f"{value:.4f}", *([bounds] if bounded else []))
        table.add_section()
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


def types_table(name: str, task: TaskReport) -> Table:
    """Precision, recall and F1 of each entity type."""
    table = Table(title=f"{name}: exact spans by type", title_justify="left")
    table.add_column("type")
    for column in ("precision", "recall", "f1", "gold", "predicted"):
        table.add_column(column, justify="right")
    for label, scores in task.details["types"].items():
        rates = [f"{scores[key]:.4f}" for key in ("precision", "recall", "f1")]
        table.add_row(_label(label), *rates, f"{scores['gold']:,}", f"{scores['predicted']:,}")
    return table


def errors_table(name: str, task: TaskReport) -> Table:
    """How many spans went wrong in which way."""
    table = Table(title=f"{name}: errors by kind", title_justify="left")
    for column in ("kind", "spans", "meaning"):
        table.add_column(column, justify="right" if column == "spans" else "left")
    for kind, count in task.details["errors"].items():
        table.add_row(kind, f"{count:,}", _MEANINGS[kind])
    return table


def _label(label: str) -> Text:
    """A label from somebody's file: no markup, no control characters."""
    return Text(printable(label, 60))
