"""One label out of several for each text, or for each pair of texts."""

from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np

from polyhead.documents import Document, IntArray
from polyhead.kinds.base import Decisions, FloatArray, softmax
from polyhead.kinds.options import Calibrated, RareLabelOptions, SentenceOptions
from polyhead.predictions import Classification, LabelScore


class ClassificationTask(SentenceOptions, RareLabelOptions, Calibrated):
    """Gold: a label name. Logits: one a label."""

    metrics: ClassVar[tuple[str, ...]] = ("accuracy", "f1_macro", "f1_micro", "matthews")

    kind: Literal["classification"] = "classification"

    def labels_of(self, gold: str) -> Sequence[str]:
        """The one label."""
        return (gold,)

    def target(self, gold: str, document: Document) -> IntArray:
        """The label's id. *Shape:* ()."""
        return np.asarray(self.labels.index(gold), dtype=np.int64)

    def decode(self, logits: FloatArray, document: Document) -> Classification:
        """The most probable label; ties go to the label that comes first. *Shape:* (labels,)."""
        probabilities = softmax(logits / self.temperature)
        ranked = np.argsort(-probabilities, kind="stable")
        scores = tuple(LabelScore(self.labels[index], float(probabilities[index])) for index in ranked)
        return Classification(scores[0].label, scores[0].score, scores)

    def decisions(self, logits: FloatArray, gold: str, document: Document) -> Decisions | None:
        """One, if the label is known."""
        return Decisions(logits[None], self.target(gold, document)[None]) if gold in self.labels else None
