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
        rows = csv.reader(file, delimiter=delimiter, quoting=quoting)
        header = list(self.columns) if self.columns else None
        try:
            for row in rows:
                if not row:
                    continue
                if header is None:
                    header = [cell.strip() for cell in row]
                    continue
                if len(row) != len(header):
                    wanted = f"{len(header)} columns ({', '.join(header)})"
                    raise UserError(f"{name}:{rows.line_num}: must have {wanted}, found {len(row)}: {shown(row)}")
                yield Record(dict(zip(header, row, strict=True)), f"{name}:{rows.line_num}")
        except csv.Error as error:
            raise UserError(f"{name}:{rows.line_num}: no readable {self.format} ({shown(str(error))})") from None
