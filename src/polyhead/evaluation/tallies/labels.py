"""Gold label sets against predicted ones, and how well scores rank what is right."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from polyhead.data.example import Example
from polyhead.documents import Document, IntArray
from polyhead.evaluation.tallies.base import AnswerTally, Totals
from polyhead.kinds.base import FloatArray
from polyhead.predictions import Multilabel


@dataclass(frozen=True, slots=True)
class LabelSets:
    """Counts of labels.

    ``decisions`` (labels, 3) are right, predicted and gold occurrences of each label; ``precisions`` (labels,) each
    label's average precision, NaN where it does not occur; ``rows`` (all right, all).
    """

    labels: Sequence[str]
    decisions: IntArray
    precisions: NDArray[np.float64]
    rows: tuple[int, int]


class LabelTally(AnswerTally):
    """A gold label that the model never saw counts as one that cannot be found."""

    def add(
        self, example: Example, gold: Sequence[str], prediction: Multilabel, document: Document, logits: FloatArray
    ) -> None:
        """Keep a text's labels and scores: some bytes a label."""
        self.answers.append((tuple(gold), frozenset(each.label for each in prediction.labels), logits))

    def totals(self) -> Totals:
        """Scores are sorted once; samples only count anew."""
        own = self.task.labels
        labels = [*own, *sorted({label for gold, _, _ in self.answers for label in gold} - set(own))]
        gold = np.asarray([[label in each for label in labels] for each, _, _ in self.answers])
        predicted = np.asarray([[label in each for label in labels] for _, each, _ in self.answers])
        scores = np.stack([logits for _, _, logits in self.answers])
        order = np.argsort(-scores, axis=0, kind="stable")
        ranked = np.take_along_axis(scores, order, axis=0)
        right = np.take_along_axis(gold[:, : len(own)], order, axis=0)
        ends = np.concatenate([ranked[1:] != ranked[:-1], np.ones((1, len(own)), dtype=bool)])  # of ties

        def total(counts: IntArray) -> LabelSets:
            columns = [counts @ (gold & predicted), counts @ predicted, counts @ gold]
            exact = int(counts @ (gold == predicted).all(axis=1))
            precisions = np.full(len(labels), np.nan)
            precisions[: len(own)] = _average_precisions(right, counts[order], ends)
            precisions[len(own) :] = 0.0
            return LabelSets(labels, np.stack(columns, axis=1), precisions, (exact, int(counts.sum())))

        return total


def _average_precisions(right: NDArray[np.bool_], counts: IntArray, ends: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Σ (Rₙ − Rₙ₋₁) Pₙ over thresholds, of each label; rows are ranked, ties count as one. *Shapes:* (rows, labels)."""
    hits = np.cumsum(counts * right, axis=0)
    seen = np.cumsum(counts, axis=0)
    found = np.full(right.shape[1], np.nan)
    for label in np.flatnonzero(hits[-1]):
        last = ends[:, label]
        own, all_seen = hits[last, label], np.maximum(seen[last, label], 1)
        found[label] = float((np.diff(own, prepend=0) * own / all_seen).sum() / own[-1])
    return found
