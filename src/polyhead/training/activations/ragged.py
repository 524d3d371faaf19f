"""Rows of different lengths in one flat tensor, and padded batches of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Ragged:
    """*Shapes:* ``values`` (all rows' lengths, …); ``starts`` and ``lengths`` (rows,), int64."""

    values: Tensor
    starts: Tensor
    lengths: Tensor

    @classmethod
    def of(cls, rows: Sequence[NDArray[Any]]) -> "Ragged":
        """The rows one after the other."""
        flat = np.concatenate(rows) if rows else np.empty(0, dtype=np.int64)
        return cls.by_lengths(torch.from_numpy(flat), torch.tensor([len(row) for row in rows], dtype=torch.int64))

    @classmethod
    def by_lengths(cls, values: Tensor, lengths: Tensor) -> "Ragged":
        """Flat values, cut into rows of these lengths."""
        return cls(values, lengths.cumsum(0) - lengths, lengths)

    def padded(self, rows: Tensor, width: int, fill: int | None = None) -> Tensor:
        """Rows side by side, on the right filled with ``fill``, or with whatever is there.

        *Shape:* (rows,) → (rows, width, …).
        """
        steps = torch.arange(width)
        index = (self.starts[rows, None] + steps).clamp_(max=max(0, len(self.values) - 1))
        found: Tensor = self.values.index_select(0, index.flatten()).view(*index.shape, *self.values.shape[1:])
        if fill is not None:
            found.masked_fill_(steps >= self.lengths[rows, None], fill)
        return found
