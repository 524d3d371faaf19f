"""One number in a stated range for each text, or for each pair of texts."""

from typing import ClassVar, Literal

import numpy as np

from polyhead.documents import Document
from polyhead.kinds.base import FloatArray
from polyhead.kinds.numbers import NumberTask
from polyhead.kinds.options import SentenceOptions
from polyhead.predictions import Regression


class RegressionTask(SentenceOptions, NumberTask):
    """Gold: a number. Logits: one, as a share of the range."""

    metrics: ClassVar[tuple[str, ...]] = ("spearman", "pearson", "mae")

    kind: Literal["regression"] = "regression"

    def decode(self, logits: FloatArray, document: Document) -> Regression:
        """The number, held inside of its range. *Shape:* (1,)."""
        low, high = self.range
        return Regression(float(low + (high - low) * np.clip(logits[0], 0, 1)))
