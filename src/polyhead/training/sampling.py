"""Which rows each step sees: a pure function of the data sets' sizes, a seed and the epoch's number.

*How much*: each pass over a data set visits each row once, in a seeded order (``one_pass``). *In what order*: the
strategies below interleave the data sets' batches.

- proportional: a step draws one batch of one data set, each data set in proportion to its batches; an epoch ends when
  every row has been seen once.
- round_robin: a step draws one batch of every data set; an epoch ends when the longest has been seen once, shorter
  ones go round again.
- temperature: a step draws one batch of one data set with probability ∝ n^(1/T) (T5, arXiv 1910.10683); an epoch has
  as many steps as a proportional one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from polyhead.documents import IntArray
from polyhead.training.settings import TrainingSettings

_POOL = 16
"""Batches that are sorted by length together; enough to save padding, few enough to stay random."""


@dataclass(frozen=True, slots=True)
class Draw:
    """One batch: which data set, which of its rows."""

    data_set: int
    rows: IntArray


def one_pass(lengths: IntArray, *, batch_size: int, by_length: bool, generator: np.random.Generator) -> list[IntArray]:
    """One pass over a data set: every row once, in batches, in random order.

    ``by_length`` sorts pools of some batches by ``lengths`` (rows,), tokens a row, so that a batch holds like texts.
    """
    order = generator.permutation(len(lengths))
    if by_length:
        pool = batch_size * _POOL
        parts = [order[start : start + pool] for start in range(0, len(order), pool)]
        order = np.concatenate([part[np.argsort(lengths[part], kind="stable")] for part in parts])
    batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    return [batches[index] for index in generator.permutation(len(batches))]


class Sampler:
    """The steps of each epoch; ``lengths`` holds the tokens of each row of each data set."""

    def __init__(self, lengths: Sequence[IntArray], settings: TrainingSettings) -> None:
        self._lengths = lengths
        self._settings = settings
        self._batches = [-(-len(rows) // settings.batch_size) for rows in lengths]

    def __len__(self) -> int:
        """Steps of an epoch."""
        return max(self._batches) if self._settings.sampling == "round_robin" else sum(self._batches)

    def steps(self, epoch: int) -> list[list[Draw]]:
        """All steps of an epoch, each a list of batches."""
        settings = self._settings
        generator = np.random.default_rng([settings.seed, 3, epoch])
        sets = range(len(self._lengths))
        if settings.sampling == "proportional":
            draws = [Draw(index, rows) for index in sets for rows in self._pass(index, generator)]
            return [[draws[position]] for position in generator.permutation(len(draws))]
        streams = [self._endless(index, generator) for index in sets]
        if settings.sampling == "round_robin":
            return [[Draw(index, next(streams[index])) for index in sets] for _ in range(len(self))]
        weights = np.asarray([len(rows) for rows in self._lengths], dtype=float) ** (1 / settings.temperature)
        chosen = generator.choice(len(self._lengths), size=len(self), p=weights / weights.sum())
        return [[Draw(int(index), next(streams[index]))] for index in chosen]

    def _pass(self, index: int, generator: np.random.Generator) -> list[IntArray]:
        settings = self._settings
        return one_pass(
            self._lengths[index],
            batch_size=settings.batch_size,
            by_length=settings.group_by_length,
            generator=generator,
        )

    def _endless(self, index: int, generator: np.random.Generator) -> Iterator[IntArray]:
        while True:
            yield from self._pass(index, generator)
