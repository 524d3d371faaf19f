"""``polyhead train --dry-run`` shows the plan and trains nothing."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from polyhead.starter import FOLDER


@pytest.fixture
def recipe(backbones: Callable[[str], Path], tmp_path: Path) -> Path:
    document = {
        "model": {"backbone": str(backbones("bert")), "projection": 16},
        "tasks": {"topic": {"kind": "classification"}},
        "data": {"starter": {"format": "jsonl", "train": "train.jsonl", "validation": 0.2, "tasks": {"topic": {}}}},
        "training": {"epochs": 3, "learning_rate": 1e-4, "head_learning_rate": 1e-2},
    }
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return path


def shown(run: Callable[..., Any], recipe: Path, plan: str) -> dict[str, Any]:
    result = run("train", recipe, "--data-root", FOLDER, "--dry-run", "--json", f"--training.plan={plan}")
    assert result.status == 0, result.err
    found: dict[str, Any] = json.loads(result.out)
    return found


def test_it_names_the_command_that_does_it(
    run: Callable[..., Any], recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    given = ["train", recipe, "--data-root", FOLDER, "--training.plan", "{freeze: [topic]}", "--training.epochs=1"]
    result = run(*given, "--cache-dir", "kept here", "--device", "cpu", "--dry-run")
    assert result.status == 0, result.err
    assert "topic was never trained; go on from a model that has it, with --from" in result.err
    [line] = [line for line in result.out.splitlines() if "Next: " in line]
    words = shlex.split(line.partition("Next: ")[2])
    assert words[:3] == ["polyhead", "train", str(recipe)]
    assert {*words[3:]} == {
        "--training.plan={freeze: [topic]}",
        "--training.epochs=1",
        f"--data-root={FOLDER}",
        "--cache-dir=kept here",
        "--device=cpu",
    }
    told = run(*words[1:], "--dry-run", "--json")
    assert told.status == 0, told.err


def test_of_a_run_that_is_gone_on_with_it_names_that(run: Callable[..., Any], recipe: Path, tmp_path: Path) -> None:
    given = ("train", recipe, "--data-root", FOLDER, "--training.epochs=1", "--training.max_train_samples=16")
    assert run(*given, "--output", tmp_path / "a run").status == 0
    result = run("train", "--resume", tmp_path / "a run", "--dry-run")
    assert result.status == 0, result.err
    assert f"Next: polyhead train --resume {shlex.quote(str(tmp_path / 'a run'))}" in result.out.replace("\n", "")


def test_a_rate_of_0_on_a_head_that_was_never_trained_is_warned_of(run: Callable[..., Any], recipe: Path) -> None:
    given = ["train", recipe, "--data-root", FOLDER, "--training.plan={rates: {heads.topic: 0}}", "--dry-run"]
    result = run(*given, "--json")
    assert result.status == 0, result.err
    result = run(*given)
    assert "topic was never trained;" in " ".join(result.err.split())


def test_each_component_has_its_row(run: Callable[..., Any], recipe: Path, tmp_path: Path) -> None:
    found = shown(run, recipe, "{top: 1, layer_decay: 0.5, rates: {'layer.1.*bias': 3.0}}")
    rows = {row["component"]: row for row in found["components"]}
    assert list(rows) == ["embeddings", "layers.0", "layers.1", "pooler", "projection", "heads.topic"]
    assert [row["begins"] for row in rows.values()] == [None, None, 1, None, 1, 1]
    assert rows["embeddings"]["learning"] == rows["layers.0"]["learning"] == 0
    assert rows["layers.1"]["learning"] == rows["layers.1"]["parameters"] > 0
    assert rows["layers.1"]["rates"] == [1e-4, 3.0]
    assert rows["heads.topic"]["rates"] == [1e-2, 1e-2]
    assert found["stages"] == ["epoch 1"]
    one = found["parameters"]["backbone.encoder.layer.1.output.dense.bias"]
    assert one == {"size": 32, "learns": True, "rate": 3.0}
    assert list(tmp_path.iterdir()) == [recipe]


def test_stages_are_told_and_those_that_never_begin(run: Callable[..., Any], recipe: Path) -> None:
    found = shown(run, recipe, "{probe-then-full: {patience: 2}}")
    assert found["stages"] == ["epoch 1", "2 epochs without a better score, or 50% of the epochs"]
    assert [row["begins"] for row in found["components"]] == [2, 2, 2, None, 1, 1]
    result = run("train", recipe, "--data-root", FOLDER, "--dry-run", "--training.plan=thaw", "--training.epochs=2")
    assert result.status == 0
    assert "! training.plan: 2 of 4 stages would begin after the last of 2 epochs" in result.err
    assert "epoch 4" in result.out
    assert "Nothing was trained." in result.out


def test_lora_counts_its_adapters(run: Callable[..., Any], recipe: Path) -> None:
    found = shown(run, recipe, "{lora: {rank: 2}}")
    rows = {row["component"]: row for row in found["components"]}
    linear = 4 * (32 + 32) + 2 * (32 + 48)  # query, key, value, output; two of the feed-forward part
    assert rows["layers.0"]["learning"] == 2 * linear
    assert rows["layers.0"]["rates"] == pytest.approx([1e-3, 1e-3])


def test_what_is_wrong_with_a_plan_is_one_line(run: Callable[..., Any], recipe: Path) -> None:
    result = run("train", recipe, "--data-root", FOLDER, "--dry-run", "--training.plan=top:7")
    assert result.status == 1
    assert "training.plan: top must be at most 2, this backbone's layers; found 7" in result.err
    assert len(result.err.strip().splitlines()) <= 2
