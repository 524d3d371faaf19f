"""The training loop, written out.

A step draws batches from the data sets, runs the encoder once on each, and sums the weighted losses of every task that
has labels there. A task's loss is its mean over all its labels in the *step*, however many batches hold them.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from polyhead.data.collate import Batch, Collator
from polyhead.data.example import DataSet, Example
from polyhead.evaluation import Scored, evaluate
from polyhead.kinds import Task
from polyhead.modeling.model import MultiTaskModel
from polyhead.pretrained import Pretrained, save
from polyhead.pretrained.hardware import fast_bf16, resolve_device
from polyhead.text.batches import token_budget_batches
from polyhead.training import plan
from polyhead.training.history import History
from polyhead.training.optimizer import build_optimizer, build_schedule, clip
from polyhead.training.result import EpochReport, StepReport, TrainingResult
from polyhead.training.sampling import steps as sampled_steps
from polyhead.training.sampling import steps_per_epoch
from polyhead.training.selection import Selection, check_score, score_of
from polyhead.training.settings import TrainingSettings

_EVALUATION_TOKENS = 8192


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
    """Train every head that has data; the best model is kept in ``folder``/model.

    Raises:
        UserError: the plan or the score names something that is not there; the folder cannot be written.
    """
    place = resolve_device(device)
    model = pretrained.model.to(place)
    tasks = pretrained.tasks
    check_score(settings.score, tasks)
    frozen = plan.frozen_modules(model, settings.plan)
    plan.apply(model, frozen)
    torch.manual_seed(settings.seed)

    kept = pretrained.settings
    collate = Collator(pretrained.tokenizer, tasks, prompt=kept.default_prompt, pool_prompt=kept.pool_prompt)
    sets = [each for each in data if each.train]
    lengths = [collate.lengths(each.train) for each in sets]
    sizes = [len(each.train) for each in sets]
    per_epoch = steps_per_epoch(sizes, strategy=settings.sampling, batch_size=settings.batch_size)
    optimizer = build_optimizer(model, settings)
    schedule = build_schedule(optimizer, settings, steps=per_epoch * settings.epochs)
    bf16 = fast_bf16(place) if settings.bf16 == "auto" else settings.bf16
    forward = _Forward(model, place, bf16=bf16)
    validation = [example for each in data for example in each.validation]
    selection = Selection(settings.early_stopping_patience)
    history = History(folder, every=settings.logging_steps)
    epochs: list[EpochReport] = []
    started = time.perf_counter()
    best_epoch = step = 0

    for epoch in range(1, settings.epochs + 1):
        epoch_started = time.perf_counter()
        plan.apply(model, frozen)
        for draws in sampled_steps(
            lengths,
            strategy=settings.sampling,
            batch_size=settings.batch_size,
            seed=settings.seed,
            epoch=epoch,
            temperature=settings.temperature,
            by_length=settings.group_by_length,
        ):
            batches = [collate([sets[draw.data_set].train[row] for row in draw.rows]) for draw in draws]
            rate = schedule.get_last_lr()[0]
            losses = _backward(forward, tasks, batches)
            clip(model, settings.max_grad_norm)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad(set_to_none=True)
            step += 1
            total = sum((tasks[name].weight * loss for name, loss in losses.items()), 0.0)
            report = StepReport(step, per_epoch * settings.epochs, epoch, total, losses, rate)
            history.step(report)
            on_step(report)

        model.eval()
        answers = _Answers(forward, collate, tasks, validation)
        scored = evaluate(tasks, validation, answers)
        losses = answers.losses()
        loss = sum((tasks[name].weight * value for name, value in losses.items()), 0.0)
        score = score_of(settings.score, tasks, scored, loss)
        best = selection.update(score)
        if best:
            best_epoch = epoch
            save(_as_trained(pretrained, sets, frozen), folder / "model")
        seconds = time.perf_counter() - epoch_started
        summary = EpochReport(
            epoch, settings.epochs, step, history.epoch_losses(), losses, loss, scored, score, best, seconds
        )
        epochs.append(summary)
        history.epoch(summary)
        on_epoch(summary)
        if selection.exhausted:
            break

    stopped = len(epochs) < settings.epochs
    return TrainingResult(folder / "model", best_epoch, epochs, stopped, time.perf_counter() - started)


class _Forward:
    """One forward pass of the heads that are asked for, under autocast if so set."""

    def __init__(self, model: MultiTaskModel, device: torch.device, *, bf16: bool) -> None:
        self.model = model
        self.device = device
        self.bf16 = bf16

    def __call__(self, batch: Batch) -> tuple[Mapping[str, Tensor], dict[str, Tensor]]:
        """Logits and summed losses of the tasks that have labels in the batch."""
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.bf16):
            logits = self.model(batch.inputs.to(self.device), tasks=batch.targets.keys()).logits
        losses = {
            name: self.model.heads[name].loss(logits[name], target.to(self.device))
            for name, target in batch.targets.items()
        }
        return logits, losses


def _backward(forward: _Forward, tasks: Mapping[str, Task], batches: Sequence[Batch]) -> dict[str, float]:
    """Accumulate the step's gradients; each task's mean loss over the step."""
    counts: dict[str, int] = {}
    for batch in batches:
        for name, count in batch.counts.items():
            counts[name] = counts.get(name, 0) + count
    sums = dict.fromkeys(counts, 0.0)
    for batch in batches:
        _, losses = forward(batch)
        weighted = [tasks[name].weight / max(1, counts[name]) * loss for name, loss in losses.items()]
        if weighted and (total := torch.stack(weighted).sum()).requires_grad:
            torch.autograd.backward(total)
        for name, loss in losses.items():
            sums[name] += float(loss.detach())
    return {name: value / counts[name] for name, value in sums.items() if counts[name]}


class _Answers:
    """Answers to examples, in their order, for ``evaluate``; sums the losses as they pass."""

    def __init__(
        self, forward: _Forward, collate: Collator, tasks: Mapping[str, Task], examples: Sequence[Example]
    ) -> None:
        self._forward = forward
        self._collate = collate
        self._tasks = tasks
        self._examples = examples
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}

    @torch.no_grad()
    def _run(self) -> list[Scored]:
        answers: list[Scored | None] = [None] * len(self._examples)
        lengths = self._collate.lengths(self._examples).tolist()
        for rows in token_budget_batches(lengths, max_tokens=_EVALUATION_TOKENS):
            batch = self._collate([self._examples[row] for row in rows])
            logits, losses = self._forward(batch)
            for name, loss in losses.items():
                self._sums[name] = self._sums.get(name, 0.0) + float(loss)
                self._counts[name] = self._counts.get(name, 0) + batch.counts[name]
            arrays = {name: values.float().cpu().numpy() for name, values in logits.items()}
            for position, row in enumerate(rows):
                document = batch.documents[position]
                answers[row] = Scored(
                    document,
                    {
                        name: values[position, : document.tokens] if values.ndim == 3 else values[position]
                        for name, values in arrays.items()
                    },
                )
        return [answer for answer in answers if answer is not None]

    def __iter__(self) -> Iterator[Scored]:
        return iter(self._run())

    def losses(self) -> dict[str, float]:
        """Each task's mean loss over all its labels."""
        return {name: total / max(1, self._counts[name]) for name, total in self._sums.items()}


def _as_trained(pretrained: Pretrained, sets: Sequence[DataSet], frozen: Sequence[torch.nn.Module]) -> Pretrained:
    """``pretrained`` with each head's record brought up to date."""
    taught = {name for each in sets for example in each.train for name in example.labels}
    moved = pretrained.model.encoder.backbone not in frozen or pretrained.model.encoder.projection is not None
    heads = {}
    for name, head in pretrained.heads.items():
        learned = name in taught and pretrained.model.heads[name] not in frozen
        trained = learned or (head.trained and not moved)
        heads[name] = replace(head, encoder_hash=None if moved else head.encoder_hash, trained=trained)
    return replace(pretrained, heads=heads)
