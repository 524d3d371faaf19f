"""One row of data: a text and the labels that it has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from polyhead.documents import Span
from polyhead.kinds.base import FloatArray


@dataclass(frozen=True, slots=True)
class Example:
    """A text with its labels by task; a task without a label is left out.

    ``words`` are spans of the text where the file gave words instead of running text; ``source`` is file:line.
    ``others`` are the texts that belong to it: the second one of a pair, or an anchor's positive and its negatives.
    ``vector`` (width,) is the text's embedding where that was computed earlier: the encoder is passed by.
    """

    text: str
    labels: Mapping[str, Any] = field(default_factory=dict)
    words: Sequence[Span] | None = None
    source: str = ""
    others: tuple[str, ...] = ()
    vector: FloatArray | None = None

    @property
    def texts(self) -> tuple[str, ...]:
        """The text, and those that belong to it."""
        return (self.text, *self.others)

    @property
    def word_texts(self) -> list[str] | None:
        """The words that the file gave; None where it gave running text."""
        return None if self.words is None else [self.text[start:end] for start, end in self.words]


def labelled_tasks(examples: Sequence[Example]) -> frozenset[str]:
    """The tasks of which some example has a label; rows that stay in their file know it without being read."""
    known: frozenset[str] | None = getattr(examples, "labelled", None)
    return frozenset(name for example in examples for name in example.labels) if known is None else known


@dataclass(frozen=True, slots=True)
class DataSet:
    """A named set of examples, by split; ``batch_size`` where a training step draws another number of them."""

    name: str
    train: Sequence[Example] = ()
    validation: Sequence[Example] = ()
    test: Sequence[Example] = ()
    batch_size: int | None = None

    def split(self, name: str) -> Sequence[Example]:
        """The split of that name: train, validation or test."""
        examples: Sequence[Example] = getattr(self, name)
        return examples
