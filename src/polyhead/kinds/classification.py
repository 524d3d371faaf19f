"""One label out of several for each text."""

from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from polyhead.documents import Document, IntArray
from polyhead.kinds.base import FloatArray, Task, softmax
from polyhead.predictions import Classification, LabelScore


class ClassificationTask(Task):
    """Gold: a label name. Logits: one a label."""

    level: ClassVar[Literal["sentence", "token"]] = "sentence"
    metrics: ClassVar[tuple[str, ...]] = ("accuracy", "f1_macro", "f1_micro", "matthews")

    kind: Literal["classification"] = "classification"
    input: Literal["pooled", "embedding"] = Field(
        "pooled", description="what the head reads: the pooled vector before the projection, or the embedding after it"
    )

    @property
    def outputs(self) -> tuple[str, ...]:
        """The labels."""
        return self.labels

    def labels_of(self, gold: str) -> Sequence[str]:
        """The one label."""
        return (gold,)

    def target(self, gold: str, document: Document) -> IntArray:
        """The label's id. *Shape:* ()."""
        return np.asarray(self.labels.index(gold), dtype=np.int64)

    def decode(self, logits: FloatArray, document: Document) -> Classification:
        """The most probable label; ties go to the label that comes first."""
        probabilities = softmax(logits)
        ranked = np.argsort(-probabilities, kind="stable")
        scores = tuple(LabelScore(self.labels[index], float(probabilities[index])) for index in ranked)
        return Classification(scores[0].label, scores[0].score, scores)
