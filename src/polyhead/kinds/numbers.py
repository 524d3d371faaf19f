"""What tasks share whose answer is a number in a stated range."""

from typing import Any

import numpy as np
from pydantic import Field, field_validator

from polyhead.documents import Document
from polyhead.kinds.base import IGNORED, FloatArray, Task


class NumberTask(Task):
    """Gold: a number. Heads and losses see it as a share of the range, from 0 to 1."""

    has_labels = False

    range: tuple[float, float] = Field(description="the lowest and the highest value; a value beyond them is a fault")

    @field_validator("range")
    @classmethod
    def _is_a_range(cls, bounds: tuple[float, float]) -> tuple[float, float]:
        if not (np.isfinite(bounds).all() and bounds[0] < bounds[1]):
            raise ValueError("range must be two numbers, the lower first")
        return bounds

    @property
    def outputs(self) -> tuple[str, ...]:
        """One number."""
        return ("value",)

    def target(self, gold: float, document: Document) -> FloatArray:
        """The share of the range. *Shape:* ()."""
        low, high = self.range
        return np.asarray((gold - low) / (high - low), dtype=np.float32)

    def missing_target(self, document: Document) -> FloatArray:
        """The target of a row without a number. *Shape:* ()."""
        return np.asarray(IGNORED, dtype=np.float32)

    def fault_of(self, gold: Any) -> str | None:
        """What is wrong with a value that a row gives, if anything."""
        low, high = self.range
        return None if low <= gold <= high else f"must be in the range {low:g} to {high:g}"
