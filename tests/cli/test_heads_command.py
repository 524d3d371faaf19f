"""``polyhead heads``: what each verb changes, and the proof that it changes nothing else."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from polyhead import Polyhead
from polyhead.api import proof
from polyhead.api.proof import fingerprint
from polyhead.starter import FOLDER


def recipe_file(path: Path, tasks: dict[str, str], **sections: Any) -> Path:
    document = {
        "tasks": {name: {"kind": "classification"} for name in tasks},
        "data": {
            "starter": {
                "format": "jsonl",
                "train": {"path": str(FOLDER / "train.jsonl"), "sample": {"rows": 80}},
                "validation": 0.2,
                "tasks": {name: {"label": field} for name, field in tasks.items()},
            }
        },
        "training": {"epochs": 1, "bf16": False, "head_learning_rate": 0.01},
        **sections,
    }
    path.write_text(yaml.safe_dump(document))
    return path


@pytest.fixture
def model(backbones: Callable[[str], Path], tmp_path: Path) -> Path:
    """One head of each sort: a text's, its words', a pair's, and embeddings that are compared."""
    made = Polyhead.from_pretrained(backbones("bert"))
    made.add_head("topic", "classification", ["a", "b"])
    made.add_head("names", "tagging", ["PER"], word_shapes=True)
    made.add_head("follows", "classification", ["yes", "no"], pair=True)
    made.add_head("alike", "similarity", range=(0, 1))
    made.save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def shown(run: Callable[..., Any], *arguments: object) -> dict[str, Any]:
    result = run("heads", *arguments, "--json")
    assert result.status == 0, result.err
    found: dict[str, Any] = json.loads(result.out)
    return found


def hashes(run: Callable[..., Any], model: object) -> dict[str, str]:
    found = shown(run, "list", model)
    return {"embedding": found["embedding"], **{name: head["hash"] for name, head in found["heads"].items()}}


def test_add_rename_remove_in_place(run: Callable[..., Any], model: Path) -> None:
    before = hashes(run, model)
    found = shown(run, "add", model, "mood", "--kind", "multilabel", "--labels", "glad, sad", "--set", "dropout=0.2")
    assert found["proof"]["mood"]["before"] is None
    assert {name: line["after"] for name, line in found["proof"].items() if name != "mood"} == before
    added = Polyhead.from_pretrained(model).tasks["mood"]
    assert added.labels == ("glad", "sad")
    assert added.model_dump()["dropout"] == 0.2
    mood = hashes(run, model)["mood"]
    shown(run, "rename", model, "topic", "subject")
    renamed = hashes(run, model)
    assert list(renamed) == ["embedding", "subject", "names", "follows", "alike", "mood"]
    assert renamed["subject"] == before["topic"]
    shown(run, "remove", model, "mood")
    shown(run, "rename", model, "subject", "topic")
    assert hashes(run, model) == before
    assert mood not in before.values()


def test_another_folder_leaves_the_model_alone(run: Callable[..., Any], model: Path, tmp_path: Path) -> None:
    before = (model / "polyhead.json").read_bytes()
    shown(run, "remove", model, "names", "--output", tmp_path / "other")
    assert (model / "polyhead.json").read_bytes() == before
    assert "names" not in hashes(run, tmp_path / "other")


@pytest.mark.parametrize(
    ("kind", "setting"), [("similarity", "range=[0, 1]"), ("pairs", None), ("classification", "pair=true")]
)
def test_the_first_head_of_pairs_moves_nothing(
    run: Callable[..., Any], tmp_path: Path, minilm: Polyhead, kind: str, setting: str | None
) -> None:
    """On a real model, where a batch's make-up shows in the last bits."""
    minilm.save_pretrained(tmp_path / "plain")
    options = ["--labels", "yes,no"] if kind == "classification" else []
    options += ["--set", setting] if setting else []
    found = shown(run, "add", tmp_path / "plain", "two", "--kind", kind, *options)
    assert found["proof"]["embedding"]["holds"]
    assert shown(run, "remove", tmp_path / "plain", "two")["proof"]["embedding"]["holds"]


def test_the_table_is_for_people(run: Callable[..., Any], model: Path) -> None:
    result = run("heads", "rename", model, "topic", "subject")
    assert "the same to the bit" in result.out
    assert f"Next: polyhead heads list {model}" in result.err
    listed = run("heads", "list", model)
    assert "subject" in listed.out
    assert "the encoder" in listed.out


