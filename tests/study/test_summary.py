"""A study's arithmetic: intervals against scipy, choices by validation alone, differences seed by seed, words."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from polyhead.study.job import finite
from polyhead.study.lines import Figure, differs
from polyhead.study.report import brief, difference, escaped, markdown, settings_table, table
from polyhead.study.summary import Summary, summarize


def result(name: str, seed: int, score: float, **changes: Any) -> dict[str, Any]:
    given = {
        "name": name, "plan": name, "seed": seed, "changes": {}, "task": None, "score": score, "validation": {},
        "test": {"topic.accuracy": score - 0.01}, "labels_given": {"topic": 4}, "seconds": 10.0, "memory": 1e9,
        "learning": 5, "parameters": 10, "epochs": 3, "best_epoch": 2, "curve": [[1.0, 0.5], [2.0, score]],
        "pairs": None,
    }  # fmt: skip
    return {**given, **changes}


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=9))
def test_intervals_are_scipy_s(values: list[float]) -> None:
    figure = Figure.of(values)
    assert figure.mean == pytest.approx(np.mean(values))
    if np.std(values) > 1e-9:
        low, high = stats.t.interval(0.95, len(values) - 1, loc=np.mean(values), scale=stats.sem(values))
        assert (figure.mean - figure.half, figure.mean + figure.half) == pytest.approx((low, high))


def test_of_one_seed_nothing_is_said() -> None:
    assert math.isnan(Figure.of([0.5]).half)
    found = summarize([result("probe", 13, 0.8), result("full", 13, 0.9)])
    assert [line.name for line in found.lines] == ["full", "probe"]
    assert not differs(*found.lines)
    assert "in one seed only" in found.recommendation[0]


def test_settings_are_chosen_by_validation_not_by_test() -> None:
    rows = []
    for seed in (1, 2):
        rows.append(result("full", seed, 0.8, changes={"a": "1"}, test={"topic.accuracy": 0.99}))
        rows.append(result("full", seed, 0.9, changes={"a": "2"}, test={"topic.accuracy": 0.50}))
    [line] = summarize(rows).lines
    assert line.settings == {"a": "2"}
    assert line.test["topic.accuracy"].mean == 0.5


def test_settings_without_all_seeds_are_not_chosen_while_a_study_is_under_way() -> None:
    rows = [result("full", seed, 0.8, changes={"a": "1"}) for seed in (1, 2)]
    rows.append(result("full", 1, 0.95, changes={"a": "2"}))
    [line] = summarize(rows).lines
    assert line.settings == {"a": "1"}


def test_differences_are_seed_by_seed() -> None:
    """Each seed moves both plans alike: their means overlap, their difference is sure."""
    rows = [result("full", seed, base + 0.02) for seed, base in ((1, 0.5), (2, 0.7), (3, 0.9))]
    rows += [result("probe", seed, base) for seed, base in ((1, 0.5), (2, 0.7), (3, 0.901))]
    full, probe = summarize(rows).lines
    assert full.score.mean - full.score.half < probe.score.mean
    assert differs(full, probe)


def test_differences_from_the_best_are_marked_in_the_table() -> None:
    rows = [result("full", seed, base + 0.02) for seed, base in ((1, 0.5), (2, 0.7), (3, 0.9))]
    rows += [result("probe", seed, base) for seed, base in ((1, 0.5), (2, 0.7), (3, 0.901))]
    rows += [result("near", seed, base + by) for seed, base, by in ((1, 0.5, 0.03), (2, 0.7, 0.01), (3, 0.9, 0.0))]
    head, cells = table(summarize(rows))
    behind = {row[0]: row[head.index("Δ best")] for row in cells}
    assert behind["full"] == "–"
    assert behind["probe"].startswith("-1.97 ± ")
    assert behind["probe"].endswith("*")
    assert behind["near"].startswith("-0.67 ± ")
    assert not behind["near"].endswith("*")
    rows.append(result("collapsed", 1, 0.95, labels_given={"topic": 1}))
    rows += [result("collapsed", seed, 0.95) for seed in (2, 3)]
    rows += [result("unscored", seed, math.nan) for seed in (1, 2, 3)]
    found = summarize(rows)
    gaps = {line.name: line.behind for line in found.lines}
    assert gaps["full"] is None
    assert found.recommendation[1].startswith("full has the best validation score")
    assert gaps["collapsed"] is not None
    assert gaps["collapsed"].mean > 0
    assert gaps["unscored"] is None
    assert "Δ best" not in table(summarize([result("full", 1, 0.9)]))[0]


def test_each_task_alone_is_compared_by_seed() -> None:
    rows = [result("full", seed, 0.9, test={"topic.accuracy": 0.8 + seed / 100}) for seed in (1, 2)]
    rows += [result("full", seed, 0.9, task="topic", test={"topic.accuracy": 0.7 + seed / 100}) for seed in (1, 2)]
    found = summarize(rows)
    assert found.lines[0].alone["topic.accuracy"].mean == pytest.approx(0.1)
    assert found.alone["topic.accuracy"].mean == pytest.approx(0.715)
    assert brief(found)[0] == ["plan", "validation", "topic accuracy", "time"]
    head, [row] = table(found)
    assert row[head.index("Δ alone")] == "+10.00 ± 0.00*"


def test_the_cheapest_within_the_spread_is_recommended_with_its_reason() -> None:
    rows = [result("full", seed, 0.91 + 0.01 * seed, seconds=100.0) for seed in (1, 2, 3)]
    rows += [result("top:2", seed, 0.9 + 0.01 * (4 - seed), seconds=20.0) for seed in (1, 2, 3)]
    rows += [result("probe", seed, 0.6 + 0.01 * seed, seconds=1.0) for seed in (1, 2, 3)]
    words = summarize(rows).recommendation
    assert words[0] == "Use top:2."
    assert words[1].startswith("full has the best validation score")
    assert "Of these top:2 is the cheapest, 5.0 times as fast as full." in words
    assert any(line.startswith("Worse: probe") for line in words)


def test_a_little_faster_is_no_reason() -> None:
    rows = [result("full", seed, 0.91 + 0.01 * seed, seconds=100.0) for seed in (1, 2, 3)]
    rows += [result("top:2", seed, 0.9 + 0.01 * (4 - seed), seconds=95.0) for seed in (1, 2, 3)]
    words = summarize(rows).recommendation
    assert words[0] == "Use full."
    assert not any("cheapest" in line for line in words)


def test_times_that_scatter_are_no_reason() -> None:
    rows = [result("full", seed, 0.91 + 0.01 * seed, seconds=(114.0, 113.0, 68.0)[seed]) for seed in range(3)]
    rows += [result("top:2", seed, 0.9 + 0.01 * (3 - seed), seconds=(92.0, 56.0, 54.0)[seed]) for seed in range(3)]
    assert summarize(rows).recommendation[0] == "Use full."


def test_what_is_no_share_is_not_in_per_cent_and_what_has_no_score_is_named() -> None:
    rows = [
        result("full", seed, -4.5 - seed, shares=False, test={"price.mae": 2.25}, curve=[[1.0, -9.0]])
        for seed in (1, 2)
    ]
    rows += [result("frozen: nearest neighbours", seed, math.nan, shares=False) for seed in (1, 2)]
    found = summarize(rows)
    head, [first, second] = table(found)
    assert dict(zip(head, first, strict=True))["validation score"].startswith("-6 ± ")
    assert dict(zip(head, first, strict=True))["price.mae"] == "2.25 ± 0"
    assert dict(zip(head, second, strict=True))["validation score"] == "–"
    assert found.recommendation[0] == "Use full."
    assert found.recommendation[-1].endswith("so not compared: frozen: nearest neighbours.")


def test_what_failed_is_said_before_the_advice() -> None:
    found = summarize([result("probe", seed, 0.8) for seed in (1, 2)], ["full, seed 1: no room"])
    assert found.recommendation[0] == "Not all could be done, and this is of the rest; failed: full, seed 1: no room."


def test_what_scatters_is_not_within_the_spread_of_the_best_where_something_worse_beats_it() -> None:
    """Near is a little below the best in every seed, and above what is far below it in one."""
    best, near, wild = (0.87, 0.88, 0.86), (0.864, 0.873, 0.855), (0.862, 0.85, 0.849)
    rows = [
        result(name, seed, score, seconds=seconds)
        for name, scores, seconds in (("full", best, 90.0), ("thaw", near, 80.0), ("wild", wild, 9.0))
        for seed, score in enumerate(scores)
    ]
    assert summarize([row for row in rows if row["name"] != "thaw"]).recommendation[0] == "Use wild."
    found = summarize(rows)
    assert found.recommendation[0] == "Use full."
    assert found.chosen is not None
    assert found.chosen.name == "full"
    assert any(line.startswith("Worse: thaw (") for line in found.recommendation)
    assert any(line.endswith("told from anything: wild.") for line in found.recommendation)


def measured(**embeddings: Sequence[float]) -> Summary:
    """Two plans of which neither is better, and two that are worse, with the embedding's Spearman by seed."""
    scores = {"full": (0.92, 0.93, 0.94), "top": (0.93, 0.92, 0.93), "lora": (0.5,) * 3, "probe": (0.4,) * 3}
    given = {"full": (0.5, 0.52, 0.51), "top": (0.8,) * 3, "lora": (0.4,) * 3, "probe": (0.82,) * 3, **embeddings}
    return summarize(
        [
            result(name, seed, scores[name][seed], seconds=12.0, pairs=[0.82, given[name][seed]])
            for name in scores
            for seed in range(3)
        ]
    )


