"""A study's page in a real browser: its pictures are drawn, names are only text, nothing is held against it."""

from pathlib import Path
from typing import Any

import pytest

from browser import serious, tab
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


def test_pictures(browser: Any, tmp_path: Path) -> None:
    plans = [EVIL, *(f"top:{number}" for number in range(1, 10))]
    results = [result(name, seed, 0.9 - 0.01 * place) for place, name in enumerate(plans) for seed in (13, 14)]
    alone = [result("full", seed, 0.85, task="topic", test={"topic.accuracy": 0.84 + seed / 1e4}) for seed in (13, 14)]
    with opened(browser, tmp_path, results + alone) as shown:
        assert [each.inner_text() for each in shown.locator("#metrics h3").all()] == [
            "topic.accuracy",
            "degree.spearman",
        ]
        assert shown.locator("#metrics circle").count() == 2 * len(plans)
        assert shown.locator("#metrics .diagonal").count() == 1
        assert shown.locator("#curves path").count() == 2 * len(plans)
        assert shown.locator("#curves circle").count() == 2 * 2 * len(plans)
        assert shown.locator("#curves .legend li").first.inner_text() == EVIL
        assert shown.locator("#curves .legend li").last.inner_text() == "top:9 (dashed)"
        assert shown.locator("svg").evaluate_all(
            "all => all.every(each => !/NaN|undefined|Infinity/.test(each.outerHTML))"
        )
        for theme in ("light", "dark"):
            shown.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
            assert serious(shown) == []
        shown.set_viewport_size({"width": 390, "height": 800})
        shown.wait_for_timeout(200)
        assert shown.evaluate("document.documentElement.scrollWidth") <= 390
        assert shown.evaluate("window.evil") is None


@pytest.mark.parametrize("curve", [[], [[3.0, 0.5]]])
def test_little_to_show(browser: Any, tmp_path: Path, curve: list[list[float]]) -> None:
    with opened(browser, tmp_path, [result("frozen", 13, 0.7, curve=curve, pairs=None)]) as shown:
        assert shown.locator("#metrics circle").count() == 2
        assert shown.locator("#curves circle").count() == len(curve)
        assert shown.locator("svg").evaluate_all(
            "all => all.every(each => !/NaN|undefined|Infinity/.test(each.outerHTML))"
        )
