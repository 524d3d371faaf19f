"""CSV and TSV, with and without a header."""

import csv
from collections.abc import Iterator
from typing import Literal, TextIO

from pydantic import Field

from polyhead.data.readers.base import Record, Source
from polyhead.errors import UserError, shown

csv.field_size_limit(2**31 - 1)


class CsvSource(Source):
    """Fields by the header's names, or by ``columns``, which says that there is no header."""

    format: Literal["csv", "tsv"] = "csv"
    columns: tuple[str, ...] | None = Field(None, min_length=1, description="column names of a file without a header")
    delimiter: str | None = Field(None, min_length=1, max_length=1, description="comma, or tab for tsv, if left out")

    def records(self, file: TextIO, name: str) -> Iterator[Record]:
        """A record a row; rows of another width than the header's are refused."""
        delimiter = self.delimiter or ("\t" if self.format == "tsv" else ",")
        quoting: Literal[0, 3] = csv.QUOTE_NONE if self.format == "tsv" else csv.QUOTE_MINIMAL
        rows = csv.reader(file, delimiter=delimiter, quoting=quoting, strict=True)
        header = list(self.columns) if self.columns else None
        if header:
            _check_names(header, name)
        line = 1  # where the row begins: cells may hold line breaks
        try:
            for row in rows:
                place, line = f"{name}:{line}", rows.line_num + 1
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


def _check_names(header: list[str], place: str) -> None:
    twice = [column for column in header if header.count(column) > 1]
    if twice:
        raise UserError(f"{place}: columns must have different names, found {shown(twice[0])} twice")
