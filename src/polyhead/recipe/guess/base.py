"""What guesses about data files are made of: values with their reasons, a file's rows, tasks, data sets."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from polyhead.data.readers import Record

ROWS = 2000
"""Rows that are looked at of each file."""

Choose = Callable[[str, Sequence[str]], int]
"""Asks a question; the options come likeliest first, the answer is the number of one."""


def likeliest(question: str, options: Sequence[str]) -> int:
    """The first option, without asking anybody."""
    return 0


class Reasoned(NamedTuple):
    """A value of the recipe, and why it was guessed."""

    value: Any
    why: str


Layout = Mapping[str, Reasoned]
"""Keys of a data set (``delimiter``, ``text``, ``words`` …) with their values."""


class Form(NamedTuple):
    """A file's format with its settings; ``head`` are lines that stand for the file where reading it anew is dear."""

    format: Reasoned
    layout: Layout
    head: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """A file, or a folder that is read like one, with its first rows; ``whole`` if these are all."""

    path: Path
    form: Form
    records: Sequence[Record]
    whole: bool

    @property
    def fields(self) -> frozenset[str]:
        """The fields that some row has."""
        return frozenset(name for record in self.records for name in record.fields)


@dataclass(frozen=True, slots=True)
class TaskGuess:
    """A task: its settings in the recipe, where its labels stand, and what was found there."""

    name: str
    kind: str
    fields: tuple[str, ...]
    why: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    binding: Mapping[str, Any] = field(default_factory=dict)
    sure: bool = True
    labels: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Fields:
    """What the fields of a file's rows are for. ``splits`` is the field that says a row's split: split → its value."""

    layout: Layout
    tasks: Sequence[TaskGuess]
    left_out: Mapping[str, str]
    splits: tuple[str, Mapping[str, str]] | None = None

    @property
    def used(self) -> frozenset[str]:
        """The fields that rows must have."""
        texts = [name for key in ("text", "text_pair", "words", "markup") for name in as_list(self.layout, key)]
        named = [name for task in self.tasks for name in task.fields]
        return frozenset([*texts, *named, *([self.splits[0]] if self.splits else [])])


Part = tuple[Path, Mapping[str, str]]
"""A file of a split, and which of its rows: a field and its value, or nothing for all of them."""


@dataclass(frozen=True, slots=True)
class SetGuess:
    """A data set: files of one layout. ``parts`` are each split's files; ``tasks`` go by their names in the recipe."""

    name: str
    looks: Sequence[Look]
    fields: Fields
    parts: Mapping[str, Sequence[Part]]
    reasons: Mapping[str, str]
    tasks: Mapping[str, TaskGuess]

    @property
    def form(self) -> Form:
        """The format of its files."""
        return self.looks[0].form

    @property
    def rows(self) -> int:
        """How many rows were looked at."""
        return sum(len(look.records) for look in self.looks)

    @property
    def whole(self) -> bool:
        """Whether these are all rows."""
        return all(look.whole for look in self.looks)


@dataclass(frozen=True, slots=True)
class RecipeGuess:
    """A recipe: its data sets, the tasks of all of them, and the files that it leaves out, with why."""

    sets: Sequence[SetGuess]
    tasks: Mapping[str, TaskGuess]
    left_out: Mapping[Path, str]


def as_list(layout: Layout, key: str) -> list[str]:
    """A key that may hold one field or several."""
    value = layout[key].value if key in layout else []
    return [value] if isinstance(value, str) else list(value)
