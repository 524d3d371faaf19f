"""CSV and TSV, with and without a header."""

import csv
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from polyhead.data.readers.base import Record, Source
from polyhead.errors import UserError, shown

if TYPE_CHECKING:
    from _csv import Reader

csv.field_size_limit(2**31 - 1)


class CsvSource(Source):
    """Fields by the header's names, or by ``columns``, which says that there is no header."""

    format: Literal["csv", "tsv"] = "csv"
    columns: tuple[str, ...] | None = Field(None, min_length=1, description="column names of a file without a header")
    delimiter: str | None = Field(None, min_length=1, max_length=1, description="comma, or tab for tsv, if left out")

    def records(self, lines: Iterable[str], name: str, *, first: int = 1) -> Iterator[Record]:
        """A record a row; rows of another width than the header's are refused."""
        rows = self._rows(lines)
        header = list(self.columns) if self.columns else None
        if header:
            _check_names(header, name)
        line = first  # where the row begins: cells may hold line breaks
        try:
            for row in rows:
                place, line = f"{name}:{line}", rows.line_num + first
                if not row:
                    continue
                if header is None:
                    header = [cell.strip() for cell in row]
                    _check_names(header, place)
                    continue
                if len(row) != len(header):
                    wanted = f"{len(header)} columns ({', '.join(header)})"
                    raise UserError(f"{place}: must have {wanted}, found {len(row)}: {shown(row)}")
                yield Record(dict(zip(header, row, strict=True)), place)
        except csv.Error as error:
            raise UserError(f"{name}:{line}: no readable {self.format} ({shown(str(error))})") from None

    def heading(self, lines: Iterable[str]) -> list[str]:
        """The header's lines, unless ``columns`` stand for it."""
        if self.columns:
            return []
        kept: list[str] = []

        def keep() -> Iterator[str]:
            for line in lines:
                kept.append(line)
                yield line

        try:
            next((row for row in self._rows(keep()) if row), None)
        except csv.Error:
            return []  # which ``records`` will say with its line
        return kept

    def _rows(self, lines: Iterable[str]) -> "Reader":
        delimiter = self.delimiter or ("\t" if self.format == "tsv" else ",")
        quoting: Literal[0, 3] = csv.QUOTE_NONE if self.format == "tsv" else csv.QUOTE_MINIMAL
        return csv.reader(lines, delimiter=delimiter, quoting=quoting, strict=True)


def _check_names(header: list[str], place: str) -> None:
    twice = [column for column in header if header.count(column) > 1]
    if twice:
        raise UserError(f"{place}: columns must have different names, found {shown(twice[0])} twice")
