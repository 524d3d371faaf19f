"""A study's page in a real browser: its pictures are drawn, names are only text, nothing is held against it."""

import re
from pathlib import Path
from typing import Any

import pytest

from browser import stands, tab
from polyhead.study.page import page
from polyhead.study.summary import summarize

EVIL = "<img src=x onerror=window.evil=1>$\\frac{"


def result(name: str, seed: int, score: float, **changes: Any) -> dict[str, Any]:
    given = {
        "name": name, "seed": seed, "changes": {}, "task": None, "score": score,
        "test": {"topic.accuracy": score - 0.01, "degree.spearman": score - 0.95}, "labels_given": {"topic": 4},
        "seconds": 10.0, "memory": 1e9, "learning": 5, "parameters": 10, "epochs": 3,
        "curve": [[0.0, 0.1], [1.5, 0.5], [20.0, None], [250.0 + seed, score]], "pairs": [0.8, 0.7],
    }  # fmt: skip
    return {**given, **changes}


def opened(browser: Any, folder: Path, results: list[dict[str, Any]]) -> Any:
    (folder / "study.html").write_text(page(summarize(results), EVIL, [EVIL]), encoding="utf-8")
    return tab(browser, (folder / "study.html").as_uri(), offline=True)


def drawn_whole(shown: Any) -> bool:
    return bool(
        shown.locator("svg").evaluate_all("all => all.every(one => !/NaN|undefined|Infinity/.test(one.outerHTML))")
    )


def numbers(shown: Any, place: str) -> list[str]:
    """The texts of a picture's scales: per cent, and seconds."""
    texts = [text.removesuffix(" s") for text in shown.locator(f"{place} svg > text").all_text_contents()]
    return [text for text in texts if re.fullmatch(r"-?[\d,.]+", text)]


def test_pictures(browser: Any, tmp_path: Path) -> None:
    plans = [EVIL, *(f"{{probe-then-full: {{epoch: {number}}}}}" for number in range(1, 18))]
    results = [result(name, seed, 0.9 - 0.01 * place) for place, name in enumerate(plans) for seed in (13, 14)]
    alone = [result("full", seed, 0.85, task="topic", test={"topic.accuracy": 0.84 + seed / 1e4}) for seed in (13, 14)]
    with opened(browser, tmp_path, results + alone) as shown:
        metrics = [each.inner_text() for each in shown.locator("#test-metrics h3").all()]
        assert metrics == ["topic.accuracy", "degree.spearman"]
        assert shown.locator("#test-metrics circle").count() == 2 * len(plans)
        assert shown.locator("#test-metrics .diagonal").count() == 1
        assert shown.locator("#curves path").count() == 2 * len(plans)
        assert shown.locator("#curves circle").count() == 2 * 2 * len(plans)
        legend = [each.inner_text() for each in shown.locator("#curves .legend li").all()]
        assert [legend[place] for place in (0, 8, 17)] == [EVIL, f"{plans[8]} (dashed)", f"{plans[17]} (dotted)"]
        names = shown.locator("#test-metrics svg").first.locator("text:has(title)")
        labels = names.evaluate_all("all => all.map(one => one.firstChild.data)")
        assert shown.locator("#test-metrics").bounding_box()["width"] > 1000, "pictures have the card's width"
        assert len(set(labels)) == len(plans), "plans that differ in a number can be told apart"
        assert drawn_whole(shown)
        stands(shown)
        assert shown.evaluate("window.evil") is None


@pytest.mark.parametrize("curve", [[], [[3.0, 0.5]], [[21.0, 0.71301], [30.0, 0.71302], [48.0, 0.71303]]])
def test_little_to_show_has_a_scale(browser: Any, tmp_path: Path, curve: list[list[float]]) -> None:
    with opened(browser, tmp_path, [result("frozen", 13, 0.7, curve=curve, pairs=None)]) as shown:
        assert shown.locator("#test-metrics circle").count() == 2
        assert len(numbers(shown, "#test-metrics")) >= 2
        assert shown.locator("#curves").count() == bool(curve), "nothing was trained, so there is no card for it"
        assert shown.locator("#curves circle").count() == len(curve)
        found = numbers(shown, "#curves")
        assert len(found) == len(set(found)), "no number twice"
        assert len(found) >= 2 * len(curve[:2])
        assert drawn_whole(shown)
