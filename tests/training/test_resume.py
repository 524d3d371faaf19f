"""A run that was killed and resumed ends bit for bit like one that was not: in the process, and by real signals."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

from conftest import sentences
from polyhead import UserError, load_recipe, train
from polyhead.data import stream
from polyhead.data.stream import StreamedExamples
from polyhead.recipe.run import Watcher
from polyhead.starter import FOLDER
from polyhead.training import Interrupted
from polyhead.training.checkpoint import checkpoints

TIMES = ("seconds",)
PLAIN: dict[str, Any] = {
    "epochs": 2,
    "batch_size": 16,
    "learning_rate": 1e-3,
    "head_learning_rate": 1e-2,
    "bf16": False,
    "logging_steps": 3,
}


def recipe_file(path: Path, backbone: Path, **training: Any) -> Path:
    """Two data sets, so that the sampler has a choice; dropout is on."""
    tasks = {"topic": {"label": "topic"}}
    sets: dict[str, Any] = {
        "all": {"format": "jsonl", "train": {"path": "train.jsonl", "sample": {"rows": 150}}, "validation": 0.2,
                "tasks": {"topic": {}, "entities": {}}},
        "topics": {"format": "jsonl", "train": {"path": "validation.jsonl", "sample": {"rows": 60}}, "tasks": tasks},
    }  # fmt: skip
    embedding = training.pop("embedding", {})
    if "texts" in embedding:
        texts = path.parent / embedding["texts"]
        texts.write_text("".join(f"{text}\n" for text in sentences(40)), encoding="utf-8")
        embedding = {**embedding, "texts": str(texts)}
    content = {
        "model": {"backbone": str(backbone), "max_length": 24},
        "embedding": embedding,
        "tasks": {"topic": {"kind": "classification"}, "entities": {"kind": "tagging", "word_shapes": True}},
        "data": sets,
        "training": {**PLAIN, **training},
    }
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def outcome(folder: Path) -> tuple[dict[str, torch.Tensor], list[dict[str, Any]], dict[str, Any]]:
    """Every weight that a run left, its history and its result, time fields apart."""
    weights = {
        f"{file.parent.name}/{name}": tensor
        for file in sorted((folder / "model").rglob("*.safetensors"))
        for name, tensor in load_file(file).items()
    }
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    result = json.loads((folder / "result.json").read_text())
    return weights, [without_times(line) for line in lines], without_times(result)


def without_times(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in TIMES}


def assert_the_same(one: Path, other: Path) -> None:
    (weights, history, result), (others, other_history, other_result) = outcome(one), outcome(other)
    assert weights.keys() == others.keys()
    assert [name for name in weights if not torch.equal(weights[name], others[name])] == []
    assert history == other_history
    assert result == other_result
    last, other_last = checkpoints(one)[-1], checkpoints(other)[-1]
    assert last.name == other_last.name
    assert (last / "state.safetensors").read_bytes() == (other_last / "state.safetensors").read_bytes()


def stopping_after(step: int) -> Watcher:
    """A watcher that asks to stop after a step."""
    seen: list[int] = []
    return Watcher(on_step=lambda report: seen.append(report.step), should_stop=lambda: step in seen)


SETTINGS: dict[str, dict[str, Any]] = {
    "proportional": {},
    "round robin, accumulation": {"sampling": "round_robin", "gradient_accumulation_steps": 2, "save_steps": 3},
    "temperature, bf16": {"sampling": "temperature", "bf16": True, "eval_steps": 4},
    "early stopping": {
        "early_stopping_patience": 1,
        "score": "loss",
        "epochs": 16,
        "learning_rate": 0.03,
        "head_learning_rate": 0.3,
    },
    "probe": {"plan": "probe", "group_by_length": False},
    "thaw": {"plan": {"thaw": {"patience": 1}}, "epochs": 6, "learning_rate": 0.01, "early_stopping_patience": 1},
    "lora": {"plan": {"lora": {"rank": 4, "dropout": 0.2}}, "bf16": True},
    "fork": {"embedding": {"mode": "fork", "top": 1}, "plan": {"thaw": {"epochs": [2]}}},
    "anchor, gate": {"embedding": {"mode": "anchor", "weight": 0.5, "max_drop": 0.01, "texts": "test.txt"}},
    "mixtures": {"embedding": {"interpolate": True, "max_drop": 0.02}, "plan": "probe-then-full", "epochs": 3},
    "top layer, rates": {"plan": {"top": 1, "rates": {"bias": 1e-3}}},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_run_that_was_stopped_at_any_step_goes_on_exactly(
    backbones: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    recipe = load_recipe(recipe_file(tmp_path / "recipe.yaml", backbones("bert"), **SETTINGS[name]), data_root=FOLDER)
    whole = train(recipe, tmp_path / "whole")
    steps = whole.evaluations[-1].step
    stops = {1, steps // 2, steps // 2 + 1, steps - 1} if name == "proportional" else {steps // 2, steps - 1}
    for stop in sorted(stops):
        folder = tmp_path / f"stopped-{stop}"
        with pytest.raises(Interrupted, match=rf"^interrupted after step {stop} of \d+\n.*--resume"):
            train(recipe, folder, watcher=stopping_after(stop))
        again = train(recipe, folder, resume=True)
        assert_the_same(tmp_path / "whole", folder)
        assert [each.as_dict().keys() for each in again.evaluations] == [
            each.as_dict().keys() for each in whole.evaluations
        ]


@pytest.mark.slow
@pytest.mark.parametrize("plan", ["thaw", {"thaw": {"epochs": [2, 4]}}, {"probe-then-full": {"epoch": 2}}])
def test_stages_go_on_exactly_wherever_they_were_stopped(
    backbones: Callable[[str], Path], tmp_path: Path, plan: Any
) -> None:
    """In the middle of every epoch, with its last step, and with the first one of the next."""
    settings = {"plan": plan, "epochs": 4, "learning_rate": 0.01}
    recipe = load_recipe(recipe_file(tmp_path / "recipe.yaml", backbones("bert"), **settings), data_root=FOLDER)
    whole = train(recipe, tmp_path / "whole")
    assert whole.stages > 1
    epoch = whole.evaluations[0].step
    assert epoch > 2
    for end in (each.step for each in whole.evaluations):
        for stop in {end - epoch // 2, end, end + 1} - {whole.evaluations[-1].step, whole.evaluations[-1].step + 1}:
            folder = tmp_path / f"stopped-{stop}"
            with pytest.raises(Interrupted):
                train(recipe, folder, watcher=stopping_after(stop))
            assert train(recipe, folder, resume=True).stages == whole.stages
            assert_the_same(tmp_path / "whole", folder)


def test_early_stopping_stops_early_in_the_test_above(backbones: Callable[[str], Path], tmp_path: Path) -> None:
    settings = SETTINGS["early stopping"]
    recipe = load_recipe(recipe_file(tmp_path / "recipe.yaml", backbones("bert"), **settings), data_root=FOLDER)
    assert train(recipe, tmp_path / "run").stopped_early


def test_a_run_may_be_stopped_many_times(backbones: Callable[[str], Path], tmp_path: Path) -> None:
    recipe = load_recipe(recipe_file(tmp_path / "recipe.yaml", backbones("bert")), data_root=FOLDER)
    train(recipe, tmp_path / "whole")
    with pytest.raises(Interrupted):
        train(recipe, tmp_path / "parts", watcher=stopping_after(2))
    for stop in (3, 7, 11, 12):
        with pytest.raises(Interrupted):
            train(recipe, tmp_path / "parts", resume=True, watcher=stopping_after(stop))
    train(recipe, tmp_path / "parts", resume=True)
    assert_the_same(tmp_path / "whole", tmp_path / "parts")


def test_a_streamed_run_goes_on_exactly_in_the_middle_of_its_file(
    backbones: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "_BLOCK", 16)
    monkeypatch.setattr(stream, "_KEPT", 5)
    monkeypatch.setattr(StreamedExamples, "block", 16)
    monkeypatch.setattr(StreamedExamples, "window", 4)
    path = recipe_file(tmp_path / "recipe.yaml", backbones("bert"), epochs=1)
    document = yaml.safe_load(path.read_text())
    tasks: dict[str, dict[str, str]] = {"topic": {}, "entities": {}}
    document["data"] = {
        "all": {"format": "jsonl", "stream": True, "train": "train.jsonl", "validation": "validation.jsonl",
                "tasks": tasks}
    }  # fmt: skip
    path.write_text(yaml.safe_dump(document))
    recipe = load_recipe(path, data_root=FOLDER)
    train(recipe, tmp_path / "whole")
    for stop in (1, 13, 29):
        folder = tmp_path / f"stopped-{stop}"
        with pytest.raises(Interrupted, match=f"after step {stop} of 30"):
            train(recipe, folder, watcher=stopping_after(stop))
        train(recipe, folder, resume=True)
        assert_the_same(tmp_path / "whole", folder)


def polyhead(*arguments: object, **options: Any) -> subprocess.Popen[str]:
    """The command line in a process of its own, with as many threads as this one."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    command = [sys.executable, "-m", "polyhead", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def completed(*arguments: object) -> None:
    with polyhead(*arguments) as running:
        _, err = running.communicate(timeout=120)
    assert running.returncode == 0, err


