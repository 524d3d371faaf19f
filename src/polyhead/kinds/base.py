"""What every kind of task has in common: its settings, and the way between labels, target ids and predictions."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator

from polyhead.documents import Document, IntArray
from polyhead.errors import UserError, shown
from polyhead.predictions import TaskPrediction

IGNORED = -100
"""The target id of what has no label; losses and metrics pass over it."""

TASK_NAME = r"[a-z0-9_-]+"
RESERVED_NAMES = frozenset({"embedding"})

FloatArray = NDArray[np.float32]


class Task(BaseModel, ABC):
    """A task's declaration, as it stands in a recipe and in a saved head's config.

    One subclass a kind. ``Gold`` below is what a reader finds in the data: a label name for classification, entity
    spans for tagging. Logits and targets are numpy here; the head's network and loss live in ``modeling/heads``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    level: ClassVar[Literal["sentence", "token"]]
    metrics: ClassVar[tuple[str, ...]]
    """Names in ``evaluation.metrics``; the first is the one by which the best model is chosen."""

    kind: str
    labels: tuple[str, ...] = Field((), description="label names, in the order of their ids; inferred if left out")
    weight: float = Field(1.0, gt=0, description="what the task's loss is multiplied with")
    dropout: float = Field(0.1, ge=0, lt=1, description="dropout before each of the head's layers")
    hidden: int | None = Field(None, ge=1, description="width of a hidden layer (GELU) before the linear one")
    label_smoothing: float = Field(
        0.0, ge=0, lt=1, description="share of a target that the loss spreads over all labels"
    )

    @field_validator("labels")
    @classmethod
    def _labels_are_distinct(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(labels)) < len(labels):
            raise ValueError("labels must differ from each other")
        return labels

    @property
    def splitter(self) -> str | None:
        """The word splitter that the task needs, if any."""
        return None

    @property
    @abstractmethod
    def outputs(self) -> tuple[str, ...]:
        """The name of each logit."""

    @abstractmethod
    def labels_of(self, gold: Any) -> Sequence[str]:
        """The labels in ``gold``, each as often as it occurs."""

    @abstractmethod
    def target(self, gold: Any, document: Document) -> IntArray:
        """Target ids: *shape* () at sentence level, (tokens,) at token level; ``IGNORED`` where there is no label."""

    @abstractmethod
    def decode(self, logits: FloatArray, document: Document) -> TaskPrediction:
        """A prediction from logits: *shape* (labels,) at sentence level, (tokens, labels) at token level."""

    def with_counts(self, counts: Mapping[str, int]) -> "Task":
        """The task as it is trained, ``counts`` saying how often each label occurs in the training data."""
        return self

    def missing_target(self, document: Document) -> IntArray:
        """The target of a text that has no label for this task."""
        return np.full(() if self.level == "sentence" else document.tokens, IGNORED, dtype=np.int64)


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
        reserved = ", ".join(sorted(RESERVED_NAMES))
        raise UserError(f"a task's name must match {TASK_NAME} and not be {reserved}; found {shown(name)}")
