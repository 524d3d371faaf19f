"""Parallel files, as JointBERT and its kin read them: a folder with ``seq.in``, ``seq.out`` and ``label``."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import zip_longest
from pathlib import Path
from typing import ClassVar, Literal

from polyhead.data.lines import Lines, open_binary
from polyhead.data.readers.base import Record, Source
from polyhead.errors import UserError, shown

_FILES = ("seq.in", "seq.out", "label")


class ParallelSource(Source):
    """Line n of each file belongs to row n: words, their tags (the field ``tags``), the class (the field ``label``)."""

    format: Literal["parallel"] = "parallel"
    streams: ClassVar[bool] = False

    def records(self, lines: Iterable[str], name: str, *, first: int = 1) -> Iterator[Record]:
        """A folder is no lines: see ``read``."""
        raise NotImplementedError

    def read(self, path: Path, name: str) -> Iterator[Record]:
        """A record a line of the three files.

        Raises:
            UserError: a file is missing, they differ in length, or a row has more words than tags.
        """
        with ExitStack() as stack:
            files = [Lines(stack.enter_context(open_binary(path / each)), f"{name}/{each}") for each in _FILES]
            for number, row in enumerate(zip_longest(*files), start=1):
                place = f"{name}/seq.in:{number}"
                if None in row:
                    raise UserError(f"{place}: {_FILES[row.index(None)]} has only {number - 1} lines, others have more")
                words, tags, label = row[0].split(), row[1].split(), row[2].strip()
                if len(words) != len(tags):
                    raise UserError(
                        f"{place}: must have as many words as seq.out has tags, found {len(words)} and {len(tags)}:"
                        f" {shown(row[0].strip())}"
                    )
                yield Record({"tags": tags, "label": label}, place, words)
