"""Gold labels against predictions, counted; one class a kind of task.

Most tallies keep how often each *outcome* of a text occurred (gold and predicted label, or the counts of its spans and
words), not the texts: their memory grows with the number of different outcomes. Those whose metrics rank all answers
keep the answers. Metrics are functions of how often each outcome or answer counts, so the same drawn anew gives a
bootstrap sample.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from polyhead.data.example import Example
from polyhead.documents import Document, IntArray
from polyhead.kinds.base import FloatArray

Totals = Callable[[IntArray], Any]
"""How often each outcome or answer counts → what metrics are functions of."""


class Tally(ABC):
    """Counts the outcomes of one task."""

    def __init__(self, task: Any) -> None:
        self.task = task

    @abstractmethod
    def add(self, example: Example, gold: Any, prediction: Any, document: Document, logits: FloatArray) -> None:
        """Count one text."""

    @property
    @abstractmethod
    def counts(self) -> IntArray:
        """How often each outcome or answer occurred. *Shape:* (outcomes,)."""

    @abstractmethod
    def totals(self) -> Totals:
        """What turns such counts into totals."""

    def total(self) -> Any:
        """The totals over all texts."""
        return self.totals()(self.counts)

    def mistakes(self, name: str) -> Iterator[dict[str, Any]]:
        """Rows that went wrong, where that shows only once all are there."""
        yield from ()


class OutcomeTally(Tally):
    """Counts outcomes."""

    def __init__(self, task: Any) -> None:
        super().__init__(task)
        self.outcomes: Counter[Any] = Counter()

    def add(self, example: Example, gold: Any, prediction: Any, document: Document, logits: FloatArray) -> None:
        """Count one text."""
        self.outcomes[self.outcome(gold, prediction, document)] += 1

    @abstractmethod
    def outcome(self, gold: Any, prediction: Any, document: Document) -> Any:
        """All that metrics need of one text, hashable."""

    @property
    def counts(self) -> IntArray:
        """How often each outcome occurred. *Shape:* (outcomes,)."""
        return np.fromiter(self.outcomes.values(), dtype=np.int64, count=len(self.outcomes))


class AnswerTally(Tally):
    """Keeps all answers."""

    def __init__(self, task: Any) -> None:
        super().__init__(task)
        self.answers: list[Any] = []

    @property
    def counts(self) -> IntArray:
        """Each once. *Shape:* (texts,)."""
        return np.ones(len(self.answers), dtype=np.int64)