KILLS = 20
KILLED_RUNS: list[dict[str, Any]] = [
    {},
    {"bf16": True, "sampling": "round_robin", "gradient_accumulation_steps": 2},
    {"sampling": "temperature", "early_stopping_patience": 3, "score": "loss"},
]


def last_sign(folder: Path) -> float:
    """When the run wrote its history last."""
    path = folder / "metrics.jsonl"
    return path.stat().st_mtime_ns if path.is_file() else 0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_runs_that_are_killed_at_random_moments_go_on_exactly(backbones: Callable[[str], Path], tmp_path: Path) -> None:
    """SIGKILL, at least 20 times: while reading, stepping, evaluating, saving the model or a checkpoint."""
    generator = random.Random(5)
    killed = finished = after_a_checkpoint = 0
    while killed < KILLS or not finished:
        settings = KILLED_RUNS[finished % len(KILLED_RUNS)]
        recipe = tmp_path / f"recipe-{finished % len(KILLED_RUNS)}.yaml"
        recipe_file(recipe, backbones("bert"), **{"epochs": 12, "save_steps": 2, "eval_steps": 5, **settings})
        whole, folder = tmp_path / f"whole-{recipe.stem}", tmp_path / f"run-{finished}"
        if not whole.exists():
            completed("train", recipe, "--data-root", FOLDER, "--output", whole)
        begun = (folder / "run.json").is_file()
        seen = last_sign(folder)
        new = (recipe, "--data-root", FOLDER, "--output", folder)
        with polyhead("train", *(("--resume", folder) if begun else new)) as running:
            # the moment is drawn from when the run is under way: starting Python and torch takes most of the time
            while last_sign(folder) == seen and running.poll() is None:
                time.sleep(0.01)
            try:
                running.wait(generator.uniform(0.0, 1.2) if killed < KILLS else 120)
            except subprocess.TimeoutExpired:
                running.kill()
                killed += 1
                after_a_checkpoint += bool(checkpoints(folder))
                running.wait()
                if not (folder / "result.json").is_file():  # else it had just written its last
                    continue
            else:
                assert running.returncode == 0, running.communicate()
        assert_the_same(whole, folder)
        finished += 1
    assert killed >= KILLS
    assert after_a_checkpoint >= KILLS // 4, "many were killed when there was something to go on from"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_finishes_the_step_and_says_how_to_go_on(
    backbones: Callable[[str], Path], tmp_path: Path, number: signal.Signals
) -> None:
    recipe = recipe_file(tmp_path / "recipe.yaml", backbones("bert"), epochs=40)
    folder = tmp_path / "run"
    with polyhead("train", recipe, "--data-root", FOLDER, "--output", folder) as running:
        while not checkpoints(folder) and running.poll() is None:
            time.sleep(0.02)
        running.send_signal(number)
        _, err = running.communicate(timeout=60)
    assert running.returncode == 1
    assert "Traceback" not in err
    said, way = err.strip().splitlines()[-2:]
    step = int(said.partition("after step ")[2].split()[0])
    assert said.startswith("polyhead: interrupted after step")
    assert way == f"polyhead: {checkpoints(folder)[-1]} stands; go on with: polyhead train --resume {folder}"
    assert checkpoints(folder)[-1].name == f"step-{step:08d}"
    assert not list(folder.glob(".*"))


