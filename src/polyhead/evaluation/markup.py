"""Reports as HTML: metrics, confusion matrices, calibration, errors by kind, the worst of them. All text is escaped."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from polyhead.evaluation.embeddings import EmbeddingReport
from polyhead.evaluation.evaluate import Report, TaskReport
from polyhead.evaluation.mistakes import by_confidence
from polyhead.evaluation.tables import MEANINGS, SCORES, embedding_rows, metric_rows, score_cells
from polyhead.printing import printable

_WORST = 10
_MOST_LABELS = 30
_SHORT = 12


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Sequence[int] = ()) -> str:
    """A table of text; ``numbers`` are the columns that are aligned at the right."""
    kind = ["number" if place in numbers else "" for place in range(len(head))]
    top = "".join(f'<th scope="col" class="{own}">{_text(cell)}</th>' for cell, own in zip(head, kind, strict=True))
    body = "".join(
        "<tr>"
        + "".join(f'<td class="{own}" dir="auto">{_text(cell)}</td>' for cell, own in zip(row, kind, strict=True))
        + "</tr>"
        for row in rows
    )
    whole = f'<table class="facts"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>'
    return f'<div class="wide" tabindex="0">{whole}</div>'


def card(title: str, *parts: str, note: str = "") -> str:
    """A part of the page under a title."""
    side = f'<span class="quiet">{_text(note)}</span>' if note else ""
    inside = "".join(parts)
    return f'<section class="card"><div class="head"><h2>{_text(title)}</h2>{side}</div>{inside}</section>'


def metrics_card(report: Report, on: str) -> str:
    """Every metric with its interval."""
    head = ("task", "metric", "value", "95 % interval")
    rows = ((task, metric, value, interval) for task, _, metric, value, interval in metric_rows(report))
    return card("Metrics", table(head, rows, numbers=(2, 3)), note=on)


def embedding_card(report: EmbeddingReport) -> str:
    """What was measured of the embedding, beside the original one."""
    rows = table(("measure", "value", ""), embedding_rows(report), numbers=(1,))
    return card("Embedding, beside the one that training began with", rows)


def tiles(values: Iterable[tuple[str, str]]) -> str:
    """Figures in large, each with its name."""
    made = [
        f'<div class="tile"><b>{_text(value)}</b><span class="quiet">{_text(name)}</span></div>'
        for value, name in values
    ]
    return f'<div class="tiles">{"".join(made)}</div>'


def task_cards(report: Report, mistakes: Sequence[Mapping[str, Any]]) -> str:
    """A card a task: its confusion matrix or scores, calibration, errors by kind, the worst errors."""
    made = []
    for name, task in report.tasks.items():
        parts = [*_details(task)]
        worst = by_confidence([row for row in mistakes if row["task"] == name])
        if worst:
            parts.append(f"<h3>{_of_worst(worst)}</h3>" + _worst(worst[:_WORST]))
        blocks = (f'<div class="block">{part}</div>' for part in parts)
        made.append(card(name, *blocks, note=f"{task.rows:,} rows"))
    return "".join(made)


def _details(task: TaskReport) -> Iterable[str]:
    found = task.details
    if "confusion" in found and len(found["labels"]) <= _MOST_LABELS:
        yield "<h3>Gold label (row) against answer (column)</h3>" + _matrix(found["labels"], found["confusion"])
    for key, what in (("types", "entity type"), ("scores", "label")):
        if key in found:
            rows = [(label, *score_cells(own)) for label, own in found[key].items()]
            yield table((what, *SCORES), rows, numbers=range(1, len(SCORES) + 1))
    if "errors" in found:
        kinds = [(kind, f"{count:,}", MEANINGS[kind]) for kind, count in found["errors"].items()]
        yield "<h3>Errors by kind</h3>" + table(("kind", "spans", "meaning"), kinds, numbers=(1,))
    if "calibration" in found:
        yield _calibration(found["calibration"], *_decisions(found))


def _matrix(labels: Sequence[str], counts: Sequence[Sequence[int]]) -> str:
    def name(label: str, scope: str) -> str:
        whole = f' title="{_text(label)}"' if len(label) > _SHORT else ""
        return f'<th scope="{scope}"><span dir="auto"{whole}>{_text(label)}</span></th>'

    head = "".join(name(label, "col") for label in labels)
    rows = []
    for place, (label, row) in enumerate(zip(labels, counts, strict=True)):
        total = max(1, sum(row))
        cells = "".join(
            f'<td class="{"none" if not count else "right" if column == place else "wrong"}" '
            f'style="--heat: {40 * count / total:.0f}%">{count:,}</td>'
            for column, count in enumerate(row)
        )
        rows.append(f"<tr>{name(label, 'row')}{cells}</tr>")
    body = "".join(rows)
    return (
        f'<div class="wide" tabindex="0"><table class="matrix"><thead><tr><td class="none"></td>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _decisions(found: Mapping[str, Any]) -> tuple[str, str]:
    """What a head's calibration counts, and how the title over it says so; answers are one a row."""
    if "errors" in found:
        return "tags", " of the tags of words"
    return ("decisions", " of the decisions for and against labels") if "scores" in found else ("answers", "")


