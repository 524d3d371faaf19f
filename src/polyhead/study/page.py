"""A study as one HTML page that needs no network: the recommendation, the table, and two pictures."""

import math
from collections.abc import Sequence
from html import escape
from typing import Any

from polyhead.evaluation.markup import card
from polyhead.evaluation.markup import table as markup
from polyhead.page import offline
from polyhead.study.lines import Figure, Line, is_share
from polyhead.study.report import NOTE, columns, settings_table, table
from polyhead.study.summary import Summary


def page(summary: Summary, title: str, about: Sequence[str]) -> str:
    """The whole page; ``study.js`` draws its pictures. All text of users is escaped."""
    head, rows = table(summary)
    first, *reasons = summary.recommendation
    advice = f'<p class="label">{escape(first)}</p>' + "".join(f"<p>{escape(line)}</p>" for line in reasons)
    facts = "".join(f"<li>{escape(line)}</li>" for line in about)
    alone = "; dashed: the task trained alone" if summary.alone else ""
    plans, shares = [_drawn(line) for line in summary.lines], all(line.shares for line in summary.lines)
    cards = [
        card("What to do", f'<div class="stack">{advice}</div><ul class="quiet">{facts}</ul>'),
        card("Plans", markup(head, rows, numbers=range(1, len(head))), f'<p class="quiet">{escape(NOTE)}</p>'),
        card(
            "Test metrics",
            '<div class="grid2" id="test-metrics"></div>',
            note=f"mean, 95 % interval, shares in per cent{alone}",
        ),
    ]
    if summary.tried:
        note = "every plan with every setting, by validation score"
        cards.append(card("Settings", markup(*settings_table(summary.tried), numbers=range(2, 4)), note=note))
    if any(any(plan["curves"]) for plan in plans):
        note = "a line a seed, a colour a plan" + (", in per cent" if shares else "")
        cards.append(card("Validation score over time", '<div id="curves"></div>', note=note))
    tasks_alone = {metric: figure.mean for metric, figure in summary.alone.items()}
    factors = {metric: 100 if is_share(metric) else 1 for metric in columns(summary)}
    data = {"plans": plans, "metrics": factors, "score": 100 if shares else 1, "alone": tasks_alone}
    return offline(title, "study.js", data, "".join(cards))


def _drawn(line: Line) -> dict[str, Any]:
    """What pictures show of a plan. Scores at second 0 have no place on a scale of logarithms."""
    curves = [
        [(seconds, score) for seconds, score in curve if score is not None and seconds > 0] for curve in line.curves
    ]
    return {
        "name": line.name,
        "test": {metric: _interval(figure) for metric, figure in line.test.items()},
        "curves": curves,
    }


def _interval(figure: Figure) -> tuple[float, float | None]:
    """Mean and half the interval's width, which a single seed has not."""
    return figure.mean, None if math.isnan(figure.half) else figure.half