def test_a_finished_run_is_not_gone_on_with(backbones: Callable[[str], Path], tmp_path: Path) -> None:
    recipe = load_recipe(recipe_file(tmp_path / "recipe.yaml", backbones("bert"), epochs=1), data_root=FOLDER)
    train(recipe, tmp_path / "run")
    with pytest.raises(UserError, match=r"this run is finished; to train its model on, use: .*--from"):
        train(recipe, tmp_path / "run", resume=True)
    with pytest.raises(UserError, match=r"no run to go on with, run\.json is missing"):
        train(recipe, tmp_path / "other", resume=True)


@pytest.fixture
def stopped(backbones: Callable[[str], Path], tmp_path: Path) -> Path:
    """A recipe, its data beside it, and a run of it that was stopped."""
    for name in ("train.jsonl", "validation.jsonl"):
        (tmp_path / name).write_bytes((FOLDER / name).read_bytes())
    recipe = recipe_file(tmp_path / "recipe.yaml", backbones("bert"))
    with pytest.raises(Interrupted):
        train(load_recipe(recipe), tmp_path / "run", watcher=stopping_after(15))
    return recipe


def test_a_changed_recipe_is_refused_and_its_keys_are_named(stopped: Path, tmp_path: Path) -> None:
    changed = load_recipe(stopped, overrides={"training.epochs": "3", "tasks.topic.weight": "2.0"})
    with pytest.raises(UserError) as caught:
        train(changed, tmp_path / "run", resume=True)
    assert list(caught.value.faults) == [
        f"{tmp_path / 'run'}: cannot go on: tasks.topic.weight: the run has None, now it is 2.0",
        f"{tmp_path / 'run'}: cannot go on: training.epochs: the run has 2, now it is 3",
    ]
    free = load_recipe(stopped, overrides={"training.save_total_limit": "1", "training.save_steps": "2"})
    train(free, tmp_path / "run", resume=True)
    assert len(checkpoints(tmp_path / "run")) == 1


