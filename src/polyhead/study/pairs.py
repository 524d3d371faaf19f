"""Pairs of sentences whose likeness is known: how well the embedding's cosines follow it."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from polyhead.api import Polyhead
from polyhead.errors import UserError, shown


def read_pairs(path: Path) -> tuple[list[str], list[str], list[float]]:
    """Two sentences and a score from each row of a CSV file, with a header or without, or from each object of JSONL.

    Raises:
        UserError: the file cannot be read, or a row has not both sentences and a number.
    """
    found: tuple[list[str], list[str], list[float]] = ([], [], [])
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
            left, right, score = row
            value = float(score)
        except (ValueError, TypeError):
            if number == 1 and path.suffix != ".jsonl":
                continue  # a header
            raise UserError(f"{path}:{number}: must be two sentences and a score, found {shown(row)}") from None
        found[0].append(str(left))
        found[1].append(str(right))
        found[2].append(value)
    if len(found[0]) < 2:
        raise UserError(f"{path}: must hold at least two pairs of sentences with a score")
    return found


def spearman(model: Polyhead, left: Sequence[str], right: Sequence[str], gold: Sequence[float]) -> float:
    """Spearman's correlation of the embeddings' cosines with ``gold``."""
    one, other = (np.asarray(model.encode(list(each), normalize_embeddings=True)) for each in (left, right))
    return float(spearmanr((one * other).sum(axis=1), gold).statistic)
