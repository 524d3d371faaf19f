"""A run's report.html: every part is there, text of users is only text, and a browser has nothing against it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from browser import stands, tab
from conftest import sentences
from polyhead import UserError, load_recipe, train
from polyhead.page import offline
from polyhead.recipe import Watcher
from polyhead.recipe.report import REPORT, cut_texts

EVIL = "<script>window.evil=1</script>"


@pytest.fixture(scope="module")
def run(backbones: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    with (folder / "rows.jsonl").open("w") as file:
        for number, text in enumerate(sentences(60, seed=4)):
            first = text.split()[0]
            row = {
                "text": f"{text} {EVIL}",
                "topic": EVIL if number % 2 else "b",
                "themes": ["x"] if number % 3 else ["x", "y"],
                "degree": number / 60,
                "names": [{"start": 0, "end": len(first), "type": f"PER{EVIL}" if number % 2 else "LOC"}],
            }
            file.write(json.dumps(row) + "\n")
    (folder / "recipe.yaml").write_text(f"""
model: {{backbone: {json.dumps(str(backbones("bert")))}}}
tasks:
  topic: {{kind: classification}}
  themes: {{kind: multilabel}}
  degree: {{kind: regression, range: [0, 1]}}
  names: {{kind: tagging}}
data:
  own:
    format: jsonl
    train: rows.jsonl
    validation: 0.4
    tasks: {{topic: {{}}, themes: {{}}, degree: {{}}, names: {{}}}}
