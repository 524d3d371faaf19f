"""What a user gets back: plain values, the same in Python, on the command line and over HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class LabelScore:
    """A label and its probability."""

    label: str
    score: float


@dataclass(frozen=True, slots=True)
class Classification:
    """The most probable label of a text, and every label with its probability, best first."""

    label: str
    score: float
    scores: tuple[LabelScore, ...]

    def as_dict(self) -> dict[str, Any]:
        """A JSON-ready form."""
        scores = [{"label": each.label, "score": each.score} for each in self.scores]
        return {"label": self.label, "score": self.score, "scores": scores}


@dataclass(frozen=True, slots=True)
class Entity:
    """A named span: ``start`` and ``end`` (exclusive) count characters of the original text, ``word`` is that text."""

    entity_group: str
    score: float
    word: str
    start: int
    end: int

    def as_dict(self) -> dict[str, Any]:
        """The form of the transformers pipeline."""
        return {
            "entity_group": self.entity_group,
            "score": self.score,
            "word": self.word,
            "start": self.start,
            "end": self.end,
        }


@dataclass(frozen=True, slots=True)
class WordTag:
    """A word of the text, by character offsets, and the tag that it was given, in the head's scheme.

    The tag of a word beyond the length limit is ``None``, its score 0: nobody knows what it is.
    """

    word: str
    tag: str | None
    score: float
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Tagging:
    """The entities of a text, and every word with its tag.

    ``unseen_words`` counts words of no piece at all, such as a lone zero-width space: their tag is ``O``.
    ``cut_words`` counts words beyond the length limit: they have no tag.
    """

    entities: tuple[Entity, ...]
    words: tuple[WordTag, ...]
    unseen_words: int = 0
    cut_words: int = 0

    def as_dict(self) -> dict[str, Any]:
        """A JSON-ready form; the words are left out, as their tags follow from the entities."""
        entities = [entity.as_dict() for entity in self.entities]
        return {"entities": entities, "unseen_words": self.unseen_words, "cut_words": self.cut_words}


TaskPrediction = Classification | Tagging


@dataclass(frozen=True, slots=True)
class Prediction:
    """Everything that one forward pass said about one text.

    ``tasks`` maps a task's name to its prediction; ``embedding`` has shape (width,) and is there if it was asked for;
    ``tokens`` counts the tokens that were read, special ones included; ``truncated`` says that the text was longer.
    """

    text: str
    tasks: Mapping[str, TaskPrediction] = field(default_factory=dict)
    embedding: NDArray[np.float32] | None = None
    tokens: int = 0
    truncated: bool = False

    def __getitem__(self, task: str) -> Any:
        """A task's prediction; what it is depends on the task's kind (``TaskPrediction``)."""
        return self.tasks[task]

    def as_dict(self) -> dict[str, Any]:
        """A JSON-ready form: the text, each task under its name, the embedding as a list."""
        row: dict[str, Any] = {"text": self.text}
        row.update({name: prediction.as_dict() for name, prediction in self.tasks.items()})
        if self.embedding is not None:
            row["embedding"] = [float(value) for value in self.embedding]
        return {**row, "tokens": self.tokens, "truncated": self.truncated}