def test_the_embedding_chooses_nothing_and_is_said() -> None:
    words = measured().recommendation
    assert words[0] == "Use full."
    [matters] = [line for line in words if line.startswith("If the embedding matters")]
    assert "use top, within the spread as well: Spearman 80.00 ± 0.00 instead of 51.00" in matters
    [front] = [line for line in words if line.startswith("Score and embedding (82.00 before): ")]
    assert [each.split(" ")[0] for each in front.split(": ")[1].split("; ")] == ["full", "top", "probe"]
    assert not any("matters" in line for line in measured(full=(0.9, 0.6, 0.85)).recommendation)  # by chance, perhaps
    assert not any("matters" in line for line in measured(top=(0.3,) * 3).recommendation)
    assert not any("Score and" in line for line in measured(full=(0.9,) * 3).recommendation)


def test_all_settings_are_listed_by_validation_score_alone() -> None:
    rows = [result("full", seed, 0.8, changes={"training.rate": "1"}) for seed in (1, 2)]
    assert summarize(rows).tried == []
    rows += [result("full", seed, 0.9, changes={"training.rate": "2"}) for seed in (1, 2)]
    found = summarize(rows)
    assert settings_table(found.tried) == (
        ["plan", "settings", "validation score", "seeds"],
        [["full", "rate 2", "90.00 ± 0.00", "2"], ["full", "rate 1", "80.00 ± 0.00", "2"]],
    )
    assert "| full | rate 1 | 80.00 ± 0.00 | 2 |" in markdown(found, "", [])