def test_train_new_and_old_heads(run: Callable[..., Any], model: Path, tmp_path: Path) -> None:
    before = hashes(run, model)
    recipe = recipe_file(tmp_path / "new.yaml", {"mood": "sentiment"})
    found = shown(run, "train", model, recipe, "--output", tmp_path / "run")
    assert {name: line["after"] for name, line in found["proof"].items() if name != "mood"} == before
    after = hashes(run, tmp_path / "run")
    again = shown(run, "train", tmp_path / "run", recipe, "--output", tmp_path / "again", "--training.seed=4")
    assert again["proof"]["mood"]["before"] == after["mood"] != again["proof"]["mood"]["after"]
    assert {name: digest for name, digest in hashes(run, tmp_path / "again").items() if name != "mood"} == before


def test_a_plan_without_a_fork_is_refused_rather_than_dropped(
    run: Callable[..., Any], model: Path, tmp_path: Path
) -> None:
    recipe = recipe_file(tmp_path / "new.yaml", {"mood": "sentiment"})
    given = ("heads", "train", model, recipe, "--output", tmp_path / "run")
    for option in ("--training.plan=lora", "--embedding.mode=anchor"):
        result = run(*given, option)
        assert result.status == 1
        assert "training.plan and embedding.mode: anchor have no effect" in result.err
    assert not (tmp_path / "run").exists()
    assert run(*given, "--embedding.mode=fork", "--embedding.top=1", "--training.plan=probe").status == 0


def test_a_projection_does_not_learn_either(
    run: Callable[..., Any], backbones: Callable[[str], Path], tmp_path: Path
) -> None:
    first = recipe_file(
        tmp_path / "first.yaml", {"topic": "topic"}, model={"backbone": str(backbones("bert")), "projection": 8}
    )
    assert run("train", first, "--output", tmp_path / "first").status == 0
    before = hashes(run, tmp_path / "first")
    second = recipe_file(tmp_path / "second.yaml", {"mood": "sentiment"})
    shown(run, "train", tmp_path / "first", second, "--output", tmp_path / "second")
    assert hashes(run, tmp_path / "second").items() >= before.items()


def test_heads_of_a_fork_and_of_the_encoder_meet(run: Callable[..., Any], model: Path, tmp_path: Path) -> None:
    probe = recipe_file(tmp_path / "probe.yaml", {"mood": "sentiment"})
    fork = recipe_file(tmp_path / "fork.yaml", {"subject": "topic"}, embedding={"mode": "fork", "top": 1})
    shown(run, "train", model, probe, "--output", tmp_path / "one")
    shown(run, "train", model, fork, "--output", tmp_path / "two")
    one, two = hashes(run, tmp_path / "one"), hashes(run, tmp_path / "two")
    shown(run, "merge", tmp_path / "one", tmp_path / "two", "--head", "subject", "--output", tmp_path / "both")
    assert hashes(run, tmp_path / "both") == {**one, "subject": two["subject"]}
    other = recipe_file(tmp_path / "other.yaml", {"subject": "sentiment"}, embedding={"mode": "fork", "top": 1})
    shown(run, "train", model, other, "--output", tmp_path / "three", "--training.learning_rate=0.01")
    shown(run, "merge", tmp_path / "both", tmp_path / "three", "--head", "subject=mine")
    merged = Polyhead.from_pretrained(tmp_path / "both")
    assert set(merged.pretrained.model.branches) == {"fork", "fork-2"}
    assert hashes(run, tmp_path / "both")["mine"] == hashes(run, tmp_path / "three")["subject"]
    shown(run, "remove", tmp_path / "both", "mine")  # the branch that it alone stood on goes with it
    assert set(Polyhead.from_pretrained(tmp_path / "both").pretrained.model.branches) == {"fork"}
    shown(run, "merge", tmp_path / "both", tmp_path / "two", "--head", "subject=twin")
    assert set(Polyhead.from_pretrained(tmp_path / "both").pretrained.model.branches) == {"fork"}