def _calibration(found: Mapping[str, Any], what: str, title: str) -> str:
    """A reliability diagram: how often answers of a confidence are right; on the dashed line they are as they say."""
    width, height, left, low = 420, 220, 36, 28

    def x(share: float) -> float:
        return left + share * (width - left - 18)

    def y(share: float) -> float:
        return 8 + (1 - share) * (height - low - 8)

    most = max((count for count, _, _ in found["bins"]), default=1)
    bars = "".join(
        f'<rect class="bar" x="{x(confidence) - 6:.1f}" width="12" y="{y(right):.1f}" height="{y(0) - y(right):.1f}" '
        f'opacity="{0.35 + 0.65 * count / most:.2f}"><title>{count:,.0f} {what} of confidence {confidence:.2f}: '
        f"{right:.0%} right</title></rect>"
        for count, confidence, right in found["bins"]
    )
    marks = "".join(
        f'<line class="grid" x1="{left}" x2="{width - 18}" y1="{y(share):.1f}" y2="{y(share):.1f}"/>'
        f'<text x="{left - 6}" y="{y(share) + 4:.1f}" text-anchor="end">{100 * share:.0f}</text>'
        f'<text x="{x(share):.1f}" y="{height - 8}" text-anchor="middle">{100 * share:.0f}</text>'
        for share in (0, 0.5, 1)
    )
    says = (
        f"temperature {found['temperature']:.2f}: expected calibration error {found['ece']:.3f}, "
        f"{found['ece_before']:.3f} without it"
    )
    return (
        f"<h3>Calibration{title}: confidence (across) against how often right (up), in per cent</h3>"
        f'<svg class="chart" '
        f'style="max-width: {width}px" viewBox="0 0 {width} {height}" role="img" aria-label="{says}">{marks}{bars}'
        f'<line class="diagonal" x1="{x(0)}" y1="{y(0)}" x2="{x(1)}" y2="{y(1)}"/></svg><p class="quiet">{says}</p>'
    )


def _of_worst(rows: Sequence[Mapping[str, Any]]) -> str:
    """The title over the worst of these; answers in numbers are not right or wrong, but far off."""
    if "off_by" not in rows[0]:
        return "The only error" if len(rows) == 1 else f"The surest of {len(rows):,} errors"
    if len(rows) == 1:
        return "The only one that is a tenth of the range off or more"
    most = f"The {_WORST} farthest of {len(rows):,}" if len(rows) > _WORST else f"The {len(rows)}"
    return f"{most} that are a tenth of the range off or more"


def _worst(rows: Sequence[Mapping[str, Any]]) -> str:
    far = "off_by" in rows[0]
    head = ("off by" if far else "sure", "gold", "answer", "text")
    first = [f"{row['off_by']:.0%}" if far else f"{row['confidence']:.2f}" for row in rows]
    cells = [(cell, *_sides(row), _read(row)) for cell, row in zip(first, rows, strict=True)]
    return f'<div class="worst">{table(head, cells, numbers=(0,))}</div>'


def _read(row: Mapping[str, Any]) -> str:
    pair = row.get("text_pair")
    return str(row["text"])[:300] if pair is None else f"{str(row['text'])[:200]} | {str(pair)[:200]}"


def _sides(row: Mapping[str, Any]) -> tuple[str, str]:
    if "errors" in row:
        sides = [
            "; ".join(f"{span['text'][:60]} ({span['type']})" for each in row["errors"] if (span := each.get(side)))
            for side in ("gold", "predicted")
        ]
        return sides[0] or "no entity", sides[1] or "no entity"
    return _shown(row.get("gold")), _shown(row.get("predicted"))


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)


def _text(value: str) -> str:
    return escape(printable(value, 600))
