"""Steps: k micro-batches are one large batch; what is not finite moves nothing, is counted, and named in the end."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.amp.grad_scaler import GradScaler

from polyhead import UserError
from polyhead.data.example import DataSet, Example
from polyhead.kinds import ClassificationTask, EntitySpan, TaggingTask
from polyhead.modeling.heads.base import Head, LayeredHead
from polyhead.pretrained import Pretrained, load
from polyhead.training import Callbacks, StepReport, TrainingSettings, check_settings, train
from polyhead.training import prepare as preparing
from polyhead.training.prepare import Prepared, prepare
from polyhead.training.step import seed_step

NAMES = ["Anna", "Kofi"]


def linear(head: Head) -> torch.nn.Linear:
    assert isinstance(head, LayeredHead)
    return head.linear


def rows(count: int, *, seed: int) -> list[Example]:
    """Rows of which a third have a class, a third entities, a third both."""
    generator = np.random.default_rng(seed)
    made = []
    for number in range(count):
        name, place = str(generator.choice(NAMES)), str(generator.choice(["Oslo", "Lima", "Berlin"]))
        text = f"{name} visits {place}" + " and walks on" * int(generator.integers(4))
        spans = (EntitySpan(0, len(name), "PER"),)
        labels: dict[str, Any] = {"place": place, "names": spans}
        kept = ("place", "names") if number % 3 == 0 else ("place",) if number % 3 == 1 else ("names",)
        made.append(Example(text, {task: labels[task] for task in kept}, source=f"rows:{number + 1}"))
    return made


def model_of(folder: Path) -> Pretrained:
    torch.manual_seed(1)
    loaded = load(folder)
    loaded.add_head("place", ClassificationTask(labels=("Berlin", "Lima", "Oslo"), weight=2.0))
    loaded.add_head("names", TaggingTask(labels=("PER",), word_shapes=True))
    return loaded


def settings_of(**changes: Any) -> TrainingSettings:
    return TrainingSettings.model_validate({"epochs": 1, "batch_size": 8, "bf16": False, **changes})


def gradients(prepared: Prepared, parts: Sequence[Sequence[Example]]) -> tuple[dict[str, float], dict[str, Any]]:
    """Losses and unclipped gradients of one step over ``parts``, without dropout."""
    prepared.forward.model.eval()
    found: dict[str, torch.Tensor] = {}

    def keep(*_: object) -> None:
        named = prepared.forward.model.named_parameters()
        found.update({name: each.grad.clone() for name, each in named if each.grad is not None})

    handle = prepared.optimizer.register_step_pre_hook(keep)
    result = prepared.step([prepared.collate(part) for part in parts], factor=1.0)
    handle.remove()
    return dict(result.losses), found


@pytest.mark.parametrize("parts", [2, 3, 4, 24])
def test_k_micro_batches_are_one_large_batch(backbones: Callable[[str], Path], parts: int) -> None:
    """The labels are missing unevenly, so that means of means would be something else."""
    examples = rows(24, seed=2)
    data = [DataSet("a", examples)]
    results = []
    for pieces in ([examples], [list(each) for each in np.array_split(np.array(examples, dtype=object), parts)]):
        prepared = prepare(model_of(backbones("bert")), data, settings_of(max_grad_norm=1e9), "cpu")
        results.append(gradients(prepared, pieces))
    (losses, whole), (losses_of_parts, of_parts) = results
    assert losses_of_parts == pytest.approx(losses, rel=1e-5)
    assert whole.keys() == of_parts.keys()
    for name, gradient in whole.items():
        assert torch.allclose(gradient, of_parts[name], rtol=1e-4, atol=1e-6), name


def test_accumulated_steps_draw_every_row_once(backbones: Callable[[str], Path], tmp_path: Path) -> None:
    data = [DataSet("a", rows(40, seed=1)), DataSet("b", rows(20, seed=2))]
    settings = settings_of(gradient_accumulation_steps=3, batch_size=4)
    prepared = prepare(model_of(backbones("bert")), data, settings, "cpu")
    steps = list(prepared.sampler.steps(1))
    assert len(steps) == len(prepared.sampler) == 5
    assert [len(step) for step in steps] == [3] * 5
    drawn = sorted((draw.data_set, int(row)) for step in steps for draw in step for row in draw.rows)
    assert drawn == [(0, row) for row in range(40)] + [(1, row) for row in range(20)]


def poison(model: Pretrained, steps: Sequence[int]) -> None:
    """Make the loss of these steps (from 0) infinite."""
    head = model.model.heads["place"]
    seen = [0]
    loss = head.loss

    def broken(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        seen[0] += 1
        return loss(logits, targets) * (float("inf") if seen[0] - 1 in steps else 1.0)

    head.loss = broken  # type: ignore[method-assign]


def test_a_step_that_is_not_finite_moves_nothing_and_is_counted(
    backbones: Callable[[str], Path], tmp_path: Path
) -> None:
    only = [each for each in rows(60, seed=1) if "place" in each.labels]
    data = [DataSet("a", only, only[:8])]
    steps: list[StepReport] = []
    weights: list[torch.Tensor] = []
    loaded = model_of(backbones("bert"))
    poison(loaded, [1, 2])

    def note(report: StepReport) -> None:
        steps.append(report)
        weights.append(linear(loaded.model.heads["place"]).weight.detach().clone())

    result = train(loaded, data, settings_of(warmup_steps=0), folder=tmp_path, callbacks=Callbacks(on_step=note))
    assert [report.skipped for report in steps] == [False, True, True, False, False]
    assert torch.equal(weights[0], weights[1])
    assert torch.equal(weights[0], weights[2])
    assert not torch.equal(weights[2], weights[3])
    assert result.evaluations[-1].skipped == 2
    assert all(torch.isfinite(each).all() for each in loaded.model.state_dict().values())
    assert np.isfinite(result.evaluations[-1].train_losses["place"])
    assert steps[3].learning_rate < steps[0].learning_rate, "the schedule goes on"


def test_gradients_that_are_not_finite_are_skipped_too(backbones: Callable[[str], Path]) -> None:
    examples = rows(12, seed=1)
    prepared = prepare(model_of(backbones("bert")), [DataSet("a", examples)], settings_of(), "cpu")
    before = {name: each.clone() for name, each in prepared.forward.model.state_dict().items()}
    bias = linear(prepared.forward.model.heads["place"]).bias
    handle = bias.register_hook(lambda gradient: gradient * float("nan"))  # type: ignore[no-untyped-call]
    result = prepared.step([prepared.collate(examples)], factor=1.0)
    handle.remove()
    assert (result.applied, result.finite) == (False, True)
    assert all(torch.equal(each, before[name]) for name, each in prepared.forward.model.state_dict().items())


def test_several_in_a_row_end_the_run_and_name_the_rows(backbones: Callable[[str], Path], tmp_path: Path) -> None:
    only = [each for each in rows(120, seed=1) if "place" in each.labels]
    loaded = model_of(backbones("bert"))
    poison(loaded, range(2, 99))
    with pytest.raises(UserError, match="5 steps in a row were not finite, last in step 7") as caught:
        train(loaded, [DataSet("a", only)], settings_of(batch_size=8), folder=tmp_path)
    assert re.search(r"place inf.*rows 'rows:\d+, rows:\d+", caught.value.faults[0])


def test_a_scale_that_collapses_ends_the_run_too(
    backbones: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From 4 it is halved at each step: two in which it may look for its place, then five that count."""
    monkeypatch.setattr(preparing, "GradScaler", lambda *_, **__: GradScaler("cpu", init_scale=4.0))
    only = [each for each in rows(160, seed=1) if "place" in each.labels]
    loaded = model_of(backbones("bert"))
    bias = linear(loaded.model.heads["place"]).bias
    bias.register_hook(lambda gradient: gradient * float("inf"))  # type: ignore[no-untyped-call]
    with pytest.raises(UserError, match="5 steps in a row were not finite, last in step 7"):
        train(loaded, [DataSet("a", only)], settings_of(batch_size=8), folder=tmp_path)


