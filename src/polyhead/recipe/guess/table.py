"""How a table of text is written: what parts its cells, and whether its first line names the columns."""

import csv
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple

from polyhead.data.lines import Lines, open_binary
from polyhead.errors import UserError, shown
from polyhead.recipe.guess.base import Choose, Form, Reasoned
from polyhead.recipe.guess.columns import column
from polyhead.recipe.guess.names import LABEL, TEXT, hints, is_id

_ROWS = 200
_LINES = 20_000  # a quotation mark that is never closed must not lead through all of a file
_NAMES = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}


class Dialect(NamedTuple):
    """A way to write tables; tsv knows no quotation marks."""

    format: str
    delimiter: str


_CSV = [Dialect("csv", ","), Dialect("csv", ";"), Dialect("csv", "\t"), Dialect("csv", "|"), Dialect("tsv", "\t")]
_TSV = [Dialect("tsv", "\t"), *_CSV[:2], _CSV[3]]


def guess_table(path: Path, choose: Choose, *, tabs: bool) -> Form:
    """The format with its ``delimiter`` and ``columns``, as far as the recipe must say them.

    Raises:
        UserError: the file has no rows, or is not UTF-8.
    """
    dialect, rows = _dialect(path, _TSV if tabs else _CSV)
    if not rows:
        raise UserError(f"{path}: the file has no rows")
    part = _NAMES[dialect.delimiter]
    parted = f"{part} parts each of its first {len(rows):,} rows into {len(rows[0])} cells"
    why = f"the name ends in {path.suffix}" if path.suffix else "lines with tabs"
    layout = {}
    if dialect.delimiter != {"csv": ",", "tsv": "\t"}[dialect.format]:
        layout["delimiter"] = Reasoned(dialect.delimiter, parted)
    header = _header(path, rows, choose)
    if not header.value:
        names = [f"column_{number}" for number in range(1, len(rows[0]) + 1)]
        layout["columns"] = Reasoned(names, f"{header.why}; these are the columns' numbers, name them as you like")
        return Form(Reasoned(dialect.format, why), layout)
    return Form(Reasoned(dialect.format, f"{why}; {header.why}"), layout)


def _dialect(path: Path, candidates: Sequence[Dialect]) -> tuple[Dialect, list[list[str]]]:
    """The first dialect in which all rows have the same number of cells, two or more; else the usual one."""
    found = [(dialect, rows) for dialect in candidates if (rows := _rows(path, dialect))]
    regular = [(dialect, rows) for dialect, rows in found if len(rows[0]) > 1 and len(set(map(len, rows))) == 1]
    if regular and regular[0][0].format == "tsv" and _quoted(regular[0][1]):  # a tsv file with quotation marks is csv
        quoted = Dialect("csv", "\t")
        rows = _rows(path, quoted)
        if rows and len(set(map(len, rows))) == 1:
            return quoted, rows
    others = {each.delimiter for each in candidates}
    clean = [
        (dialect, rows) for dialect, rows in regular if not any(set(cell) & others for cell in rows[0])
    ]  # a first row whose cells hold other delimiters may be cut at the wrong ones
    if regular:
        return (clean or regular)[0]
    usual = candidates[0]
    return usual, _rows(path, usual) or _plain_rows(path, usual)


def _rows(path: Path, dialect: Dialect) -> list[list[str]]:
    """The first rows; none if the file cannot be read in this dialect."""
    quoting: Literal[0, 3] = csv.QUOTE_NONE if dialect.format == "tsv" else csv.QUOTE_MINIMAL
    with open_binary(path) as file:
        lines = islice(Lines(file, str(path)), _LINES)
        reader = csv.reader(lines, delimiter=dialect.delimiter, quoting=quoting, strict=True)
        try:
            return list(islice((row for row in reader if row), _ROWS))
        except csv.Error:
            return []


def _plain_rows(path: Path, dialect: Dialect) -> list[list[str]]:
    """The first rows without regard to quotation marks, for files that are wrong; the reader says where."""
    with open_binary(path) as file:
        lines = islice(Lines(file, str(path)), _ROWS)
        return [line.rstrip("\r\n").split(dialect.delimiter) for line in lines if line.strip()]


def _quoted(rows: Sequence[Sequence[str]]) -> bool:
    """Whether in some column most cells stand in quotation marks."""
    columns = zip(*rows, strict=True)
    return any(2 * sum(len(cell) > 1 and cell[0] == cell[-1] == '"' for cell in cells) > len(rows) for cells in columns)


def _header(path: Path, rows: Sequence[Sequence[str]], choose: Choose) -> Reasoned:
    """Whether the first row names the columns."""
    first, rest = [cell.strip() for cell in rows[0]], rows[1:]
    named = f"the first line names the columns ({shown(', '.join(first), 80)})"
    if len(set(first)) < len(first):
        return Reasoned(False, "the first line names no columns: some of its cells are alike")
    known = [name for name in first if len(name.split()) <= 3 and (hints(name, TEXT | LABEL) or is_id(name))]
    votes = 2 * bool(known and max(map(len, first)) < 40)
    if len({len(row) for row in rows}) == 1:
        votes += sum(_vote(name, [row[index] for row in rest]) for index, name in enumerate(first) if rest)
    if votes > 0:
        return Reasoned(True, named)
    if votes < 0:
        return Reasoned(False, f"the first line is like those below it ({shown(', '.join(first), 80)})")
    short = all(len(name) <= 40 and len(name.split()) <= 3 for name in first)
    options = (True, False) if short else (False, True)
    words = {True: "yes, it names the columns", False: "no, it is the first row"}
    question = f"{path}: is its first line a header? {shown(', '.join(first), 120)}"
    header = options[choose(question, [words[option] for option in options])]
    return Reasoned(header, named if header else "the first line does not look like names of columns")


def _vote(name: str, cells: Sequence[str]) -> int:
    """What one column says: above 0 if its first cell is unlike those below it."""
    below, own = column("", cells), column("", [name])
    if not below.values:
        return 0
    if below.shape == "number":
        return -2 if own.shape == "number" else 2
    if name in below.counts:
        return -2 if below.few else -1
    if below.few and below.distinct <= 20:
        return 1
    length = sum(map(len, cells)) / len(cells)
    if own.words <= 3 and 3 * len(name) < length:
        return 1
    return -1 if own.words > 3 and 2 * len(name) > length else 0
