"""Texts that belong together: an anchor, its positive, and negatives if there are any; taught by ranking."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from polyhead.documents import Document, IntArray
from polyhead.kinds.base import FloatArray, Level, Task
from polyhead.predictions import Similarity


class PairsTask(Task):
    """Gold: how many texts the row has. Logits: their embeddings, of length 1. The head has no weights."""

    metrics: ClassVar[tuple[str, ...]] = ("mrr", "accuracy_at_1", "accuracy_at_3", "accuracy_at_10")
    has_labels = False

    kind: Literal["pairs"] = "pairs"
    scale: float = Field(20.0, gt=0, description="what cosines are multiplied with before the softmax")
    mini_batch_size: int | None = Field(
        None,
        ge=1,
        description="rows that pass through the encoder together: with it batches of any size fit into memory, at "
        "the cost of a second forward pass (gradient caching)",
    )

    @property
    def level(self) -> Level:
        """Two texts or more."""
        return "pair"

    @property
    def outputs(self) -> tuple[str, ...]:
        """A row's texts; the embeddings are as wide as the encoder's."""
        return ("anchor", "positive")

    def target(self, gold: int, document: Document) -> IntArray:
        """How many texts the row has. *Shape:* ()."""
        return np.asarray(gold, dtype=np.int64)

    def decode(self, logits: FloatArray, document: Document) -> Similarity:
        """The cosine of anchor and positive. *Shape:* (texts, width)."""
        return Similarity(float(logits[0] @ logits[1]))
