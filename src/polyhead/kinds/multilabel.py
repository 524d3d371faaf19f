"""Any number of labels for each text, or for each pair of texts."""

from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from polyhead.documents import Document, IntArray
from polyhead.kinds.base import IGNORED, Decisions, FloatArray
from polyhead.kinds.options import Calibrated, RareLabelOptions, SentenceOptions
from polyhead.predictions import LabelScore, Multilabel

Gold = Sequence[str]


class MultilabelTask(SentenceOptions, RareLabelOptions, Calibrated):
    """Gold: a list of label names, which may be empty. Logits: one a label, each decided by itself."""

    metrics: ClassVar[tuple[str, ...]] = ("f1_micro", "f1_macro", "average_precision", "exact_match")

    kind: Literal["multilabel"] = "multilabel"
    thresholds: dict[str, float] = Field(
        {}, description="label → the score from which on it is given; 0.5 if left out; training chooses them"
    )

    def labels_of(self, gold: Gold) -> Sequence[str]:
        """Each label."""
        return gold

    def target(self, gold: Gold, document: Document) -> IntArray:
        """1 for each label that the text has. *Shape:* (labels,)."""
        return np.asarray([label in gold for label in self.labels], dtype=np.int64)

    def missing_target(self, document: Document) -> IntArray:
        """The target of a text that has no label for this task. *Shape:* (labels,)."""
        return np.full(len(self.labels), IGNORED, dtype=np.int64)

    def decode(self, logits: FloatArray, document: Document) -> Multilabel:
        """Every label whose score reaches its threshold, best first. *Shape:* (labels,)."""
        probabilities = sigmoid(logits / self.temperature)
        ranked = np.argsort(-probabilities, kind="stable")
        scores = tuple(LabelScore(self.labels[index], float(probabilities[index])) for index in ranked)
        return Multilabel(tuple(each for each in scores if each.score >= self.threshold(each.label)), scores)

    def threshold(self, label: str) -> float:
        """The score from which on a label is given."""
        return self.thresholds.get(label, 0.5)

    def decisions(self, logits: FloatArray, gold: Gold, document: Document) -> Decisions:
        """Each label's yes or no."""
        both = np.stack([np.zeros_like(logits), logits], axis=1)
        return Decisions(both, self.target(gold, document))


def sigmoid(logits: FloatArray) -> FloatArray:
    """Probabilities of labels that are decided by themselves."""
    probabilities: FloatArray = 0.5 * (1 + np.tanh(0.5 * logits))  # does not overflow
    return probabilities
