"""Whole runs from a recipe: what they leave behind, going on from a saved model, and evaluating it."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from polyhead import Polyhead, UserError, load_recipe, train
from polyhead.folder.hashing import file_hash
from polyhead.recipe.examples import file_examples, recipe_examples
from polyhead.recipe.run import Watcher
from polyhead.starter import FOLDER
from polyhead.training import StepReport


@pytest.fixture
def recipe(backbones: Callable[[str], Path], tmp_path: Path) -> Path:
    """The starter data on a tiny backbone."""
    document = {
        "model": {"backbone": str(backbones("bert")), "projection": 16, "normalize": True},
        "tasks": {"topic": {"kind": "classification"}, "entities": {"kind": "tagging", "scheme": "io"}},
        "data": {
            "starter": {
                "format": "jsonl",
                "train": {"path": "train.jsonl", "sample": {"per_class": 20}},
                "validation": 0.25,
                "test": "test.jsonl",
                "tasks": {"topic": {}, "entities": {"spans": "entities"}},
            }
        },
        "training": {"epochs": 2, "batch_size": 16, "learning_rate": 1e-3, "bf16": False},
    }
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return path


def test_a_run_can_be_repeated_from_its_folder(recipe: Path, tmp_path: Path) -> None:
    first = train(load_recipe(recipe, data_root=FOLDER), tmp_path / "one")
    run = tmp_path / "one"
    assert {path.name for path in run.iterdir()} == {
        "recipe.yaml", "run.json", "metrics.jsonl", "result.json", "curves.png", "report.html", "model", "checkpoints"
    }  # fmt: skip
    facts = json.loads((run / "run.json").read_text())
    assert facts["rows"] == {"starter.train": 60, "starter.validation": 20}
    assert "train.jsonl" in facts["files"]
    assert facts["files"] == {name: file_hash(FOLDER / name) for name in facts["files"]}
    assert facts["recipe"] == yaml.safe_load((run / "recipe.yaml").read_text())
    assert facts["machine"]["device"] == "cpu"
    assert facts["versions"]["torch"] == torch.__version__
    train(load_recipe(run / "recipe.yaml", data_root=facts["data_root"]), tmp_path / "two")
    again = [json.loads(line) for line in (tmp_path / "two/metrics.jsonl").read_text().splitlines()]
    before = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [{**row, "seconds": 0} for row in again] == [{**row, "seconds": 0} for row in before]
    model = Polyhead.from_pretrained(run)
    assert model.width == 16
    assert model.tasks["entities"].outputs == ("O", "DATE", "LOC", "ORG", "PERSON")
    assert first.model == run / "model"


def test_a_taken_folder_is_refused(recipe: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken/file").write_text("x")
    with pytest.raises(UserError, match="new or empty folder"):
        train(load_recipe(recipe, data_root=FOLDER), tmp_path / "taken")


def test_going_on_from_a_saved_model_adds_tasks_and_marks_heads_left_behind(recipe: Path, tmp_path: Path) -> None:
    train(load_recipe(recipe, data_root=FOLDER), tmp_path / "one")
    more = {
        "tasks": {"sentiment": {"kind": "classification"}},
        "data": {"starter": {"format": "jsonl", "train": "train.jsonl", "tasks": {"sentiment": {}}}},
        "training": {"epochs": 1, "bf16": False},
    }
    path = tmp_path / "more.yaml"
    path.write_text(yaml.safe_dump(more))
    train(load_recipe(path, data_root=FOLDER), tmp_path / "two", start=tmp_path / "one")
    model = Polyhead.from_pretrained(tmp_path / "two")
    assert list(model.tasks) == ["topic", "entities", "sentiment"]
    assert {name: head.trained for name, head in model.pretrained.heads.items()} == {
        "topic": False, "entities": False, "sentiment": True
    }  # fmt: skip
    before = Polyhead.from_pretrained(tmp_path / "one", dtype="float32").predict("Anna flies to Oslo.")
    train(
        load_recipe(path, data_root=FOLDER, overrides={"training.plan": "{freeze: [backbone, topic, entities]}"}),
        tmp_path / "three",
        start=tmp_path / "one",
    )
    kept = Polyhead.from_pretrained(tmp_path / "three", dtype="float32")
    after = kept.predict("Anna flies to Oslo.")
    assert set(after.tasks) == {"topic", "entities", "sentiment"}
    assert before["entities"] == after["entities"]  # tagging heads read token states, which stayed


def test_another_encoder_or_other_labels_cannot_be_asked_of_a_saved_model(recipe: Path, tmp_path: Path) -> None:
    train(load_recipe(recipe, data_root=FOLDER), tmp_path / "one")
    for overrides, words in (
        ({"model.pooling": "cls"}, "model.pooling: the saved model has 'mean', found 'cls'"),
        ({"tasks.topic.labels": "[a, b]"}, "tasks.topic.labels: the saved head has"),
        ({"tasks.entities.scheme": "iob2"}, "tasks.entities.scheme: the saved head has 'io', found 'iob2'"),
    ):
        with pytest.raises(UserError, match=words):
            train(load_recipe(recipe, data_root=FOLDER, overrides=overrides), tmp_path / "two", start=tmp_path / "one")
    assert not (tmp_path / "two").exists()


def test_evaluating_goes_by_the_models_labels(recipe: Path, tmp_path: Path) -> None:
    train(load_recipe(recipe, data_root=FOLDER), tmp_path / "one")
    model = Polyhead.from_pretrained(tmp_path / "one")
    [examples], _ = recipe_examples(recipe, "test", model.tasks, data_root=FOLDER, count_unseen=False)
    report = model.evaluate(examples)
    assert report.tasks["topic"].rows == len(examples) == 108
    assert np.sum(report.tasks["topic"].details["confusion"]) == 108
    strange = tmp_path / "strange.jsonl"
    rows = [{"text": "Anna flies to Oslo.", "topic": "sport"}, {"text": "A vote.", "topic": "politics"}]
    strange.write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(UserError, match=r"strange.jsonl:1: task topic has the labels .*found 'sport'"):
        file_examples(strange, None, {}, ["topic"], model.tasks, count_unseen=False)
    [examples], _ = file_examples(strange, None, {}, ["topic=topic"], model.tasks, count_unseen=True)
    report = model.evaluate(examples)
    assert report.skipped == ["entities"]
    assert report.tasks["topic"].metrics["accuracy"] <= 0.5
    assert report.tasks["topic"].details["labels"][-1] == "sport"
    [examples], _ = file_examples(strange, None, {}, [], model.tasks, count_unseen=True)
    assert model.evaluate(examples).skipped == ["entities"], "a file need not have labels for every head"
    with pytest.raises(UserError, match=r"strange.jsonl: no row has a label of entities"):
        file_examples(strange, None, {}, [], {"entities": model.tasks["entities"]}, count_unseen=True)


def test_a_task_that_the_model_lacks_is_an_error(recipe: Path, minilm: Polyhead) -> None:
    with pytest.raises(UserError, match="the model has no head for task topic"):
        recipe_examples(recipe, "test", minilm.tasks, data_root=FOLDER, count_unseen=False)


def test_a_loss_weight_holds_for_a_saved_head_too(recipe: Path, tmp_path: Path) -> None:
    train(load_recipe(recipe, data_root=FOLDER), tmp_path / "one")
    again = load_recipe(recipe, data_root=FOLDER, overrides={"tasks.topic.weight": "5.0", "training.epochs": "1"})
    seen: list[StepReport] = []
    train(again, tmp_path / "two", start=tmp_path / "one", watcher=Watcher(on_step=seen.append))
    assert seen[0].loss == pytest.approx(5 * seen[0].losses["topic"] + seen[0].losses["entities"])


def test_what_cannot_work_is_said_before_anything_is_written(recipe: Path, tmp_path: Path) -> None:
    for overrides, words in (
        ({"training.score": "topic.acuracy"}, "training.score"),
        ({"training.plan": "{freeze: [bakbone]}"}, "training.plan"),
        ({"data.starter.train.path": "a.jsonl", "data.starter.validation": "b.jsonl"}, "a.jsonl: no such file"),
    ):
        with pytest.raises(UserError, match=words) as caught:
            train(load_recipe(recipe, data_root=FOLDER, overrides=overrides), tmp_path / "one")
        assert not (tmp_path / "one").exists()
    assert len(caught.value.faults) == 2


def test_a_file_in_the_place_of_the_cache_is_refused_before_anything_is_written(recipe: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("a file")
    for place in (tmp_path / "mine", tmp_path / "mine" / "below"):
        with pytest.raises(UserError, match=r"^--cache-dir: must be a folder, and .*mine is a file; choose another$"):
            train(load_recipe(recipe, data_root=FOLDER), tmp_path / "one", cache=place)
        assert not (tmp_path / "one").exists()


@pytest.mark.parametrize("plan", ["probe", "top:1", "thaw"])
def test_too_little_room_for_what_is_to_be_kept_is_refused_before_anything_is_written(
    recipe: Path, tmp_path: Path, plan: str
) -> None:
    overrides = {"training.plan": plan, "training.cache": "true", "training.cache_gb": "0.000001"}
    with pytest.raises(UserError, match=r"^training\.cache: .* would be kept .* cache_gb is 1e-06; raise it"):
        train(load_recipe(recipe, data_root=FOLDER, overrides=overrides), tmp_path / "one")
    assert not (tmp_path / "one").exists()


def test_how_many_stages_began_is_noted(recipe: Path, tmp_path: Path) -> None:
    said: list[str] = []
    overrides = {"training.plan": "probe-then-full", "training.epochs": "1"}
    watcher = Watcher(on_note=said.append)
    train(load_recipe(recipe, data_root=FOLDER, overrides=overrides), tmp_path / "one", watcher=watcher, report=False)
    assert json.loads((tmp_path / "one" / "result.json").read_text())["stages"] == {"begun": 1, "of": 2}
    assert [line.partition(" stages ")[2][:11] for line in said if " stages " in line] == ["would begin", "never began"]


def test_a_backbone_may_lie_beside_its_recipe(
    recipe: Path, backbones: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own").symlink_to(backbones("bert"))
    monkeypatch.chdir(tmp_path.parent)
    loaded = load_recipe(recipe, data_root=FOLDER, overrides={"model.backbone": "own"})
    assert Path(loaded.model.backbone) == backbones("bert").resolve()
    assert loaded.raw["model"]["backbone"] == loaded.model.backbone
