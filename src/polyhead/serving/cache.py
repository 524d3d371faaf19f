"""Answers that were given before: the least recently used go first, when their bytes are too many."""

import sys
from collections import OrderedDict
from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass, replace

from polyhead.documents import Document, Words
from polyhead.inference.predictor import Row
from polyhead.kinds.base import FloatArray

_OBJECT = 200
"""Bytes that an entry's objects take besides what they hold."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model said of one text: ``embedding`` (width,), and the ``logits`` of the heads that were asked."""

    document: Document
    embedding: FloatArray
    logits: Mapping[str, FloatArray]

    @classmethod
    def of(cls, row: Row, tasks: Collection[str]) -> "Answer":
        """A row's to ``tasks``, with arrays of its own: a row's are parts of its batch's, which would stay with them.

        Other heads may have been run on it for others of its round; the text was not read for them.
        """
        logits = {name: values.copy() for name, values in row.logits.items() if name in tasks}
        return cls(row.document, row.embedding.copy(), logits)

    def with_logits(self, other: "Answer") -> "Answer":
        """The same with the other's answers, too, and the words that they need."""
        own = self.document
        words = {**own.words, **other.document.words}
        cut = max(own.others_truncated, other.document.others_truncated)
        read = max(own.others_tokens, other.document.others_tokens)
        document = replace(own, words=words, others_truncated=cut, others_tokens=read)
        return replace(self, document=document, logits={**self.logits, **other.logits})

    @property
    def size(self) -> int:
        """Bytes, about."""
        numbers = self.embedding.nbytes + sum(each.nbytes for each in self.logits.values())
        words = sum(_size(each) for each in self.document.words.values())
        return _OBJECT + numbers + sys.getsizeof(self.document.text) + words


def _size(words: Words) -> int:
    """Bytes of words: their arrays, those that are made of them later, and a pair of numbers each."""
    return 3 * words.index.nbytes + 3 * words.shapes.nbytes + 112 * len(words.spans)


class Cache:
    """Answers by a key. Not for several threads at a time."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.bytes = self.hits = self.misses = 0
        self._answers: OrderedDict[Hashable, tuple[Answer, int]] = OrderedDict()

    def get(self, key: Hashable, tasks: frozenset[str]) -> Answer | None:
        """The answer, if it is there with all of ``tasks``."""
        found = self._answers.get(key)
        if found is None or not tasks <= found[0].logits.keys():
            self.misses += 1
            return None
        self.hits += 1
        self._answers.move_to_end(key)
        return found[0]

    def put(self, key: Hashable, answer: Answer) -> None:
        """Remember an answer, beside what the same text was answered to other heads."""
        known = self._answers.pop(key, None)
        if known is not None:
            self.bytes -= known[1]
            answer = known[0].with_logits(answer)
        size = answer.size + sys.getsizeof(key)
        if size > self.limit:
            return
        self._answers[key] = (answer, size)
        self.bytes += size
        while self.bytes > self.limit:
            _, (_, gone) = self._answers.popitem(last=False)
            self.bytes -= gone

    def __len__(self) -> int:
        return len(self._answers)
