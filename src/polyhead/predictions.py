"""What a user gets back: plain values, the same in Python, on the command line and over HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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
    """The most probable label of a text, and every label with its probability, best first.

    ``label`` is ``None`` where the best score is below what was asked for: the model abstains.
    """

    label: str | None
    score: float
    scores: tuple[LabelScore, ...]

    def at_least(self, score: float) -> "Classification":
        """The same, without a label if its score is below ``score``."""
        return self if self.score >= score else replace(self, label=None)

    def as_dict(self) -> dict[str, Any]:
        """A JSON-ready form."""
        scores = [{"label": each.label, "score": each.score} for each in self.scores]
        return {"label": self.label, "score": self.score, "scores": scores}


@dataclass(frozen=True, slots=True)
class Multilabel:
    """The labels of a text, and every label with its probability, both best first."""

    labels: tuple[LabelScore, ...]
    scores: tuple[LabelScore, ...]

    def at_least(self, score: float) -> "Multilabel":
        """The same, without the labels whose score is below ``score``."""
        return replace(self, labels=tuple(each for each in self.labels if each.score >= score))

    def as_dict(self) -> dict[str, Any]:
        """A JSON-ready form."""
        scores = [{"label": each.label, "score": each.score} for each in self.scores]
        return {"labels": [each.label for each in self.labels], "scores": scores}


@dataclass(frozen=True, slots=True)
class Regression:
    """A number, in the range of its task."""

    value: float

    def at_least(self, score: float) -> "Regression":
        """The same: a number has no score to abstain by."""
        return self

    def as_dict(self) -> dict[str, Any]:
        """A JSON-ready form."""
        return {"value": self.value}


@dataclass(frozen=True, slots=True)
class Similarity:
    """How alike two texts are: the cosine of their embeddings."""

    score: float

    def at_least(self, score: float) -> "Similarity":
        """The same: it is no choice that could be abstained from."""
        return self

    def as_dict(self) -> dict[str, Any]:
        """A JSON-ready form."""
        return {"score": self.score}


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

    def at_least(self, score: float) -> "Tagging":
        """The same, without the entities whose score is below ``score``; the words keep their tags."""
        return replace(self, entities=tuple(each for each in self.entities if each.score >= score))

    def as_dict(self) -> dict[str, Any]:
        """A JSON-ready form; the words are left out, as their tags follow from the entities."""
        entities = [entity.as_dict() for entity in self.entities]
        return {"entities": entities, "unseen_words": self.unseen_words, "cut_words": self.cut_words}


TaskPrediction = Classification | Multilabel | Regression | Similarity | Tagging


@dataclass(frozen=True, slots=True)
class Prediction:
    """Everything that one forward pass said about one text, or about two together.

    ``text_pair`` is the second text, where two were given; the embedding is the first one's. ``tasks`` maps a task's
    name to its prediction; ``embedding`` has shape (width,) and is there if it was asked for; ``tokens`` counts what
    was read of its texts, special tokens included; ``truncated`` says that a text was longer.
    """

    text: str
    tasks: Mapping[str, TaskPrediction] = field(default_factory=dict)
    embedding: NDArray[np.float32] | None = None
    tokens: int = 0
    truncated: bool = False
    text_pair: str | None = None

    def __getitem__(self, task: str) -> Any:
        """A task's prediction; what it is depends on the task's kind (``TaskPrediction``)."""
        return self.tasks[task]

    def as_dict(self) -> dict[str, Any]:
        """A JSON-ready form: the texts, each task under its name, the embedding as a list."""
        row: dict[str, Any] = {"text": self.text}
        row |= {} if self.text_pair is None else {"text_pair": self.text_pair}
        row.update({name: prediction.as_dict() for name, prediction in self.tasks.items()})
        if self.embedding is not None:
            row["embedding"] = [float(value) for value in self.embedding]
        return {**row, "tokens": self.tokens, "truncated": self.truncated}

    def at_least(self, score: float) -> "Prediction":
        """The same, less what has a lower score: the model abstains from it."""
        return replace(self, tasks={name: answer.at_least(score) for name, answer in self.tasks.items()})
