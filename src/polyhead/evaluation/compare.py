"""Gold labels and predictions side by side, in the form that metrics read; one function a kind of task."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from polyhead.documents import Document, IntArray
from polyhead.kinds import ClassificationTask, EntitySpan, TaggingTask
from polyhead.kinds.schemes import OUTSIDE, tags_from_spans
from polyhead.predictions import Classification, Tagging


@dataclass(frozen=True, slots=True)
class Classes:
    """One label a text."""

    labels: Sequence[str]
    gold: Sequence[str]
    predicted: Sequence[str]


@dataclass(frozen=True, slots=True)
class Spans:
    """Entities and tags of each text.

    A gold tag is ``None`` where a gold span cuts a word; such words are left out of accuracies, while the span itself
    counts, as one that cannot be found. ``pieces`` are tokens a word.
    """

    types: Sequence[str]
    gold: Sequence[frozenset[EntitySpan]]
    predicted: Sequence[frozenset[EntitySpan]]
    gold_tags: Sequence[Sequence[str | None]]
    predicted_tags: Sequence[Sequence[str]]
    pieces: Sequence[IntArray]
    unseen_words: int


def compare_classes(
    task: ClassificationTask, golds: Sequence[str], predictions: Sequence[Classification], _: Sequence[Document]
) -> Classes:
    """By label name, so that a gold label which the model never saw is simply wrong."""
    labels = [*task.labels, *sorted(set(golds) - set(task.labels))]
    return Classes(labels, list(golds), [prediction.label for prediction in predictions])


def compare_spans(
    task: TaggingTask,
    golds: Sequence[Sequence[EntitySpan]],
    predictions: Sequence[Tagging],
    documents: Sequence[Document],
) -> Spans:
    """By exact characters and type; tags in the head's scheme."""
    words = [document.words[task.splitter] for document in documents]
    return Spans(
        types=[*task.labels, *sorted(task.unseen(golds))],
        gold=[frozenset(gold) for gold in golds],
        predicted=[
            frozenset(EntitySpan(entity.start, entity.end, entity.entity_group) for entity in prediction.entities)
            for prediction in predictions
        ],
        gold_tags=[tags_from_spans(gold, each.spans, task.scheme) for gold, each in zip(golds, words, strict=True)],
        predicted_tags=[[word.tag for word in prediction.words] for prediction in predictions],
        pieces=[each.pieces for each in words],
        unseen_words=sum(prediction.unseen_words for prediction in predictions),
    )


COMPARERS: dict[str, Callable[..., Any]] = {"classification": compare_classes, "tagging": compare_spans}


def type_of(tag: str) -> str:
    """A tag's entity type, ``O`` for none: ``B-PER`` → ``PER``; ``PER`` stays."""
    return tag if tag == OUTSIDE or tag[1:2] != "-" or tag[0] not in "BI" else tag[2:]
