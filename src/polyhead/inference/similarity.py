"""Similarity of embeddings, by the function that the model was made for."""

from collections.abc import Callable

import numpy as np

from polyhead.errors import UserError, shown
from polyhead.kinds.base import FloatArray

FUNCTIONS = ("cosine", "dot", "euclidean", "manhattan")


def similarity(left: FloatArray, right: FloatArray, function: str = "cosine") -> FloatArray:
    """*Shapes:* (a, width), (b, width) → (a, b). Distances are negative, so that greater is always closer.

    Raises:
        UserError: no such function.
    """
    left, right = np.atleast_2d(np.asarray(left, np.float32)), np.atleast_2d(np.asarray(right, np.float32))
    if function == "cosine":
        return _unit(left) @ _unit(right).T
    if function == "dot":
        return left @ right.T
    if function == "euclidean":
        return _rows(left, right, lambda difference: np.sqrt((difference**2).sum(1)))
    if function == "manhattan":
        return _rows(left, right, lambda difference: np.abs(difference).sum(1))
    raise UserError(f"similarity: must be one of {', '.join(FUNCTIONS)}; found {shown(function)}")


def _rows(left: FloatArray, right: FloatArray, norm: Callable[[FloatArray], FloatArray]) -> FloatArray:
    """Minus the norms of all differences, a row at a time, which is exact and takes little memory."""
    result = np.zeros((len(left), len(right)), dtype=np.float32)
    for index, row in enumerate(left):
        result[index] = -norm(row - right)
    return result


def _unit(vectors: FloatArray) -> FloatArray:
    unit: FloatArray = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return unit
