"""A run's report.html: every part is there, text of users is only text, and a browser has nothing against it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from browser import stands, tab
from conftest import sentences
from polyhead import UserError, load_recipe, train
from polyhead.recipe import Watcher
from polyhead.recipe.report import REPORT

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
    assert opened.locator("#metrics-curve svg path").count() in (3, 4)  # a correlation below 0 is not drawn
    assert opened.locator("#loss-curve svg path").count() == 5  # four tasks and their weighted sum
    stands(opened)


def test_a_report_that_fails_fails_no_training(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notes: list[str] = []

    def full(*_: object, **__: object) -> None:
        raise UserError("report.html: cannot be written (No space left on device)")

    monkeypatch.setattr("polyhead.recipe.run.write_report", full)
    train(load_recipe(run.parent / "recipe.yaml"), tmp_path / "run", watcher=Watcher(on_note=notes.append))
    assert (tmp_path / "run" / "result.json").is_file()
    assert notes[-1] == "! there is no report.html: report.html: cannot be written (No space left on device)"
