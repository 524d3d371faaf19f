"""Embeddings that ``polyhead encode`` wrote, read again."""

from pathlib import Path

import numpy as np

from polyhead.data.vectors import read_npy
from polyhead.errors import UserError, shown
from polyhead.kinds.base import FloatArray

COLUMN = "embedding"


def read_embeddings(path: Path) -> FloatArray:
    """The matrix in a ``.npy`` file, or in the column ``embedding`` of a Parquet file. *Shape:* (texts, width).

    Raises:
        UserError: another ending, no such column, or a file that cannot be read.
    """
    if path.suffix == ".npy":
        return read_npy(path)
    if path.suffix != ".parquet":
        raise UserError(f"{path}: embeddings are read from .npy or .parquet, as polyhead encode --output writes them")
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        column = pq.read_table(path, columns=[COLUMN])[COLUMN]
        matrix = np.stack(column.to_numpy()) if len(column) else np.zeros((0, 0))
    except (OSError, pa.ArrowException, KeyError, ValueError) as error:
        raise UserError(f"{path}: no readable column {COLUMN} ({shown(str(error), 100)})") from None
    return np.asarray(matrix, dtype=np.float32)
