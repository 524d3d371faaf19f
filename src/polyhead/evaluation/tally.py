"""Gold labels against predictions, counted; one class a kind of task.

A tally keeps how often each *outcome* of a text occurred (gold and predicted label, or the counts of its spans and
words), not the texts: its memory grows with the number of different outcomes. Metrics are functions of an outcome's
counts, so the same counts drawn anew give a bootstrap sample.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from polyhead.documents import Document, IntArray
from polyhead.evaluation.mistakes import ERROR_KINDS, span_errors
from polyhead.kinds import EntitySpan, TaggingTask, Task
from polyhead.kinds.schemes import OUTSIDE, tags_from_spans
from polyhead.predictions import Classification, Tagging


@dataclass(frozen=True, slots=True)
class Classes:
    """How often each gold label (row) was answered by each label (column). *Shape:* (labels, labels)."""

    labels: Sequence[str]
    matrix: IntArray


@dataclass(frozen=True, slots=True)
class Spans:
    """Counts of spans and words.

    ``spans`` (types, 3) are right, predicted and gold spans of each type. ``errors`` (kinds,) are counts in the order
    of ``ERROR_KINDS``. ``words`` and ``pieces`` are (right, all): words with a known tag, and their sub-word pieces by
    entity type. ``unseen_words`` had no piece, ``cut_words`` were beyond the length limit.
    """

    types: Sequence[str]
    spans: IntArray
    errors: IntArray
    words: tuple[int, int]
    pieces: tuple[int, int]
    unseen_words: int = 0
    cut_words: int = 0


Totals = Callable[[IntArray], Any]
"""How often each outcome occurred, in the order of ``Tally.outcomes`` → ``Classes`` or ``Spans``."""


class Tally(ABC):
    """Counts the outcomes of one task."""

    def __init__(self, task: Any) -> None:
        self.task = task
        self.outcomes: Counter[Any] = Counter()

    @abstractmethod
    def add(self, gold: Any, prediction: Any, document: Document) -> None:
        """Count one text."""

    @abstractmethod
    def totals(self) -> Totals:
        """What turns counts of the outcomes into totals."""

    @property
    def counts(self) -> IntArray:
        """How often each outcome occurred. *Shape:* (outcomes,)."""
        return np.fromiter(self.outcomes.values(), dtype=np.int64, count=len(self.outcomes))

    def total(self) -> Any:
        """``Classes`` or ``Spans`` over all texts."""
        return self.totals()(self.counts)


class ClassTally(Tally):
    """By label name, so that a gold label which the model never saw is simply wrong."""

    def add(self, gold: str, prediction: Classification, document: Document) -> None:
        """Count one text by its gold and its predicted label."""
        self.outcomes[gold, prediction.label] += 1

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


class SpanTally(Tally):
    """By exact characters and type; words by the head's scheme.

    A word that a gold span cuts has no known tag: it is left out of accuracies, while the span itself counts, as one
    that cannot be found.
    """

    task: TaggingTask

    def add(self, gold: Sequence[EntitySpan], prediction: Tagging, document: Document) -> None:
        """Count one text's spans and words."""
        golds = frozenset(gold)
        predicted = frozenset(EntitySpan(each.start, each.end, each.entity_group) for each in prediction.entities)
        by_type: Counter[tuple[str, int]] = Counter()
        for column, spans in enumerate((golds & predicted, predicted, golds)):
            by_type.update((span.type, column) for span in spans)
        errors = Counter(error.kind for error in span_errors(golds, predicted))
        words = document.words[self.task.splitter]
        tags = tags_from_spans(gold, words.spans, self.task.scheme)
        known = [
            (tag, word.tag, int(pieces))
            for tag, word, pieces in zip(tags, prediction.words, words.pieces, strict=True)
            if tag is not None
        ]
        numbers = (
            *(errors[kind] for kind in ERROR_KINDS),
            sum(tag == other for tag, other, _ in known),
            len(known),
            sum(pieces for tag, other, pieces in known if type_of(tag) == type_of(other)),
            sum(pieces for _, _, pieces in known),
            prediction.unseen_words,
            prediction.cut_words,
        )
        self.outcomes[tuple(sorted(by_type.items())), numbers] += 1

    def totals(self) -> Totals:
        """Sums of the outcomes' counts."""
        found = {name for spans, _ in self.outcomes for (name, _), _ in spans}
        types = [*self.task.labels, *sorted(found - set(self.task.labels))]
        ids = {name: index for index, name in enumerate(types)}
        vectors = np.zeros((len(self.outcomes), 3 * len(types) + len(ERROR_KINDS) + 6), dtype=np.int64)
        for vector, (spans, numbers) in zip(vectors, self.outcomes, strict=True):
            for (name, column), count in spans:
                vector[3 * ids[name] + column] = count
            vector[3 * len(types) :] = numbers

        def total(counts: IntArray) -> Spans:
            summed = counts @ vectors
            rest = summed[3 * len(types) :].tolist()
            errors = np.asarray(rest[: len(ERROR_KINDS)], dtype=np.int64)
            right, words, right_pieces, pieces, unseen, cut = rest[len(ERROR_KINDS) :]
            by_type = summed[: 3 * len(types)].reshape(-1, 3)
            return Spans(types, by_type, errors, (right, words), (right_pieces, pieces), unseen, cut)

        return total


TALLIES: dict[str, type[Tally]] = {"classification": ClassTally, "tagging": SpanTally}


def tally_of(task: Task) -> Tally:
    """An empty tally for a task."""
    return TALLIES[task.kind](task)


def type_of(tag: str | None) -> str | None:
    """A tag's entity type, ``O`` for none: ``B-PER`` → ``PER``; ``PER`` stays, as does an unread word's ``None``."""
    return tag if tag is None or tag == OUTSIDE or tag[1:2] != "-" or tag[0] not in "BI" else tag[2:]
