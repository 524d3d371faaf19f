"""Rows that stay in their files: one pass finds where they are, after that they are read by blocks, as they are needed.

Memory holds the place of each block and the blocks that were used last, whatever the files' size.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple, overload

from polyhead.data.example import Example
from polyhead.data.faults import FaultLog
from polyhead.data.lines import Lines, Place, open_binary
from polyhead.data.readers import Record, Source
from polyhead.errors import UserError

_BLOCK = 256
"""Rows that are read together."""
_WINDOW = 128
"""Blocks that are shuffled together: 32,768 rows from all over the files."""
_KEPT = _WINDOW + 32

Parse = Callable[[Iterable[Record], FaultLog], Iterator[Example]]


class _Start(NamedTuple):
    """Where a block begins."""

    file: int
    place: Place


class StreamedExamples(Sequence[Example]):
    """The rows of a source's files, by number; to go through them from the first to the last holds one at a time."""

    block = _BLOCK
    window = _WINDOW

    def __init__(self, source: Source, parse: Parse, *, root: Path, log: FaultLog) -> None:
        """Find the rows. Faults and oddities go to ``log``.

        Raises:
            UserError: a file is missing, empty, not UTF-8 or not of its format.
        """
        self._source = source
        self._parse = parse
        self._paths = [root / name for name in source.path]
        self._headings: list[list[str]] = []
        self._starts: list[_Start] = []
        self._blocks: OrderedDict[int, list[Example]] = OrderedDict()
        self._rows = 0
        labelled: set[str] = set()
        for file, path in enumerate(self._paths):
            before = self._rows
            with open_binary(path) as handle:
                self._headings.append(source.heading(Lines(handle, source.path[file])))
            for example, start in self._located(file, Place(), log):
                if self._rows % _BLOCK == 0:
                    self._starts.append(_Start(file, start))
                self._rows += 1
                labelled.update(example.labels)
            log.stop()
            if self._rows == before:
                raise UserError(f"{path}: the file has no rows")
        self.labelled = frozenset(labelled)
        """The tasks of which some row has a label."""

    def __len__(self) -> int:
        return self._rows

    def __iter__(self) -> Iterator[Example]:
        return self._from(_Start(0, Place()))

    @overload
    def __getitem__(self, index: int) -> Example: ...

    @overload
    def __getitem__(self, index: slice) -> list[Example]: ...

    def __getitem__(self, index: int | slice) -> Example | list[Example]:
        """A row by its number.

        Raises:
            UserError: the file was changed since it was opened.
        """
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        number = index + self._rows if index < 0 else index
        if not 0 <= number < self._rows:
            raise IndexError(index)
        block, row = divmod(number, _BLOCK)
        return self._block(block)[row]

    def _block(self, number: int) -> list[Example]:
        if number not in self._blocks:
            start = self._starts[number]
            found = list(islice(self._from(start), _BLOCK))
            if len(found) != min(_BLOCK, self._rows - number * _BLOCK):
                raise UserError(f"{self._paths[start.file]}: has fewer rows than before; it was changed while in use")
            self._blocks[number] = found
            if len(self._blocks) > _KEPT:
                self._blocks.popitem(last=False)
        self._blocks.move_to_end(number)
        return self._blocks[number]

    def _from(self, start: _Start) -> Iterator[Example]:
        """All rows from a place on."""
        log = FaultLog()  # what it would say was said when the rows were found
        for file in range(start.file, len(self._paths)):
            place = start.place if file == start.file else Place()
            for example, _ in self._located(file, place, log):
                log.stop()
                yield example

    def _located(self, file: int, start: Place, log: FaultLog) -> Iterator[tuple[Example, Place]]:
        """The rows of a file from a place on, each with the place where it, or rows before it that are none, begins."""
        name, heading = self._source.path[file], self._headings[file]
        begins = start.line == 1
        with open_binary(self._paths[file]) as handle:
            lines = Lines(handle, name, start)
            repeated = [] if begins else heading
            first = 1 if begins else start.line - len(heading)
            before = start
            for example in self._parse(self._source.records(chain(repeated, lines), name, first=first), log):
                yield example, before
                before = lines.next
