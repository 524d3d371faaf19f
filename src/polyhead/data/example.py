"""One row of data: a text and the labels that it has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from polyhead.documents import Span


@dataclass(frozen=True, slots=True)
class Example:
    """A text with its labels by task; a task without a label is left out.

    ``words`` are spans of the text where the file gave words instead of running text; ``source`` is file:line.
    """

    text: str
    labels: Mapping[str, Any] = field(default_factory=dict)
    words: Sequence[Span] | None = None
    source: str = ""


def labelled_tasks(examples: Sequence[Example]) -> frozenset[str]:
    """The tasks of which some example has a label; rows that stay in their file know it without being read."""
    known: frozenset[str] | None = getattr(examples, "labelled", None)
    return frozenset(name for example in examples for name in example.labels) if known is None else known


@dataclass(frozen=True, slots=True)
class DataSet:
    """A named set of examples, by split."""

    name: str
    train: Sequence[Example] = ()
    validation: Sequence[Example] = ()
    test: Sequence[Example] = ()

    def split(self, name: str) -> Sequence[Example]:
        """The split of that name: train, validation or test."""
        examples: Sequence[Example] = getattr(self, name)
        return examples
