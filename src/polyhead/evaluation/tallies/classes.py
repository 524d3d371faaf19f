"""Gold labels against predicted ones, where one of several is right."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from polyhead.documents import Document, IntArray
from polyhead.evaluation.tallies.base import OutcomeTally, Totals
from polyhead.predictions import Classification


@dataclass(frozen=True, slots=True)
class Classes:
    """How often each gold label (row) was answered by each label (column). *Shape:* (labels, labels)."""

    labels: Sequence[str]
    matrix: IntArray


class ClassTally(OutcomeTally):
    """By label name, so that a gold label which the model never saw is simply wrong."""

    def outcome(self, gold: str, prediction: Classification, document: Document) -> Any:
        """Its gold and its predicted label."""
        return gold, prediction.label

    def totals(self) -> Totals:
        """A confusion matrix."""
        labels = [*self.task.labels, *sorted({gold for gold, _ in self.outcomes} - set(self.task.labels))]
        ids = {label: index for index, label in enumerate(labels)}
        cells = np.asarray([(ids[gold], ids[predicted]) for gold, predicted in self.outcomes], dtype=np.int64)

        def total(counts: IntArray) -> Classes:
            matrix = np.zeros((len(labels), len(labels)), dtype=np.int64)
            matrix[cells[:, 0], cells[:, 1]] = counts
            return Classes(labels, matrix)

        return total