def test_how_far_frozen_heads_drift_is_a_column() -> None:
    rows = [result("{freeze: [topic]}", seed, 0.9, drift={"topic": 0.1 * seed}) for seed in (1, 2)]
    rows += [result("full", seed, 0.8) for seed in (1, 2)]
    found = summarize(rows)
    assert any("others all the same: 15.00 ± 63.53 % of topic's" in line for line in found.recommendation)
    head, [held, free] = table(found)
    place = head.index("topic frozen: answers changed")
    assert held[place].startswith("15.00 ± ")
    assert free[place] == "–"


def test_a_collapse_is_said() -> None:
    rows = [result("full", seed, 0.9, labels_given={"topic": 1 if seed == 1 else 4}) for seed in (1, 2)]
    found = summarize(rows)
    assert found.lines[0].collapsed == 1
    assert any(line.startswith("Collapsed to a single label in some seed: full") for line in found.recommendation)


def test_a_collapsed_plan_is_not_recommended() -> None:
    rows = [result("full", seed, 0.9 + 0.01 * seed, labels_given={"topic": 1}, seconds=1.0) for seed in (1, 2)]
    rows += [result("probe", seed, 0.9 + 0.01 * (3 - seed), seconds=9.0) for seed in (1, 2)]
    assert summarize(rows).recommendation[0] == "Use probe."


def test_what_is_not_a_number_is_none_in_json() -> None:
    assert finite({"a": [math.nan, 1.0, {"b": math.inf}], "c": "x"}) == {"a": [None, 1.0, {"b": None}], "c": "x"}


def test_a_plan_without_scores_comes_last_and_is_not_recommended() -> None:
    rows = [result("full", seed, math.nan) for seed in (1, 2)]
    assert "No plan has a validation score" in summarize(rows).recommendation[0]
    rows += [result("probe", seed, 0.1) for seed in (1, 2)]
    found = summarize(rows)
    assert [line.name for line in found.lines] == ["probe", "full"]
    assert found.recommendation[0] == "Use probe."


def test_markdown_is_a_table_whatever_names_hold() -> None:
    evil = "{top: 1, rates: {'a|b': 1}}\n| <script>"
    text = markdown(summarize([result(evil, 1, 0.5)]), "a | b", ["c * d"])
    lines = text.splitlines()
    [row] = [line for line in lines if "rates" in line and line.startswith("| ")]
    head = next(line for line in lines if line.startswith("| plan"))
    bars = [sum(1 for i, c in enumerate(line) if c == "|" and line[i - 1] != "\\") for line in (row, head)]
    assert bars[0] == bars[1]
    assert "<script>" not in text
    assert escaped("a\nb|c") == "a b\\|c"


def test_differences_have_a_sign_and_a_star() -> None:
    assert difference(Figure(0.012, 0.005, 3)) == "+1.20 ± 0.50*"
    assert difference(Figure(-0.012, 0.05, 3)) == "-1.20 ± 5.00"
    assert difference(Figure(0.0, math.nan, 1)) == "+0.00"
