"""Pairs of sentences whose likeness is known: read from a CSV file, or from JSONL."""

import csv
import json
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from polyhead.errors import UserError, shown


class Pairs(NamedTuple):
    """First and second sentences, and how like they are; greater is more alike. *Shape* of ``scores``: (pairs,)."""

    left: list[str]
    right: list[str]
    scores: NDArray[np.float64]


def read_pairs(path: Path) -> Pairs:
    """Two sentences and a score from each row of a CSV file, with a header or without, or from each object of JSONL.

    Raises:
        UserError: the file cannot be read, or a row has not both sentences and a number.
    """
    left, right, scores = list[str](), list[str](), list[float]()
    try:
        with open(path, encoding="utf-8", newline="") as file:
            if path.suffix == ".jsonl":
                rows = [[row.get(key) for key in ("sentence1", "sentence2", "score")] for row in map(json.loads, file)]
            else:
                rows = [row[:3] for row in csv.reader(file)]
    except (OSError, ValueError, AttributeError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read as pairs ({shown(str(error), 80)})") from None
    for number, row in enumerate(rows, 1):
        if not row:  # a blank line
            continue
        try:
            one, other, score = row
            value = float(score)
            if not (isinstance(one, str) and isinstance(other, str) and math.isfinite(value)):
                raise ValueError
        except (ValueError, TypeError):
            if number == 1 and path.suffix != ".jsonl" and _is_header(row):
                continue
            raise UserError(f"{path}:{number}: must be two sentences and a score, found {shown(row)}") from None
        left.append(one)
        right.append(other)
        scores.append(value)
    if len(set(scores)) < 2:
        raise UserError(f"{path}: must hold at least two pairs of sentences with different scores")
    return Pairs(left, right, np.asarray(scores))


def _is_header(row: list[str]) -> bool:
    """Whether a row has names of columns: three cells, each one word."""
    return len(row) == 3 and all(cell.strip() and " " not in cell.strip() for cell in row)