training: {{epochs: 2, batch_size: 8, seed: 3}}
""")
    train(load_recipe(folder / "recipe.yaml"), folder / "run")
    return folder / "run"


def test_every_part_is_there(run: Path) -> None:
    page = (run / REPORT).read_text(encoding="utf-8")
    titles = ("In short", "Metrics over the epochs", "Losses over the epochs", "Metrics", "topic", "themes", "degree",
              "names", "Embedding, beside", "Data", "Machine and versions", "Recipe")  # fmt: skip
    assert [title for title in titles if f"<h2>{title}" not in page] == []
    report = json.loads((run / "result.json").read_text())["validation"]
    for name in ("topic", "degree", "names"):  # thresholds of several labels are fitted after the last evaluation
        for value in report["tasks"][name]["metrics"].values():
            assert f"{value:.4f}" in page
    for part in ("Gold label (row)", "entity type", "Errors by kind", "Calibration:", "The surest of", "95 % interval"):
        assert part in page
    assert "window.evil=1</script>" not in page.replace("&lt;script&gt;window.evil=1&lt;/script&gt;", "")


def test_a_correlation_is_no_percentage(run: Path) -> None:
    page = (run / REPORT).read_text(encoding="utf-8")
    metrics = json.loads((run / "result.json").read_text())["validation"]["tasks"]["degree"]["metrics"]
    assert f'<b>{metrics["spearman"]:.3f}</b><span class="quiet">degree spearman</span>' in page
    assert "that are a tenth of the range off or more</h3>" in page
    assert "Calibration of the tags of words:" in page


@pytest.fixture(scope="module")
def unjudged(run: Path) -> Path:
    """A run without validation data, whose longer texts are cut."""
    recipe = (
        (run.parent / "recipe.yaml").read_text().replace("    validation: 0.4\n", "").replace("epochs: 2", "epochs: 1")
    )
    (run.parent / "bare.yaml").write_text(recipe.replace("model: {", "model: {max_length: 12, "))
    train(load_recipe(run.parent / "bare.yaml"), run.parent / "bare")
    return run.parent / "bare"


def test_without_validation_data_it_says_so(unjudged: Path) -> None:
    page = (unjudged / REPORT).read_text(encoding="utf-8")
    assert "no validation data; the last epoch is kept" in page
    assert "choices were made" not in page
    assert "<h2>Metrics" not in page
    assert '<span class="quiet">training data</span>' in page


def test_it_says_how_many_training_texts_were_cut(unjudged: Path) -> None:
    lines = (unjudged / "metrics.jsonl").read_text().splitlines()
    [count] = [row["cut_texts"] for row in map(json.loads, lines) if "cut_texts" in row]
    assert count > 1
    said = f"{count} training texts were longer than the limit of 12 tokens, of which no more than that was read"
    assert said in (unjudged / REPORT).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ([0], "No training text was longer than the limit of 8 tokens (in the first epoch)."),
        ([1, 0], "One training text was longer than the limit of 8 tokens, of which no more than that was read"),
        ([2, 3], "5 training texts were longer"),
    ],
)
def test_texts_are_counted_once_in_an_epoch(counts: list[int], said: str) -> None:
    history = [{"epoch": 1, "step": 1}, *({"epoch": 1, "cut_texts": each} for each in counts)]
    assert said in cut_texts([*history, {"epoch": 2, "cut_texts": 9}], 8)
    assert cut_texts([{"epoch": 1, "eval_loss": 0.5}], 8) == ""


def test_without_validation_data_training_losses_are_drawn(browser: Any, unjudged: Path) -> None:
    with tab(browser, (unjudged / REPORT).as_uri(), offline=True) as page:
        assert page.locator("#metrics-curve").count() == 0
        assert page.locator("#loss-curve svg path").count() == 4
        assert page.locator("#loss-curve .legend li").first.inner_text().startswith("topic loss ")
        assert page.locator("#loss-curve svg circle").evaluate_all(
            "all => all.every(each => +each.getAttribute('cy') > 0)"
        )


def test_lines_below_nothing_and_lines_that_end_are_drawn(browser: Any, tmp_path: Path) -> None:
    rows = [
        {"epoch": 1, "eval_a_spearman": -0.25, "eval_b_accuracy": 0.5},
        {"epoch": 2, "eval_a_spearman": None, "eval_b_accuracy": 0.75, "best": True},
    ]
    places = "".join(f'<section class="card"><div id="{name}-curve"></div></section>' for name in ("metrics", "loss"))
    (tmp_path / "page.html").write_text(offline("page", "report.js", {"history": rows}, places))
    with tab(browser, (tmp_path / "page.html").as_uri(), offline=True) as page:
        assert page.locator("#metrics-curve svg path").count() == 2
        assert page.locator("#metrics-curve svg circle").count() == 3
        assert "%" not in page.locator("#metrics-curve").inner_text()
        assert page.locator("#metrics-curve .legend").inner_text().split("\n") == ["a spearman –", "b accuracy 0.750"]
        height = page.locator("#metrics-curve svg").evaluate("each => each.viewBox.baseVal.height")
        lows = page.locator("#metrics-curve svg circle").evaluate_all(
            "all => all.map(each => +each.getAttribute('cy'))"
        )
        assert max(lows) < height - 20
        assert page.locator("#loss-curve").count() == 0


def test_no_report_where_none_is_wanted(run: Path, tmp_path: Path) -> None:
    train(load_recipe(run.parent / "recipe.yaml"), tmp_path / "run", report=False)
    assert not (tmp_path / "run" / REPORT).exists()


@pytest.fixture
def opened(browser: Any, run: Path) -> Iterator[Any]:
    with tab(browser, (run / REPORT).as_uri(), offline=True) as page:
        yield page
        assert page.evaluate("window.evil") is None


def test_its_tables_fit_a_phone(opened: Any) -> None:
    opened.set_viewport_size({"width": 390, "height": 800})
    tables = opened.locator(".card", has=opened.locator("h2", has_text="Metrics")).locator(".wide")
    [wide] = [
        tables.nth(number) for number in range(tables.count()) if "95 % interval" in tables.nth(number).inner_text()
    ]
    assert wide.evaluate("each => each.scrollWidth <= each.clientWidth")


def test_in_a_browser(opened: Any) -> None:
    assert opened.locator("#metrics-curve svg path").count() == 4
    assert opened.locator("#loss-curve svg path").count() == 9  # four tasks, each in training too; their weighted sum
    widths = opened.locator("#loss-curve svg path").evaluate_all(
        "all => all.map(each => getComputedStyle(each).strokeWidth)"
    )
    assert sorted(widths) == 4 * ["0.8px"] + 5 * ["2px"]
    stands(opened)


def test_a_report_that_fails_fails_no_training(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notes: list[str] = []

    def full(*_: object, **__: object) -> None:
        raise UserError("report.html: cannot be written (No space left on device)")

    monkeypatch.setattr("polyhead.recipe.run.write_report", full)
    train(load_recipe(run.parent / "recipe.yaml"), tmp_path / "run", watcher=Watcher(on_note=notes.append))
    assert (tmp_path / "run" / "result.json").is_file()
    assert notes[-1] == "! there is no report.html: report.html: cannot be written (No space left on device)"
