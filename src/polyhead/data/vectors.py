"""Embeddings that were computed earlier, row by row beside the labels of their texts."""

from pathlib import Path

import numpy as np

from polyhead.data.readers import Record
from polyhead.errors import UserError, shown
from polyhead.kinds.base import FloatArray


def read_npy(path: Path) -> FloatArray:
    """The matrix in a ``.npy`` file, left on the disk until it is used. *Shape:* (texts, width).

    Raises:
        UserError: it is missing, no such file, or something else is in it.
    """
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; paths are relative to the recipe's folder or to --data-root") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: no readable .npy file ({shown(str(error), 100)})") from None
    if not isinstance(found, np.ndarray) or found.ndim != 2 or not np.issubdtype(found.dtype, np.floating):
        raise UserError(f"{path}: must hold floating-point numbers of shape (texts, width), found {_described(found)}")
    matrix: FloatArray = found
    return matrix


class Vectors:
    """The rows' embeddings, from a ``.npy`` file or from a field; ``of`` is asked once for each row, in order."""

    def __init__(self, source: str, root: Path) -> None:
        self._name = source
        self._matrix = read_npy(root / source) if source.endswith(".npy") else None
        self._row = 0

    def of(self, record: Record) -> FloatArray:
        """The next row's. *Shape:* (width,).

        Raises:
            UserError: there is none, or it is no list of finite numbers.
        """
        self._row += 1
        if self._matrix is None:
            given = record.fields.get(self._name)
        elif self._row <= len(self._matrix):
            given = self._matrix[self._row - 1]
        else:
            raise UserError(f"{record.place}: {self._name} has only {len(self._matrix):,} rows, this file has more")
        try:
            vector = np.asarray(given, dtype=np.float32)
        except (TypeError, ValueError):
            vector = np.zeros(0, dtype=np.float32)
        if vector.ndim != 1 or not len(vector) or not np.isfinite(vector).all():
            raise UserError(
                f"{record.place}: {self._name} must hold an embedding of finite numbers, found {shown(given)}"
            )
        return vector

    def finish(self) -> None:
        """Every row of the file must have been asked for.

        Raises:
            UserError: some were not.
        """
        if self._matrix is not None and self._row < len(self._matrix):
            raise UserError(f"{self._name}: has {len(self._matrix):,} rows, but the data has only {self._row:,}")


def _described(value: object) -> str:
    return f"{value.dtype} of shape {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__
