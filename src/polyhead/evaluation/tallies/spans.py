"""Gold spans and tags against predicted ones."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from polyhead.documents import Document, IntArray
from polyhead.evaluation.mistakes import ERROR_KINDS, span_errors
from polyhead.evaluation.tallies.base import OutcomeTally, Totals
from polyhead.kinds import EntitySpan, TaggingTask
from polyhead.kinds.schemes import tags_from_spans, type_of
from polyhead.predictions import Tagging


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


class SpanTally(OutcomeTally):
    """By exact characters and type; words by the head's scheme.

    A word that a gold span cuts has no known tag: it is left out of accuracies, while the span itself counts, as one
    that cannot be found.
    """

    task: TaggingTask

    def outcome(self, gold: Sequence[EntitySpan], prediction: Tagging, document: Document) -> Any:
        """Counts of its spans and words."""
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
        return tuple(sorted(by_type.items())), numbers

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