def test_a_step_without_any_label_moves_nothing(backbones: Callable[[str], Path]) -> None:
    examples = rows(6, seed=1)
    prepared = prepare(model_of(backbones("bert")), [DataSet("a", examples)], settings_of(), "cpu")
    before = {name: each.clone() for name, each in prepared.forward.model.state_dict().items()}
    result = prepared.step([prepared.collate([Example("Anna", {}), Example("Kofi", {})])], factor=1.0)
    assert (dict(result.losses), result.applied) == ({}, True)
    assert all(torch.equal(each, before[name]) for name, each in prepared.forward.model.state_dict().items())


def test_dropout_is_a_function_of_seed_and_step() -> None:
    drawn = []
    for seed, step in ((1, 1), (1, 1), (1, 2), (2, 1)):
        seed_step(torch.device("cpu"), seed=seed, step=step)
        drawn.append(torch.rand(4).tolist())
    assert drawn[0] == drawn[1]
    assert len({tuple(each) for each in drawn}) == 3


def test_fp16_is_refused_where_there_is_no_gpu(backbones: Callable[[str], Path]) -> None:
    data = [DataSet("a", rows(6, seed=1))]
    with pytest.raises(UserError, match=r"training\.fp16: needs a GPU, the device is cpu; leave it out, or use bf16"):
        check_settings(model_of(backbones("bert")), data, settings_of(bf16="auto", fp16=True), "cpu")
    with pytest.raises(ValueError, match="either fp16 or bf16"):
        settings_of(bf16=True, fp16=True)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_fp16_learns_on_a_gpu(backbones: Callable[[str], Path], tmp_path: Path) -> None:
    data = [DataSet("a", rows(90, seed=1), rows(30, seed=2))]
    settings = settings_of(
        bf16="auto", fp16=True, epochs=12, learning_rate=2e-3, head_learning_rate=1e-2, warmup_steps=0
    )
    result = train(model_of(backbones("bert")), data, settings, folder=tmp_path, device="cuda")
    assert result.best.report.metrics()["names.span_f1"] > 0.9
