"""A study as one HTML page that needs no network: the recommendation, the table, and two pictures."""

import math
from collections.abc import Sequence
from html import escape
from typing import Any

from polyhead.evaluation.markup import card
from polyhead.evaluation.markup import table as markup
from polyhead.page import offline
from polyhead.study.report import NOTE, columns, table
from polyhead.study.summary import Figure, Summary


def page(summary: Summary, title: str, about: Sequence[str]) -> str:
    """The whole page. All text of users is escaped."""
    head, rows = table(summary)
    first, *reasons = summary.recommendation
    advice = f'<p class="label">{escape(first)}</p>' + "".join(f"<p>{escape(line)}</p>" for line in reasons)
    facts = "".join(f"<li>{escape(line)}</li>" for line in about)
    alone = "; dashed: the task trained alone" if summary.alone else ""
    body = (
        card("What to do", f'<div class="stack">{advice}</div><ul class="quiet">{facts}</ul>')
        + card("Plans", markup(head, rows, numbers=range(1, len(head))), f'<p class="quiet">{escape(NOTE)}</p>')
        + card(
            "Test metrics", '<div class="grid2" id="metrics"></div>', note=f"means, 95 % intervals, in per cent{alone}"
        )
        + card(
            "Validation score over time", '<div id="curves"></div>', note="a line a seed, a colour a plan, in per cent"
        )
    )
    return offline(title, "study.js", _data(summary), body)


def _data(summary: Summary) -> dict[str, Any]:
    """What the pictures show. Scores at second 0 have no place on a scale of logarithms."""
    plans = [
        {
            "name": line.name,
            "test": {metric: _pair(figure) for metric, figure in line.test.items()},
            "curves": [
                [(seconds, score) for seconds, score in curve if score is not None and seconds > 0]
                for curve in line.curves
            ],
        }
        for line in summary.lines
    ]
    alone = {metric: figure.mean for metric, figure in summary.alone.items()}
    return {"plans": plans, "metrics": columns(summary), "alone": alone}


def _pair(figure: Figure) -> tuple[float, float | None]:
    return figure.mean, None if math.isnan(figure.half) else figure.half
