"""Similarity of embeddings, by the function that the model was made for."""

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
        squares = (left**2).sum(1)[:, None] + (right**2).sum(1) - 2 * left @ right.T
        distance: FloatArray = -np.sqrt(np.maximum(squares, 0))
        return distance
    if function == "manhattan":
        return -np.stack([np.abs(row - right).sum(1) for row in left])
    raise UserError(f"similarity: must be one of {', '.join(FUNCTIONS)}; found {shown(function)}")


def _unit(vectors: FloatArray) -> FloatArray:
    unit: FloatArray = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return unit
