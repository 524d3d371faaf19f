"""What a training will take, from a few real steps of it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from statistics import median

import numpy as np
import torch

from polyhead.data.collate import Batch
from polyhead.data.example import DataSet, Example
from polyhead.evaluation import evaluate
from polyhead.memory import process_peak
from polyhead.pretrained import Pretrained
from polyhead.training.activations.rows import Source
from polyhead.training.forward import Answers
from polyhead.training.plans import apply
from polyhead.training.prepare import Prepared, prepare
from polyhead.training.settings import TrainingSettings
from polyhead.training.step import seed_step

_WARM, _TIMED, _EVALUATED, _LONGEST = 2, 8, 512, 2000


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a training will take.

    ``seconds`` are those of all of it, evaluations included; ``memory`` is in bytes, at its peak with a batch of the
    longest texts: of the device, or of the whole process where that is the CPU.
    """

    steps: int
    seconds_per_step: float
    seconds: float
    memory: int


def estimate(
    pretrained: Pretrained, data: Sequence[DataSet], settings: TrainingSettings, *, device: str | None = None
) -> Estimate:
    """Time a few steps and an evaluation. The model's weights are changed by it: it is of no use afterwards."""
    prepared = prepare(pretrained, data, settings, device)
    apply(prepared.parts, prepared.stages[-1].learns)
    seconds = []
    for number, draws in enumerate(islice(prepared.sampler.steps(1), _WARM + _TIMED)):
        started = time.perf_counter()
        _step(prepared, [prepared.collate(draw.examples(prepared.sets)) for draw in draws], settings, number)
        seconds.append(time.perf_counter() - started)
    step = median(seconds[_WARM:] or seconds)
    _step(
        prepared,
        [prepared.collate(_longest(each.train, each.batch_size or settings.batch_size)) for each in prepared.sets],
        settings,
        0,
    )
    steps = len(prepared.sampler) * settings.epochs
    evaluations = settings.epochs + (steps // settings.eval_steps if settings.eval_steps else 0)
    return Estimate(
        steps, step, steps * step + evaluations * _evaluation(pretrained, prepared, data), peak_memory(prepared.device)
    )


def peak_memory(device: torch.device) -> int:
    """Bytes: the most that the device, or on a CPU this process, has used so far."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return process_peak()


def _step(prepared: Prepared, batches: Sequence[Batch], settings: TrainingSettings, number: int) -> None:
    seed_step(prepared.device, seed=settings.seed, step=number)
    prepared.step(batches, factor=1.0)


def _longest(examples: Sequence[Example], count: int) -> list[Example]:
    """A batch of the longest texts, of as many as can be looked at quickly."""
    some = [examples[index] for index in range(min(len(examples), _LONGEST))]
    order = np.argsort([-len(example.text) for example in some], kind="stable")
    return [some[index] for index in order[:count]]


def _evaluation(pretrained: Pretrained, prepared: Prepared, data: Sequence[DataSet]) -> float:
    """Seconds of one evaluation."""
    rows = sum(len(each.validation) for each in data)
    some = [row for each in data for row in islice(each.validation, _EVALUATED) if row.labels]
    if not some:
        return 0.0
    pretrained.model.eval()
    started = time.perf_counter()
    evaluate(prepared.tasks, Answers(prepared.forward, prepared.collate, [Source(some)]))
    return (time.perf_counter() - started) * rows / len(some)
