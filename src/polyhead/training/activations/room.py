"""Whether what a training keeps has a place and room, found out before anything is written."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import torch

from polyhead.data.example import DataSet
from polyhead.data.stream import StreamedExamples
from polyhead.errors import UserError
from polyhead.kinds import Task
from polyhead.modeling.components import Component
from polyhead.modeling.model import MultiTaskModel
from polyhead.printing import size
from polyhead.training.activations.boundaries import boundaries
from polyhead.training.activations.lower import Lower, Reading
from polyhead.training.settings import TrainingSettings


def check_place(cache: Path | None) -> None:
    """Refuse a folder for kept activations that can be none.

    Raises:
        UserError: it, or one that it would lie in, is a file.
    """
    for place in (cache, *cache.parents) if cache is not None else ():
        if place.exists() and not place.is_dir():
            raise UserError(f"--cache-dir: must be a folder, and {place} is a file; choose another")


def check_room(
    model: MultiTaskModel,
    tasks: Mapping[str, Task],
    sets: Sequence[DataSet],
    settings: TrainingSettings,
    reading: Reading,
    stages: Sequence[Collection[str]],
    parts: Sequence[Component],
    *,
    dtype: torch.dtype,
) -> None:
    """Refuse a training that is told to keep activations and not let; ``stages`` are what learns in each.

    Raises:
        UserError: a stage would keep more than the settings allow.
    """
    if settings.cache is not True:
        return
    lengths: dict[str, torch.Tensor] = {}
    for learns in stages:
        needed = 0
        for name, boundary in boundaries(model, tasks, sets, settings, learns, parts).items():
            if name not in lengths:
                lengths[name] = reading.lengths(_texts(next(each for each in sets if each.name == name)))
            needed += Lower(model, reading, boundary, dtype).size(lengths[name])
        if needed > settings.cache_bytes:
            raise UserError(too_much(needed, f"cache_gb is {settings.cache_gb:g}"))


def too_much(needed: int, room: str) -> str:
    """What is said where so many bytes were to be kept and cannot be."""
    return f"{would_be_kept(needed, room)}; raise it, make room, or leave cache out"


def would_be_kept(needed: int, room: str) -> str:
    """That so many bytes would be, and what is there for them."""
    return f"training.cache: {size(needed)} would be kept of the frozen layers' output, and {room}"


def _texts(data: DataSet) -> list[str]:
    splits = [split for split in (data.train, data.validation) if not isinstance(split, StreamedExamples)]
    return [text for split in splits for example in split for text in example.texts]
