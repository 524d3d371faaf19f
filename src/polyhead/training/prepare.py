"""What stays the same throughout a training, built from the settings; and what is wrong with them, found beforehand."""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.amp.grad_scaler import GradScaler
from torch.optim import Optimizer

from polyhead.data.collate import Collator
from polyhead.data.example import DataSet, Example, labelled_tasks
from polyhead.data.stream import StreamedExamples
from polyhead.documents import IntArray
from polyhead.errors import UserError
from polyhead.evaluation import EXACT_ROWS
from polyhead.kinds import EMBEDDING, Task
from polyhead.modeling.components import Component, components
from polyhead.modeling.model import MultiTaskModel
from polyhead.pretrained import Pretrained
from polyhead.pretrained.hardware import fast_bf16, resolve_device
from polyhead.training.activations import Feed
from polyhead.training.activations.lower import Reading
from polyhead.training.activations.room import check_room
from polyhead.training.embedding import Keeping
from polyhead.training.embedding.originals import UNLABELLED, Originals
from polyhead.training.fit import check_cached, check_vectors
from polyhead.training.forward import Forward
from polyhead.training.optimizer import build_optimizer, planned_rates
from polyhead.training.plans import Lora, Stage, apply, frozen_heads, stages
from polyhead.training.plans.lora import add_adapters
from polyhead.training.plans.overview import earliest
from polyhead.training.sampling import Rows, Sampler
from polyhead.training.selection import check_score
from polyhead.training.settings import TrainingSettings
from polyhead.training.step import Step
from polyhead.training.subject import Subject, check_keeping, encoder_learns


@dataclass(frozen=True, slots=True)
class Prepared:
    """The parts of a training."""

    device: torch.device
    tasks: Mapping[str, Task]
    sets: Sequence[DataSet]
    parts: Sequence[Component]
    stages: Sequence[Stage]
    collate: Collator
    sampler: Sampler
    forward: Forward
    optimizer: Optimizer
    scaler: GradScaler
    step: Step
    frozen: Sequence[str]
    """The heads that the plan leaves as they are."""
    taught: frozenset[str]
    """The tasks with labels in the training data whose heads are not frozen."""
    anchored: bool
    """Whether the embedding is held where it was: it is to be, and could move."""


def prepare(
    pretrained: Pretrained,
    data: Sequence[DataSet],
    settings: TrainingSettings,
    device: str | None,
    keeping: Keeping | None = None,
) -> Prepared:
    """Move the model, begin the plan's first stage, build sampler and optimizer."""
    place, keeping = resolve_device(device), keeping or Keeping()
    model, kept, tasks = pretrained.model.to(place), pretrained.settings, pretrained.tasks
    if settings.plan.name == "lora":
        add_adapters(model, settings.plan.lora or Lora(), seed=settings.seed)
    parts = components(model)
    planned = stages(settings.plan, parts)
    apply(parts, planned[0].learns)
    anchored = _is_anchored(keeping, planned)
    sets = _sets(data, keeping, anchored=anchored)
    collate = Collator(pretrained.tokenizer, tasks, prompt=kept.prompt_text(), pool_prompt=kept.pool_prompt)
    sampler = sampler_of(sets, collate, settings)
    optimizer = build_optimizer(parts, settings)
    scaler = GradScaler(place.type, enabled=settings.fp16)
    forward = Forward(model, place, dtype=autocast_dtype(settings, place))
    weights = {name: task.weight for name, task in tasks.items()} | {EMBEDDING: keeping.settings.anchor_weight}
    step = Step(forward, tasks, weights, optimizer, scaler, max_grad_norm=settings.max_grad_norm)
    frozen = frozen_heads(settings.plan, parts, planned)
    taught = frozenset(name for each in sets for name in labelled_tasks(each.train)) - {*frozen}
    return Prepared(
        place, tasks, sets, parts, planned, collate, sampler, forward, optimizer, scaler, step, frozen, taught, anchored
    )


def _is_anchored(keeping: Keeping, planned: Sequence[Stage]) -> bool:
    return keeping.settings.mode == "anchor" and encoder_learns(planned[-1].learns)


def _sets(data: Sequence[DataSet], keeping: Keeping, *, anchored: bool) -> list[DataSet]:
    """What a training draws from: the data sets that teach something, and the texts that an anchor holds."""
    sets = [each for each in data if len(each.train) and labelled_tasks(each.train)]
    if anchored and keeping.texts:
        sets.append(DataSet(UNLABELLED, [Example(text) for text in keeping.texts]))
    return sets


def sampler_of(sets: Sequence[DataSet], collate: Collator, settings: TrainingSettings) -> Sampler:
    """What draws from the data sets' training rows."""
    return Sampler([_rows(each, collate, settings) for each in sets], settings)


