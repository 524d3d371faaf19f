"""Embeddings in fewer bits: int8 and uint8 in 256 steps of each dimension's range, binary by sign, eight to a byte."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from polyhead.errors import UserError, shown
from polyhead.kinds.base import FloatArray

Precision = Literal["float32", "int8", "uint8", "binary", "ubinary"]


def quantize(embeddings: FloatArray, precision: Precision) -> NDArray[np.generic]:
    """The same as ``sentence_transformers.quantize_embeddings``. *Shape:* (texts, width) → (texts, width or width / 8).

    Raises:
        UserError: no such precision, or int8 of a single text, which has no range.
    """
    if precision == "float32":
        return embeddings
    if precision in ("binary", "ubinary"):
        packed = np.packbits(embeddings > 0, axis=-1)
        return packed if precision == "ubinary" else (packed.astype(np.int16) - 128).astype(np.int8)
    if precision not in ("int8", "uint8"):
        raise UserError(f"precision: must be float32, int8, uint8, binary or ubinary; found {shown(precision)}")
    if not len(embeddings):
        return embeddings.astype(precision)
    if len(embeddings) < 2:
        raise UserError(f"precision: {precision} takes each dimension's range from the texts; give more than one")
    low, high = embeddings.min(axis=0), embeddings.max(axis=0)
    step = (high - low) / 255
    steps: FloatArray = np.clip(np.floor((embeddings - low) / np.where(step == 0, 1, step)), 0, 255)
    return steps.astype(np.uint8) if precision == "uint8" else (steps - 128).astype(np.int8)
