"""What a training will take, from a few real steps of it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import torch

from polyhead.data.collate import Batch
from polyhead.data.example import DataSet, Example
from polyhead.data.stream import StreamedExamples
from polyhead.evaluation import evaluate
from polyhead.memory import process_peak
from polyhead.pretrained import Pretrained
from polyhead.training.activations.rows import Source
from polyhead.training.forward import Answers
from polyhead.training.plans import apply
from polyhead.training.prepare import Prepared, feed_of, prepare, sampler_of
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
    whole = prepare(pretrained, data, settings, device)
    steps = len(whole.sampler) * settings.epochs
    evaluations = settings.epochs + (steps // settings.eval_steps if settings.eval_steps else 0)
    few = _few(whole)
    share = _rows(few) / _rows(whole.sets)
    streamed = any(isinstance(each.train, StreamedExamples) for each in data)
    own = settings.model_copy(update={"cache_gb": settings.cache_gb * share, "cache": settings.cache and not streamed})
    prepared = replace(whole, sets=few, sampler=sampler_of(few, whole.collate, settings))
    with TemporaryDirectory(prefix="polyhead-") as place:
        feed = feed_of(pretrained, prepared, few, own, Path(place), private=True)
        started = time.perf_counter()
        learns = prepared.stages[-1].learns
        feed.begin(learns, prepared.parts, epochs=settings.epochs, advance=lambda *_: None, note=lambda line: None)
        keeping = (time.perf_counter() - started) / share if feed.kept else 0.0
        apply(prepared.parts, learns)
        seconds = []
        for number, draws in enumerate(islice(prepared.sampler.steps(1), _WARM + _TIMED)):
            started = time.perf_counter()
            _step(prepared, [feed.batch(draw) for draw in draws], settings, number)
            seconds.append(time.perf_counter() - started)
        step = median(seconds[_WARM:] or seconds)
        evaluation = _evaluation(prepared, feed.sources) * _validation(data) / max(1, _validation(few))
    _step(
        prepared,
        [prepared.collate(_longest(each.train, each.batch_size or settings.batch_size)) for each in whole.sets],
        settings,
        0,
    )
    return Estimate(steps, step, keeping + steps * step + evaluations * evaluation, peak_memory(prepared.device))


def _few(prepared: Prepared) -> list[DataSet]:
    """The rows of a training's first steps, and as many of validation as tell how long an evaluation takes."""
    rows: dict[int, list[int]] = {}
    for draw in chain.from_iterable(islice(prepared.sampler.steps(1), _WARM + _TIMED)):
        rows.setdefault(draw.data_set, []).extend(map(int, draw.rows))
    return [
        replace(
            prepared.sets[number],
            train=[prepared.sets[number].train[row] for row in chosen],
            validation=[each for each in islice(prepared.sets[number].validation, _EVALUATED) if each.labels],
        )
        for number, chosen in sorted(rows.items())
    ]


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


def _rows(sets: Sequence[DataSet]) -> int:
    return sum(len(each.train) + len(each.validation) for each in sets)


def _validation(sets: Sequence[DataSet]) -> int:
    return sum(len(each.validation) for each in sets)


def _evaluation(prepared: Prepared, sources: Sequence[Source]) -> float:
    """Seconds of one evaluation."""
    prepared.forward.model.eval()
    started = time.perf_counter()
    evaluate(prepared.tasks, Answers(prepared.forward, prepared.collate, sources))
    return time.perf_counter() - started
