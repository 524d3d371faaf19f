"""The plan frozen: nothing is trained or written, and what the encoder gives as it is is measured."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import starter_recipe
from polyhead import Polyhead, UserError, evaluate_frozen, load_recipe, train
from polyhead.recipe import Watcher
from polyhead.recipe.examples import recipe_examples
from polyhead.recipe.external import NEIGHBOURS, REGRESSION
from polyhead.recipe.frozen import SAVED
from polyhead.starter import FOLDER


@pytest.fixture
def recipe(backbones: Callable[[str], Path], tmp_path: Path) -> Path:
    return starter_recipe(tmp_path / "small.yaml", backbones("bert"), plan="frozen", epochs=1, max_train_samples=60)


def test_the_command_trains_nothing_and_shows_a_table(run: Callable[..., Any], recipe: Path, tmp_path: Path) -> None:
    found = run("train", recipe, "--data-root", FOLDER)
    assert found.status == 0, found.err
    assert "Frozen encoder" in found.out
    for word in (REGRESSION, NEIGHBOURS, "validation", "test", "topic", "entities"):
        assert word in found.out
    assert sorted(tmp_path.iterdir()) == [recipe]
    file = tmp_path / "figures.json"
    told = run("train", recipe, "--data-root", FOLDER, "--output", file, "--json")
    printed = json.loads(told.out)
    assert printed["results"] == json.loads(file.read_text())
    assert printed["results"].keys() == {REGRESSION, NEIGHBOURS}
    for each in printed["results"].values():
        assert each["test"]["tasks"].keys() == {"topic", "entities"}
        assert each["score"] == pytest.approx(
            (
                each["validation"]["tasks"]["topic"]["metrics"]["accuracy"]
                + each["validation"]["tasks"]["entities"]["metrics"]["span_f1"]
            )
            / 2
        )
    again = run("train", recipe, "--data-root", FOLDER, "--output", file)
    assert again.status == 1
    assert "is there already" in again.err


def test_what_it_says_beforehand(run: Callable[..., Any], recipe: Path, tmp_path: Path) -> None:
    dry = json.loads(run("train", recipe, "--data-root", FOLDER, "--dry-run", "--json").out)
    assert {row["learning"] for row in dry["components"]} == {0}
    assert dry["stages"] == []
    assert not any(each["learns"] for each in dry["parameters"].values())
    kept = run("train", recipe, "--data-root", FOLDER, "--cache-dir", tmp_path / "kept")
    assert kept.status == 2
    assert "--cache-dir" in kept.err
    assert "0 of " in run("train", recipe, "--data-root", FOLDER, "--dry-run").out
    checked = run("check", recipe, "--data-root", FOLDER, "--output", tmp_path / "checks")
    assert checked.status == 0, checked.err
    assert "Training:" not in checked.out


def test_what_is_odd_about_test_rows_is_said(recipe: Path, tmp_path: Path) -> None:
    rows = [json.loads(line) for line in (FOLDER / "test.jsonl").read_text(encoding="utf-8").splitlines()[:6]]
    rows[0]["topic"], rows[1]["text"], rows[2]["text"] = "🙂", "", "🙂" * 100_000
    rows[2]["entities"] = []
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "odd.jsonl").write_text(lines, encoding="utf-8")
    given = {"data.starter.test": str(tmp_path / "odd.jsonl")}
    said: list[str] = []
    loaded = load_recipe(recipe, data_root=FOLDER, overrides=given)
    found = evaluate_frozen(loaded, watcher=Watcher(on_note=said.append))
    assert found.results[0].reports["test"].tasks["topic"].rows == 5
    assert found.results[0].reports["test"].truncated >= 1
    [wrong] = [line for line in said if line.startswith("! counted as wrong: ")]
    assert "odd.jsonl:1: task topic has the labels" in wrong
    assert "! rows without text, left out: 1" in said


def test_names_and_spellings_that_there_are_not(recipe: Path) -> None:
    for plan, says in (
        ("{strategy: frozen, freeze: [nope]}", r"freeze takes backbone, encoder, topic, entities; found 'nope'"),
        ("frozen:3", r"--training\.plan: input should be 'full', 'frozen', .*; found 'frozen:3'"),
    ):
        with pytest.raises(UserError, match=says):
            evaluate_frozen(load_recipe(recipe, data_root=FOLDER, overrides={"training.plan": plan}))


def test_a_training_by_it_is_refused_before_anything_is_written(recipe: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"training\.plan: frozen trains nothing; evaluate_frozen says"):
        train(load_recipe(recipe, data_root=FOLDER), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_task_without_training_rows_is_no_classifier_s(recipe: Path) -> None:
    """The heads' own answers, untrained or not, are not given out as theirs."""
    document = yaml.safe_load(recipe.read_text())
    starter = document["data"]["starter"]
    document["data"] = {
        "starter": {**starter, "tasks": {"topic": {}}},
        "others": {
            "format": "jsonl",
            "validation": "validation.jsonl",
            "test": "test.jsonl",
            "tasks": {"entities": {}},
        },
    }
    document["tasks"]["entities"]["labels"] = ["PERSON", "LOC", "ORG", "DATE"]
    recipe.write_text(yaml.safe_dump(document, sort_keys=False))
    for each in evaluate_frozen(load_recipe(recipe, data_root=FOLDER)).results:
        assert each.reports["test"].tasks.keys() == {"topic"}
        assert math.isnan(each.score)  # the recipe's other task has none


def test_saved_heads_without_validation_or_test_rows(recipe: Path, tmp_path: Path) -> None:
    loaded = load_recipe(recipe, data_root=FOLDER, overrides={"training.plan": "probe"})
    train(loaded, tmp_path / "run", report=False)
    model = Polyhead.from_pretrained(tmp_path / "run")
    found = evaluate_frozen(load_recipe(recipe, data_root=FOLDER), start=tmp_path / "run")
    assert [each.name for each in found.results] == [REGRESSION, NEIGHBOURS, SAVED]
    [rows], _ = recipe_examples(recipe, "test", model.tasks, data_root=FOLDER, count_unseen=True)
    assert found.results[2].reports["test"].metrics() == pytest.approx(model.evaluate(rows).metrics())
    assert found.model.pretrained.encoder_hash() == model.pretrained.encoder_hash()
    document = yaml.safe_load(recipe.read_text())
    del document["data"]["starter"]["validation"]
    recipe.write_text(yaml.safe_dump(document, sort_keys=False))
    one, *_ = evaluate_frozen(load_recipe(recipe, data_root=FOLDER)).results
    assert one.reports.keys() == {"test"}
    assert math.isnan(one.score)  # there is nothing to choose by