def test_what_cannot_be_attached_is_refused(
    run: Callable[..., Any], model: Path, backbones: Callable[[str], Path], tmp_path: Path
) -> None:
    other = Polyhead.from_pretrained(backbones("mpnet"))
    other.add_head("mood", "classification", ["glad", "sad"])
    other.save_pretrained(tmp_path / "other")
    before = hashes(run, model)
    for arguments, says in (
        (("merge", model, tmp_path / "other"), "the encoders differ"),
        (("merge", model, model), "there is a head topic already"),
        (("merge", model, model, "--head", "nothing=new"), "this model's heads are"),
        (("merge", model, model, "--head", "topic=x", "--head", "alike=x"), "two heads would be called x"),
        (("merge", model, model, "--head", "topic=x", "--head", "topic=y"), "each head comes once"),
        (("add", model, "new", "--kind", "classification", "--labels", "a", "--set", "pair=["), "must be YAML"),
        (("rename", model, "topic", "alike"), "there is a head alike already"),
        (("rename", model, "topic", "embedding"), "a task's name must match"),
        (("rename", model, "topic", "../up"), "a task's name must match"),
        (("remove", model, "nothing"), "this model's heads are"),
        (("add", model, "topic", "--kind", "classification", "--labels", "a"), "there is a head topic already"),
        (("add", model, "new", "--kind", "novel"), "kind must be one of"),
        (("add", "all-MiniLM-L6-v2", "new", "--kind", "similarity"), "give --output"),
    ):
        result = run("heads", *arguments)
        assert result.status == 1, arguments
        assert says in result.err
        assert "Traceback" not in result.err
    assert hashes(run, model) == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--kind", "classification", "--labels", "a,a"], "head x: labels: labels must differ"),
        (["--kind", "regression", "--labels", "a,b"], "head x: "),
        (
            ["--kind", "tagging", "--labels", "A", "--set", "word_shape=true"],
            "head x: tagging has no 'word_shape'; it has class_weights, crf, ",
        ),
    ],
)
def test_settings_of_a_new_head_that_are_wrong_are_a_line(
    run: Callable[..., Any], model: Path, arguments: list[str], says: str
) -> None:
    refused = run("heads", "add", model, "x", *arguments)
    assert refused.status == 1
    assert says in refused.err
    assert "\\n" not in refused.err
    assert "pydantic" not in refused.err


def test_a_merge_says_what_differs(run: Callable[..., Any], model: Path, tmp_path: Path) -> None:
    other = Polyhead.from_pretrained(model)
    other.pretrained.settings = replace(other.pretrained.settings, max_length=20)
    other.save_pretrained(tmp_path / "other")
    refused = run("heads", "merge", model, tmp_path / "other")
    assert "merge: max_length is 64 here and 20 there, so texts are not read alike" in refused.err
    assert "under another name: topic=NEW" in run("heads", "merge", model, model, "--head", "topic").err


def test_a_run_that_is_to_go_on_is_left_alone(run: Callable[..., Any], model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(model, folder / "model")
    (folder / "run.json").write_text("{}")
    for place in (folder, folder / "model"):
        refused = run("heads", "rename", place, "topic", "subject")
        assert refused.status == 1
        assert f"{folder}: its training is not finished" in refused.err
    assert run("heads", "rename", folder, "topic", "subject", "--output", tmp_path / "other").status == 0
    (folder / "result.json").write_text("{}")
    assert run("heads", "rename", folder, "topic", "subject").status == 0


def test_a_head_of_another_encoder_can_be_taken_off(run: Callable[..., Any], model: Path, tmp_path: Path) -> None:
    opened = Polyhead.from_pretrained(model)
    opened.pretrained.heads["topic"] = replace(opened.pretrained.heads["topic"], encoder_hash="0" * 64)
    opened.save_pretrained(model)
    assert run("heads", "rename", model, "names", "words").status == 1
    assert run("heads", "remove", model, "topic").status == 0
    assert run("heads", "rename", model, "names", "words").status == 0


def test_a_change_that_would_touch_another_head_is_not_saved(
    run: Callable[..., Any], model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def clumsy(self: Polyhead, old: str, new: str) -> None:
        self.pretrained.model.heads["names"].get_parameter("linear.weight").data.add_(1)

    before = hashes(run, model)
    monkeypatch.setattr(Polyhead, "rename_head", clumsy)
    result = run("heads", "rename", model, "topic", "subject")
    assert result.status == 1
    assert "names" in result.err
    assert "which should not be" in result.err
    assert hashes(run, model) == before


def test_the_fingerprint_sees_every_answer(model: Path) -> None:
    """A change of the last bit of any head, or of the encoder, shows."""
    opened = Polyhead.from_pretrained(model)
    before = fingerprint(opened.pretrained)
    assert list(before) == ["embedding", "topic", "names", "follows", "alike"]
    assert len(set(before.values())) == 5
    for name in ("topic", "names", "follows"):
        weight = opened.pretrained.model.heads[name].get_parameter("linear.weight")
        weight.data.mul_(1 + 2**-20)
        after = fingerprint(opened.pretrained)
        assert [each for each in before if before[each] != after[each]] == [name]
        before = after
    assert len(proof.TEXTS) == 8
