"""Which rows each step sees: a pure function of the data sets' sizes, a seed and the epoch's number.

*How much*: each pass over a data set visits each row once, in a seeded order (``one_pass``). *In what order*: the
strategies below interleave the data sets' batches.

- proportional: a batch of one data set at a time, each data set in proportion to its batches; an epoch ends when
  every row has been seen once.
- alternating: a batch of each data set in turn; an epoch ends when the longest has been seen once, shorter ones go
  round again.
- round_robin: the same with a batch of every data set at a time, in one step.
- temperature: a batch of one data set at a time, with probability ∝ n^(1/T) (T5, arXiv 1910.10683); an epoch has as
  many batches as a proportional one.

An epoch's draws are made one after the other and look at rows' lengths only when they are used, so an epoch costs no
memory, and to go on in the middle of one costs nothing but counting.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np

from polyhead.data.example import DataSet, Example
from polyhead.documents import IntArray
from polyhead.training.settings import TrainingSettings

_POOL = 16
"""Batches that are sorted by length together; enough to save padding, few enough to stay random."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What the sampler knows of a data set.

    ``lengths`` gives the lengths of the rows with these numbers; ``batch_size`` of them are drawn together. ``block``
    and ``window`` are for rows that are read from a file by blocks: rows are shuffled among ``window`` blocks that were
    drawn at random; 0 shuffles them all.
    """

    size: int
    lengths: Callable[[IntArray], IntArray]
    batch_size: int
    block: int = 0
    window: int = 0

    def shuffled(self, generator: np.random.Generator) -> Iterator[IntArray]:
        """Every row's number once, in a seeded order, in parts."""
        if not self.block:
            yield generator.permutation(self.size)
            return
        blocks = generator.permutation(-(-self.size // self.block))
        for start in range(0, len(blocks), self.window):
            parts = [self._rows_of(int(block)) for block in blocks[start : start + self.window]]
            yield generator.permutation(np.concatenate(parts))

    def _rows_of(self, block: int) -> IntArray:
        return np.arange(block * self.block, min((block + 1) * self.block, self.size))


class _Pool:
    """Some batches' rows, sorted by length when the first of them is asked for."""

    def __init__(self, rows: IntArray, lengths: Callable[[IntArray], IntArray] | None) -> None:
        self._rows = rows
        self._lengths = lengths

    @cached_property
    def sorted(self) -> IntArray:
        if self._lengths is None:
            return self._rows
        return self._rows[np.argsort(self._lengths(self._rows), kind="stable")]


@dataclass(frozen=True, slots=True)
class Draw:
    """One batch: which data set, and ``rows``, the numbers of its rows."""

    data_set: int
    _pool: _Pool
    _part: slice

    @property
    def rows(self) -> IntArray:
        """*Shape:* (rows,)."""
        return self._pool.sorted[self._part]

    def examples(self, sets: Sequence[DataSet]) -> list[Example]:
        """The training rows themselves, of the data sets that are drawn from."""
        rows = sets[self.data_set].train
        return [rows[int(row)] for row in self.rows]


def one_pass(rows: Rows, *, by_length: bool, generator: np.random.Generator, data_set: int = 0) -> Iterator[Draw]:
    """One pass over a data set: every row once, in batches, in random order.

    ``by_length`` sorts pools of some batches by their rows' lengths, so that a batch holds like texts.
    """
    batch_size = rows.batch_size
    for pool_rows in _pools(rows.shuffled(generator), size=batch_size * _POOL):
        pool = _Pool(pool_rows, rows.lengths if by_length else None)
        for batch in generator.permutation(-(-len(pool_rows) // batch_size)):
            yield Draw(data_set, pool, slice(int(batch) * batch_size, (int(batch) + 1) * batch_size))


def _pools(parts: Iterator[IntArray], *, size: int) -> Iterator[IntArray]:
    """The same numbers in the same order, in parts of ``size``; the last may be smaller."""
    rest = np.empty(0, dtype=np.int64)
    for part in parts:
        rest = np.concatenate([rest, part])
        whole = len(rest) - len(rest) % size
        yield from (rest[start : start + size] for start in range(0, whole, size))
        rest = rest[whole:]
    if len(rest):
        yield rest


class Sampler:
    """The steps of each epoch."""

    def __init__(self, sets: Sequence[Rows], settings: TrainingSettings) -> None:
        self._sets = sets
        self._settings = settings
        self._batches = [-(-rows.size // rows.batch_size) for rows in sets]
        turns = {"alternating": max(self._batches) * len(sets), "round_robin": max(self._batches)}
        self._turns = turns.get(settings.sampling, sum(self._batches))

    def __len__(self) -> int:
        """Optimizer steps of an epoch."""
        return -(-self._turns // self._settings.gradient_accumulation_steps)

    def steps(self, epoch: int, *, start: int = 0) -> Iterator[list[Draw]]:
        """The steps of an epoch from number ``start`` on, each a list of micro-batches."""
        size = self._settings.gradient_accumulation_steps
        turns = islice(self._draws(epoch), start * size, None)
        while step := list(islice(turns, size)):
            yield [draw for turn in step for draw in turn]

    def _draws(self, epoch: int) -> Iterator[list[Draw]]:
        """The batches of an epoch; those in one list are drawn together."""
        settings, sets = self._settings, range(len(self._sets))
        generator = np.random.default_rng([settings.seed, 3, epoch])
        streams = [self._endless(index, epoch) for index in sets]
        if settings.sampling == "round_robin":
            for _ in range(self._turns):
                yield [next(stream) for stream in streams]
        elif settings.sampling == "alternating":
            for turn in range(self._turns):
                yield [next(streams[turn % len(streams)])]
        elif settings.sampling == "proportional":
            left = np.asarray(self._batches)
            for total in range(self._turns, 0, -1):  # as if all batches had been put into one bag
                chosen = int(np.searchsorted(np.cumsum(left), generator.integers(total), side="right"))
                left[chosen] -= 1
                yield [next(streams[chosen])]
        else:
            weights = np.asarray([rows.size for rows in self._sets], dtype=float) ** (1 / settings.temperature)
            for _ in range(self._turns):
                yield [next(streams[int(generator.choice(len(weights), p=weights / weights.sum()))])]

    def _endless(self, index: int, epoch: int) -> Iterator[Draw]:
        settings = self._settings
        generator = np.random.default_rng([settings.seed, 3, epoch, index])
        while True:
            yield from one_pass(
                self._sets[index],
                by_length=settings.group_by_length,
                generator=generator,
                data_set=index,
            )
