"""CoNLL columns: a word a line with its tags, a blank line between sentences."""

from collections.abc import Iterable, Iterator
from typing import Literal

from pydantic import Field

from polyhead.data.readers.base import Record, Source
from polyhead.errors import UserError, shown


class ConllSource(Source):
    """Columns parted by tabs, or by any blanks where a file has no tabs; tasks name their column by its number."""

    format: Literal["conll"] = "conll"
    word_column: int = Field(0, description="the column with the words, from 0")

    def records(self, lines: Iterable[str], name: str, *, first: int = 1) -> Iterator[Record]:
        """A record a sentence; its fields are the columns by number, "-1" the last; ``-DOCSTART-`` is none."""
        rows: list[list[str]] = []
        begin = first
        for number, line in enumerate(lines, start=first):
            content = line.rstrip("\r\n")
            if not content.strip() or content.startswith("-DOCSTART-"):
                if rows:
                    yield self._record(rows, f"{name}:{begin}")
                rows = []
                continue
            cells = content.split("\t") if "\t" in content else content.split()
            if rows and len(cells) != len(rows[0]):
                wanted = f"{len(rows[0])} columns like the lines above"
                raise UserError(f"{name}:{number}: must have {wanted}, found {len(cells)}: {shown(content)}")
            if len(cells) < 2:
                raise UserError(f"{name}:{number}: must have a word and a tag, found {shown(content)}")
            begin = begin if rows else number
            rows.append(cells)
        if rows:
            yield self._record(rows, f"{name}:{begin}")

    def _record(self, rows: list[list[str]], place: str) -> Record:
        columns = [list(column) for column in zip(*rows, strict=True)]
        if not -len(columns) <= self.word_column < len(columns):
            raise UserError(f"{place}: word_column {self.word_column} is not among the {len(columns)} columns")
        fields = {str(index): column for index, column in enumerate(columns)} | {"-1": columns[-1]}
        return Record(fields, place, columns[self.word_column])
