"""The training loop, written out.

A step draws batches from the data sets, runs the encoder once on each, and sums the weighted losses of every task that
has labels there. A task's loss is its mean over all its labels in the *step*, however many batches hold them.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from polyhead.data.collate import Batch, Collator
from polyhead.data.example import DataSet
from polyhead.errors import UserError
from polyhead.evaluation import evaluate
from polyhead.kinds import Task
from polyhead.pretrained import Pretrained, load, save
from polyhead.pretrained.hardware import fast_bf16, resolve_device
from polyhead.training import plan
from polyhead.training.forward import Answers, Forward
from polyhead.training.history import History
from polyhead.training.optimizer import build_optimizer, build_schedule, clip
from polyhead.training.result import EpochReport, StepReport, TrainingResult
from polyhead.training.sampling import Sampler
from polyhead.training.selection import Selection, check_score, score_of
from polyhead.training.settings import TrainingSettings


def train(
    pretrained: Pretrained,
    data: Sequence[DataSet],
    settings: TrainingSettings,
    *,
    folder: Path,
    device: str | None = None,
    on_step: Callable[[StepReport], None] = lambda report: None,
    on_epoch: Callable[[EpochReport], None] = lambda report: None,
) -> TrainingResult:
    """Train every head that has data; the best model is kept in ``folder``/model, and ``pretrained`` is it in the end.

    Raises:
        UserError: what ``check_settings`` finds, or the folder cannot be written.
    """
    check_settings(pretrained, data, settings, device)
    run = _prepare(pretrained, [each for each in data if each.train], settings, device)
    validation = [example for each in data for example in each.validation]
    selection = Selection(settings.early_stopping_patience)
    history = History(folder, every=settings.logging_steps)
    epochs: list[EpochReport] = []
    started = time.perf_counter()
    best_epoch = step = 0

    for epoch in range(1, settings.epochs + 1):
        epoch_started = time.perf_counter()
        plan.apply(pretrained.model, run.frozen)
        for draws in run.sampler.steps(epoch):
            batches = [run.collate([run.sets[draw.data_set].train[row] for row in draw.rows]) for draw in draws]
            rate = float(run.schedule.get_last_lr()[0])
            losses = _step(run, batches)
            step += 1
            report = StepReport(step, len(run.sampler) * settings.epochs, epoch, run.weighted_sum(losses), losses, rate)
            history.step(report)
            on_step(report)

        pretrained.model.eval()
        answers = Answers(run.forward, run.collate, validation)
        scored = evaluate(run.tasks, validation, answers)
        loss = run.weighted_sum(answers.losses()) if validation else math.nan
        score = score_of(settings.score, run.tasks, scored, loss)
        best = selection.update(score)
        if best:
            best_epoch = epoch
            save(_as_trained(pretrained, run), folder / "model")
        summary = EpochReport(
            epoch=epoch,
            epochs=settings.epochs,
            step=step,
            train_losses=history.epoch_losses(),
            losses=answers.losses(),
            loss=loss,
            report=scored,
            score=score,
            best=best,
            seconds=time.perf_counter() - epoch_started,
        )
        epochs.append(summary)
        history.epoch(summary)
        on_epoch(summary)
        if selection.exhausted:
            break

    _restore(pretrained, folder / "model")
    stopped_early = len(epochs) < settings.epochs
    return TrainingResult(folder / "model", best_epoch, epochs, stopped_early, time.perf_counter() - started)


def check_settings(
    pretrained: Pretrained, data: Sequence[DataSet], settings: TrainingSettings, device: str | None
) -> None:
    """Find out before anything is written what would go wrong later.

    Raises:
        UserError: the plan or the score names what is not there, there is nothing to score by, or no such device.
    """
    resolve_device(device)
    check_score(settings.score, pretrained.tasks)
    plan.frozen_modules(pretrained.model, settings.plan)
    labelled = {name for each in data for example in each.validation for name in example.labels}
    scored = [settings.score] if isinstance(settings.score, str) else list(settings.score or ())
    for name in scored:
        if (task := name.partition(".")[0]) not in labelled and not (name == "loss" and labelled):
            raise UserError(f"training.score: {name} needs validation labels of {task}, and there are none")
    if settings.early_stopping_patience is not None and not labelled:
        raise UserError("training.early_stopping_patience: needs validation data, and there is none")


def _restore(pretrained: Pretrained, folder: Path) -> None:
    """Put the weights of the best epoch back."""
    best = load(folder, allow_mismatch=True)
    pretrained.model.load_state_dict(best.model.state_dict())
    pretrained.heads = best.heads
    pretrained.model.eval().requires_grad_(True)


@dataclass(frozen=True, slots=True)
class _Run:
    """What stays the same throughout a training."""

    tasks: Mapping[str, Task]
    sets: Sequence[DataSet]
    frozen: Sequence[nn.Module]
    collate: Collator
    sampler: Sampler
    forward: Forward
    optimizer: Optimizer
    schedule: LRScheduler
    max_grad_norm: float

    def weighted_sum(self, losses: Mapping[str, float]) -> float:
        """The tasks' losses by their weights."""
        return sum((self.tasks[name].weight * loss for name, loss in losses.items()), 0.0)