def planned_components(model: MultiTaskModel, settings: TrainingSettings) -> list[Component]:
    """The components of ``model`` as it will be trained, the model itself left as it is.

    Raises:
        MissingExtra: the plan needs a library that is not installed.
    """
    if settings.plan.name == "lora":
        model = model.with_backbone(copy.deepcopy(model.encoder.backbone))
        add_adapters(model, settings.plan.lora or Lora(), seed=settings.seed)
    return components(model)


def feed_of(
    pretrained: Pretrained,
    prepared: Prepared,
    data: Sequence[DataSet],
    settings: TrainingSettings,
    folder: Path,
    *,
    private: bool = False,
    originals: Originals | None = None,
) -> Feed:
    """Where the batches of a training come from; ``folder`` is for what is kept of frozen layers."""
    return Feed(
        pretrained.model,
        prepared.collate,
        data,
        prepared.sets,
        settings,
        Reading.of(pretrained),
        dtype=prepared.forward.dtype or torch.float32,
        folder=folder,
        private=private,
        originals=originals,
    )


def autocast_dtype(settings: TrainingSettings, device: torch.device) -> torch.dtype | None:
    """What autocast computes in, ``None`` for fp32 throughout."""
    if settings.fp16:
        return torch.float16
    bf16 = fast_bf16(device) if settings.bf16 == "auto" else settings.bf16
    return torch.bfloat16 if bf16 else None


def check_learns(settings: TrainingSettings) -> None:
    """Refuse to train where nothing is to learn.

    Raises:
        UserError: the plan is ``frozen``.
    """
    if settings.plan.name == "frozen":
        raise UserError("training.plan: frozen trains nothing; evaluate_frozen says what the encoder gives as it is")


def check_settings(
    pretrained: Pretrained,
    data: Sequence[DataSet],
    settings: TrainingSettings,
    device: str | None,
    keeping: Keeping | None = None,
) -> Subject:
    """Find out before anything is written what would go wrong later; what of ``pretrained`` is trained.

    Raises:
        UserError: the plan or the score names what is not there, there is nothing to score by, no such device, or one
            that does not compute in the dtype asked for; or what is wanted of the embedding cannot be; or more is to
            be kept of frozen layers than the settings allow.
    """
    place, keeping = resolve_device(device), keeping or Keeping()
    subject = Subject.of(pretrained, keeping.settings.branch, data)
    pretrained = subject.view
    if settings.fp16 and place.type != "cuda":
        raise UserError(f"training.fp16: needs a GPU, the device is {place.type}; leave it out, or use bf16")
    check_score(settings.score, pretrained.tasks)
    parts = planned_components(pretrained.model, settings)
    planned = stages(settings.plan, parts)
    learns = planned[-1].learns if planned else frozenset()
    planned_rates(parts, settings)
    check_vectors(pretrained, data, frozen=not any(name.startswith("backbone.") for name in learns))
    check_cached(pretrained.tasks, data)
    labelled = {name for each in data for name in labelled_tasks(each.validation)}
    scored = [settings.score] if isinstance(settings.score, str) else list(settings.score or ())
    for name in scored:
        if (task := name.partition(".")[0]) not in labelled and not (name in ("loss", EXACT_ROWS) and labelled):
            raise UserError(f"training.score: {name} needs validation labels of {task}, and there are none")
    if any(stage.epoch is None for stage in planned) and not labelled:
        raise UserError(
            "training.plan: a stage waits for a validation score, and there is no validation data; name epochs"
        )
    if settings.early_stopping_patience is not None and not labelled:
        raise UserError("training.early_stopping_patience: needs validation data, and there is none")
    if keeping.settings.interpolate and not labelled:
        raise UserError("embedding.interpolate: chooses by validation data, and there is none")
    check_keeping(subject, keeping, data, learns)
    if planned:
        begins = earliest(planned, settings.epochs)
        check_room(
            pretrained.model,
            pretrained.tasks,
            _sets(data, keeping, anchored=_is_anchored(keeping, planned)),
            settings,
            Reading.of(pretrained),
            [stage.learns for stage, epoch in zip(planned, begins, strict=True) if epoch <= settings.epochs],
            parts,
            dtype=autocast_dtype(settings, place) or torch.float32,
        )
    return subject


def _rows(data: DataSet, collate: Collator, settings: TrainingSettings) -> Rows:
    """Lengths in tokens, counted once; of rows that stay in their file in characters, looked at when they are drawn."""
    examples, batch = data.train, data.batch_size or settings.batch_size
    if isinstance(examples, StreamedExamples):
        return Rows(len(examples), _characters(examples), batch, block=examples.block, window=examples.window)
    if not settings.group_by_length:
        return Rows(len(examples), lambda rows: np.zeros(len(rows), dtype=np.int64), batch)
    lengths = collate.lengths(examples)
    return Rows(len(examples), lambda rows: lengths[rows], batch)


def _characters(examples: Sequence[Example]) -> Callable[[IntArray], IntArray]:
    return lambda rows: np.asarray([len(examples[int(row)].text) for row in rows], dtype=np.int64)
