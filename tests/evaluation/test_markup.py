"""What report pages say of a head: numbers are far off instead of surely wrong, and calibration says of what it is."""

from collections.abc import Mapping
from typing import Any

import pytest

from polyhead.evaluation.evaluate import Report, TaskReport
from polyhead.evaluation.markup import task_cards

BINS = {"temperature": 1.0, "ece": 0.1, "ece_before": 0.2, "bins": [[4, 0.9, 0.5]]}


def page(details: Mapping[str, Any], mistakes: list[dict[str, Any]]) -> str:
    return task_cards(Report({"own": TaskReport(60, {}, details)}), mistakes)


def far(count: int) -> list[dict[str, Any]]:
    return [
        {"task": "own", "text": f"text {row}", "gold": 0.0, "predicted": 0.5, "off_by": 0.1 + row / 100}
        for row in range(count)
    ]


@pytest.mark.parametrize(
    ("count", "title"),
    [
        (45, "<h3>The 10 farthest of 45 that are a tenth of the range off or more</h3>"),
        (3, "<h3>The 3 that are a tenth of the range off or more</h3>"),
        (1, "<h3>The only one that is a tenth of the range off or more</h3>"),
    ],
)
def test_numbers_are_far_off_and_not_sure(count: int, title: str) -> None:
    found = page({}, far(count))
    assert title in found
    assert ">off by</th>" in found
    assert f">{9 + count}%</td>" in found  # the farthest
    assert found.index(f"text {count - 1}<") == min(
        found.index(f"text {row}<") for row in range(max(0, count - 10), count)
    )
    assert "sure" not in found
    assert "error" not in found


def test_labels_are_surely_wrong() -> None:
    wrong = [{"task": "own", "text": "t", "gold": "a", "predicted": "b", "confidence": sure} for sure in (0.6, 0.9)]
    found = page({}, wrong)
    assert "<h3>The surest of 2 errors</h3>" in found
    assert ">sure</th>" in found
    assert "off by" not in found


@pytest.mark.parametrize(
    ("details", "title", "unit"),
    [
        ({"types": {}, "errors": {}}, "Calibration of the tags of words:", "4 tags of confidence 0.90"),
        ({"scores": {}}, "Calibration of the decisions for and against labels:", "4 decisions of confidence 0.90"),
        ({"labels": ["a"], "confusion": [[4]]}, "Calibration:", "4 answers of confidence 0.90"),
    ],
)
def test_calibration_says_of_what(details: Mapping[str, Any], title: str, unit: str) -> None:
    found = page({**details, "calibration": BINS}, [])
    assert title in found
    assert unit in found
