"""What every kind of task has in common: its settings, and the way between labels, target ids and predictions."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator

from polyhead.documents import Document, IntArray
from polyhead.errors import UserError, shown
from polyhead.predictions import TaskPrediction

IGNORED = -100
"""The target of what has no label; losses and metrics pass over it."""

TASK_NAME = r"[a-z0-9_-]+"
EMBEDDING = "embedding"
RESERVED_NAMES = (EMBEDDING, "error", "text", "text_pair", "tokens", "truncated")
"""What stands beside the tasks' answers, in a prediction and in a server's."""

FloatArray = NDArray[np.float32]
TargetArray = NDArray[Any]
"""Ids (int64), or numbers (float32)."""

Level = Literal["sentence", "pair", "token"]
"""What a head answers: a text, two or more texts of one row together, or every token of a text."""


@dataclass(frozen=True, slots=True)
class Decisions:
    """Choices of one output out of several whose right answer is known. *Shapes:* (choices, outputs), (choices,)."""

    logits: FloatArray
    targets: IntArray


class Task(BaseModel, ABC):
    """A task's declaration, as it stands in a recipe and in a saved head's config.

    One subclass a kind. ``Gold`` below is what a reader finds in the data: a label name for classification, entity
    spans for tagging. Logits and targets are numpy here; the head's network and loss live in ``modeling/heads``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    metrics: ClassVar[tuple[str, ...]]
    """Names in ``evaluation.metrics``; the first is the one by which the best model is chosen."""

    has_labels: ClassVar[bool] = True
    """Whether the answers are names out of a list."""

    kind: str
    labels: tuple[str, ...] = Field((), description="label names, in the order of their ids; inferred if left out")
    weight: float = Field(1.0, gt=0, description="what the task's loss is multiplied with")

    @field_validator("labels")
    @classmethod
    def _labels_are_distinct(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        if labels and not cls.has_labels:
            raise ValueError("a task of this kind has no labels")
        if len(set(labels)) < len(labels):
            raise ValueError("labels must differ from each other")
        return labels

    @property
    @abstractmethod
    def level(self) -> Level:
        """What the head answers."""

    @property
    def reads_embedding(self) -> bool:
        """Whether a text's embedding is all that the head needs, so that it can be one that was computed earlier."""
        return False

    @property
    def splitter(self) -> str | None:
        """The word splitter that the task needs, if any."""
        return None

    @property
    def outputs(self) -> tuple[str, ...]:
        """The name of each logit."""
        return self.labels

    def labels_of(self, gold: Any) -> Sequence[str]:
        """The labels in ``gold``, each as often as it occurs."""
        return ()

    @abstractmethod
    def target(self, gold: Any, document: Document) -> TargetArray:
        """What the loss compares with: *shape* () or (labels,) for a text or a pair, (tokens,) at token level.

        ``IGNORED`` where there is no label.
        """

    def missing_target(self, document: Document) -> TargetArray:
        """The target of a text that has no label for this task."""
        return np.full(document.tokens if self.level == "token" else (), IGNORED, dtype=np.int64)

    @abstractmethod
    def decode(self, logits: FloatArray, document: Document) -> TaskPrediction:
        """A prediction from one text's logits."""

    def decisions(self, logits: FloatArray, gold: Any, document: Document) -> Decisions | None:
        """What the head chose and what is right, for calibration; ``None`` where it chooses nothing."""
        return None

    def with_counts(self, counts: Mapping[str, int], rows: int) -> Self:
        """The task as it is trained: how often each label occurs in the training data, and in how many rows."""
        return self


def softmax(logits: FloatArray) -> FloatArray:
    """Probabilities over the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities: FloatArray = shifted / shifted.sum(axis=-1, keepdims=True)
    return probabilities


def label_order(labels: Iterable[str]) -> Sequence[str]:
    """Inferred labels in a stable order: numbers by value, everything else by name."""
    found = list(labels)
    if all(label.removeprefix("-").isdecimal() for label in found):
        return sorted(found, key=lambda label: (int(label), label))
    return sorted(found)


def check_task_name(name: str) -> None:
    """Refuse what cannot be a folder, an output name and a part of a URL at once.

    Raises:
        UserError: it is no task name, or reserved.
    """
    if not re.fullmatch(TASK_NAME, name) or name in RESERVED_NAMES:
        reserved = ", ".join(RESERVED_NAMES)
        raise UserError(f"a task's name must match {TASK_NAME} and not be {reserved}; found {shown(name)}")
