"""Pairs of sentences whose likeness is known: read from a CSV file, or from JSONL."""

import csv
import json
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
        try:
            one, other, score = row
            value = float(score)
        except (ValueError, TypeError):
            if number == 1 and path.suffix != ".jsonl":
                continue  # a header
            raise UserError(f"{path}:{number}: must be two sentences and a score, found {shown(row)}") from None
        left.append(str(one))
        right.append(str(other))
        scores.append(value)
    if len(left) < 2:
        raise UserError(f"{path}: must hold at least two pairs of sentences with a score")
    return Pairs(left, right, np.asarray(scores))