def _prepare(pretrained: Pretrained, sets: Sequence[DataSet], settings: TrainingSettings, device: str | None) -> _Run:
    place = resolve_device(device)
    model, kept, tasks = pretrained.model.to(place), pretrained.settings, pretrained.tasks
    frozen = plan.frozen_modules(model, settings.plan)
    plan.apply(model, frozen)
    torch.manual_seed(settings.seed)
    collate = Collator(pretrained.tokenizer, tasks, prompt=kept.prompt_text(), pool_prompt=kept.pool_prompt)
    sampler = Sampler([collate.lengths(each.train) for each in sets], settings)
    optimizer = build_optimizer(model, settings)
    schedule = build_schedule(optimizer, settings, steps=len(sampler) * settings.epochs)
    bf16 = fast_bf16(place) if settings.bf16 == "auto" else settings.bf16
    forward = Forward(model, place, bf16=bf16)
    return _Run(tasks, sets, frozen, collate, sampler, forward, optimizer, schedule, settings.max_grad_norm)


def _step(run: _Run, batches: Sequence[Batch]) -> dict[str, float]:
    """One optimizer step over all ``batches`` together; each task's mean loss over the step."""
    counts: dict[str, int] = {}
    for batch in batches:
        for name, count in batch.counts.items():
            counts[name] = counts.get(name, 0) + count
    sums = dict.fromkeys(counts, 0.0)
    for batch in batches:
        _, losses = run.forward(batch)
        weighted = [run.tasks[name].weight / max(1, counts[name]) * loss for name, loss in losses.items()]
        if weighted and (total := torch.stack(weighted).sum()).requires_grad:
            torch.autograd.backward(total)
        for name, loss in losses.items():
            sums[name] += float(loss.detach())
    clip(run.forward.model, run.max_grad_norm)
    run.optimizer.step()
    run.schedule.step()
    run.optimizer.zero_grad(set_to_none=True)
    return {name: value / counts[name] for name, value in sums.items() if counts[name]}


def _as_trained(pretrained: Pretrained, run: _Run) -> Pretrained:
    """``pretrained`` with each head's record brought up to date."""
    taught = {name for each in run.sets for example in each.train for name in example.labels}
    encoder = pretrained.model.encoder
    moved = any(parameter.requires_grad for parameter in encoder.parameters())
    heads = {}
    for name, head in pretrained.heads.items():
        learned = name in taught and pretrained.model.heads[name] not in run.frozen
        trained = learned or (head.trained and not moved)
        heads[name] = replace(head, encoder_hash=None if moved else head.encoder_hash, trained=trained)
    return replace(pretrained, heads=heads)
