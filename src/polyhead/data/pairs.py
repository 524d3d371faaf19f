"""Pairs of sentences whose likeness is known: read from a CSV file, or from JSONL."""

import csv
import io
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from polyhead.errors import UserError, shown

KEYS = ("sentence1", "sentence2", "score")
"""Their names in JSONL."""


class Pairs(NamedTuple):
    """First and second sentences, and how like they are; greater is more alike. *Shape* of ``scores``: (pairs,)."""

    left: list[str]
    right: list[str]
    scores: NDArray[np.float64]


def read_pairs(path: Path) -> Pairs:
    """Two sentences and a score a row of a CSV file, with a header or without; or of JSONL, by the names in ``KEYS``.

    Raises:
        UserError: the file cannot be read, or a row has not both sentences and a number.
    """
    left, right, scores = list[str](), list[str](), list[float]()
    for where, row in _rows(path):
        try:
            one, other, score = row
            value = float(score)
            if not (isinstance(one, str) and isinstance(other, str) and math.isfinite(value)):
                raise ValueError
        except (ValueError, TypeError):
            named = f" as {', '.join(KEYS)}" if path.suffix == ".jsonl" else ""
            raise UserError(f"{where}: must be two sentences and a score{named}, found {shown(row)}") from None
        left.append(one)
        right.append(other)
        scores.append(value)
    if len(set(scores)) < 2:
        raise UserError(f"{path}: must hold at least two pairs of sentences with different scores")
    return Pairs(left, right, np.asarray(scores))


def _rows(path: Path) -> Iterator[tuple[str, list[Any]]]:
    """Rows that are not blank, each with its place, without a header."""
    try:
        lines = path.read_bytes().splitlines(keepends=True) if path.suffix == ".jsonl" else [path.read_bytes()]
    except OSError as error:
        raise UserError(f"{path}: cannot be read as pairs ({error.strerror or error})") from None
    for number, line in enumerate(lines, 1):
        try:
            text = line.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            place = number + line[: error.start].count(b"\n")
            raise UserError(f"{path}:{place}: must be UTF-8, found byte {line[error.start]:#04x}") from None
        if path.suffix != ".jsonl":
            yield from _csv_rows(path, text)
        elif text.strip():
            try:
                row = json.loads(text)
            except ValueError:
                row = None
            if not isinstance(row, dict):
                raise UserError(f"{path}:{number}: must be a JSON object, found {shown(text.strip())}")
            yield f"{path}:{number}", [row.get(key) for key in KEYS]


def _csv_rows(path: Path, text: str) -> Iterator[tuple[str, list[Any]]]:
    reader = csv.reader(io.StringIO(text, newline=""))
    before = 0
    try:
        for row in reader:
            where, first, before = f"{path}:{before + 1}", before == 0, reader.line_num
            if row and not (first and _is_header(row[:3])):
                yield where, row[:3]
    except csv.Error as error:
        raise UserError(f"{path}:{reader.line_num}: cannot be read as CSV ({shown(str(error), 80)})") from None


def _is_header(row: list[str]) -> bool:
    """Whether a row has names of columns: three cells, each one word, the last of them no number."""
    try:
        float(row[-1])
    except ValueError:
        return len(row) == 3 and all(len(cell.split()) == 1 for cell in row)
    return False
