"""Which rows each step sees: pure functions of sizes, a seed and the epoch's number.

*How much*: each pass over a data set visits each row once, in a seeded order. *In what order*: ``steps`` interleaves
the data sets' batches.

- proportional: a step draws one batch of one data set, each data set in proportion to its batches; an epoch ends when
  every row has been seen once.
- round_robin: a step draws one batch of every data set; an epoch ends when the longest has been seen once, shorter
  ones go round again.
- temperature: a step draws one batch of one data set with probability ∝ n^(1/T) (T5, arXiv 1910.10683); an epoch has
  as many steps as a proportional one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from polyhead.documents import IntArray

Strategy = Literal["proportional", "round_robin", "temperature"]
_POOL = 16
"""Batches that are sorted by length together; enough to save padding, few enough to stay random."""


@dataclass(frozen=True, slots=True)
class Draw:
    """One batch: which data set, which of its rows."""

    data_set: int
    rows: IntArray


def passes(lengths: IntArray, *, batch_size: int, by_length: bool, generator: np.random.Generator) -> list[IntArray]:
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


def steps(
    lengths: Sequence[IntArray],
    *,
    strategy: Strategy,
    batch_size: int,
    seed: int,
    epoch: int,
    temperature: float = 2.0,
    by_length: bool = True,
) -> list[list[Draw]]:
    """All steps of an epoch, each a list of batches; ``lengths`` holds the tokens of each row of each data set."""
    generator = np.random.default_rng([seed, 3, epoch])

    def batches(index: int) -> list[IntArray]:
        return passes(lengths[index], batch_size=batch_size, by_length=by_length, generator=generator)

    def endless(index: int) -> Iterator[IntArray]:
        while True:
            yield from batches(index)

    counts = [-(-len(rows) // batch_size) for rows in lengths]
    sets = range(len(lengths))
    if strategy == "proportional":
        all_draws = [Draw(index, rows) for index in sets for rows in batches(index)]
        return [[all_draws[position]] for position in generator.permutation(len(all_draws))]
    streams = [endless(index) for index in sets]
    if strategy == "round_robin":
        return [[Draw(index, next(streams[index])) for index in sets] for _ in range(max(counts))]
    weights = np.asarray([len(rows) for rows in lengths], dtype=float) ** (1 / temperature)
    chosen = generator.choice(len(lengths), size=sum(counts), p=weights / weights.sum())
    return [[Draw(int(index), next(streams[index]))] for index in chosen]


def steps_per_epoch(sizes: Sequence[int], *, strategy: Strategy, batch_size: int) -> int:
    """How many steps an epoch has."""
    counts = [-(-size // batch_size) for size in sizes]
    return max(counts) if strategy == "round_robin" else sum(counts)