def test_a_changed_data_file_is_refused_and_named(stopped: Path, tmp_path: Path) -> None:
    file = tmp_path / "validation.jsonl"
    file.write_text(file.read_text().replace("the", "teh", 1))
    with pytest.raises(UserError, match=r"cannot go on: validation\.jsonl: is not what the run read"):
        train(load_recipe(stopped), tmp_path / "run", resume=True)


def test_a_changed_backbone_is_refused(stopped: Path, tmp_path: Path, backbones: Callable[[str], Path]) -> None:
    facts = tmp_path / "run/run.json"
    facts.write_text(facts.read_text().replace('"model_hash": "', '"model_hash": "0'))
    with pytest.raises(UserError, match="the weights are not those that the run began with"):
        train(load_recipe(stopped), tmp_path / "run", resume=True)


def test_another_version_is_told_and_goes_on(stopped: Path, tmp_path: Path) -> None:
    path = tmp_path / "run/run.json"
    facts = json.loads(path.read_text())
    facts["versions"]["torch"] = "1.0"
    facts["machine"]["threads"] = 64
    path.write_text(json.dumps(facts))
    said: list[str] = []
    train(load_recipe(stopped), tmp_path / "run", resume=True, watcher=Watcher(on_note=said.append))
    assert any(line.startswith("! torch: 1.0 when the run began, now ") for line in said)
    assert any(line.startswith("! threads: 64 when the run began, now ") for line in said)


def test_a_damaged_checkpoint_is_refused_and_the_one_before_it_named(stopped: Path, tmp_path: Path) -> None:
    [older, newest] = checkpoints(tmp_path / "run")
    content = bytearray((newest / "state.safetensors").read_bytes())
    content[-5] ^= 1
    (newest / "state.safetensors").write_bytes(content)
    with pytest.raises(UserError, match=rf"damaged.*delete {newest} to go on from {older.name}"):
        train(load_recipe(stopped), tmp_path / "run", resume=True)
    for file in newest.iterdir():
        file.unlink()
    train(load_recipe(stopped), tmp_path / "run", resume=True)


def test_a_run_killed_between_the_two_renames_of_its_model_finds_it_again(stopped: Path, tmp_path: Path) -> None:
    model = tmp_path / "run/model"
    model.rename(tmp_path / "run/.model.abc.old")
    (tmp_path / "run/.model.abc.tmp").mkdir()
    train(load_recipe(stopped), tmp_path / "run", resume=True)
    assert (model / "polyhead.json").is_file()
    assert not list((tmp_path / "run").glob(".*"))


def test_a_full_disk_leaves_the_last_checkpoint_and_says_so(
    backbones: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = load_recipe(recipe_file(tmp_path / "recipe.yaml", backbones("bert"), epochs=3), data_root=FOLDER)
    calls: list[Path] = []

    def full(tensors: Any, path: Path) -> None:
        calls.append(path)
        if len(calls) == 2:
            Path(path).write_bytes(b"half")
            raise OSError(28, "No space left on device")
        save_file(tensors, path)

    monkeypatch.setattr("polyhead.training.checkpoint.save_file", full)
    with pytest.raises(UserError) as caught:
        train(recipe, tmp_path / "run")
    monkeypatch.undo()
    [kept] = checkpoints(tmp_path / "run")
    assert "No space left on device" in caught.value.faults[0]
    assert f"{kept} stands" in caught.value.faults[1]
    assert [each.name for each in (tmp_path / "run/checkpoints").iterdir()] == [kept.name]
    train(recipe, tmp_path / "run", resume=True)
    train(recipe, tmp_path / "whole")
    assert_the_same(tmp_path / "whole", tmp_path / "run")


def test_checkpoints_hold_what_learns_and_are_no_pickles(backbones: Callable[[str], Path], tmp_path: Path) -> None:
    path = recipe_file(tmp_path / "recipe.yaml", backbones("bert"), plan="probe", save_total_limit=1, save_steps=2)
    train(load_recipe(path, data_root=FOLDER), tmp_path / "run")
    [kept] = checkpoints(tmp_path / "run")
    assert sorted(each.name for each in kept.iterdir()) == ["state.json", "state.safetensors"]
    names = load_file(kept / "state.safetensors").keys()
    assert {name.split(".")[1] for name in names} == {"heads"}


def test_a_runs_own_recipe_repeats_it(stopped: Path, tmp_path: Path) -> None:
    train(load_recipe(stopped), tmp_path / "one")
    completed("train", tmp_path / "one/recipe.yaml", "--output", tmp_path / "two")
    assert_the_same(tmp_path / "one", tmp_path / "two")
