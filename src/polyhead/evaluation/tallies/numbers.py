"""Gold numbers against predicted ones."""

from dataclasses import dataclass

import numpy as np

from polyhead.data.example import Example
from polyhead.documents import Document, IntArray
from polyhead.evaluation.tallies.base import AnswerTally, Totals
from polyhead.kinds.base import FloatArray
from polyhead.predictions import Regression, Similarity


@dataclass(frozen=True, slots=True)
class Numbers:
    """Each row's number, and the model's. *Shapes:* (rows,)."""

    gold: FloatArray
    predicted: FloatArray


class NumberTally(AnswerTally):
    """Keeps two numbers a row, since ranks need all of them."""

    def add(
        self, example: Example, gold: float, prediction: Regression | Similarity, document: Document, logits: FloatArray
    ) -> None:
        """Keep one row's."""
        self.answers.append((gold, prediction.value if isinstance(prediction, Regression) else prediction.score))

    def totals(self) -> Totals:
        """Each row as often as it counts."""
        both = np.asarray(self.answers, dtype=np.float64)

        def total(counts: IntArray) -> Numbers:
            return Numbers(*np.repeat(both, counts, axis=0).T)

        return total
