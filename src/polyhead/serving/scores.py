"""Answers of heads in the shapes of transformers' pipelines."""

from collections.abc import Collection
from typing import Any, Literal

import numpy as np

from polyhead.documents import Document
from polyhead.kinds import TaggingTask, Task
from polyhead.kinds.base import FloatArray, softmax
from polyhead.predictions import Classification, Multilabel, Tagging

Function = Literal["softmax", "sigmoid", "none"]
_OUTSIDE = "O"


def label_scores(
    task: Task, logits: FloatArray, document: Document, *, function: Function | None = None, top: int | None = None
) -> list[dict[str, Any]]:
    """Every label with its score, best first; the head's own scores where no function is named. *Shape:* (labels,)."""
    if function is None:
        answer = task.decode(logits, document)
        assert isinstance(answer, Classification | Multilabel)
        scores = [(each.label, each.score) for each in answer.scores]
    else:
        numbers = _applied(logits, function)
        scores = [(task.labels[index], float(numbers[index])) for index in np.argsort(-numbers, kind="stable")]
    return [{"label": label, "score": score} for label, score in scores[:top]]


def _applied(logits: FloatArray, function: Function) -> FloatArray:
    if function == "none":
        return logits
    if function == "sigmoid":
        sigmoid: FloatArray = (1 / (1 + np.exp(-np.clip(logits, -60, 60)))).astype(np.float32)
        return sigmoid
    return softmax(logits)


def over_pieces(task: TaggingTask, logits: FloatArray, document: Document, strategy: str) -> FloatArray:
    """Logits whose first piece of a word answers for all of its pieces, as transformers' aggregation strategies do.

    ``average`` is the mean of their probabilities, ``max`` those of the piece that is surest; any other strategy is
    the first piece's own. *Shape:* (tokens, tags), both.
    """
    if strategy not in ("average", "max"):
        return logits
    words = document.words[task.words]
    pieces = np.flatnonzero(words.index >= 0)
    probabilities = softmax(logits[pieces] / task.temperature)
    order = np.lexsort((-probabilities.max(axis=1), words.index[pieces]))
    index, start, count = np.unique(words.index[pieces][order], return_index=True, return_counts=True)
    chosen = probabilities[order][start]
    if strategy == "average" and len(order):
        chosen = (np.add.reduceat(probabilities[order], start) / count[:, None]).astype(np.float32)
    found = logits.copy()
    found[words.first[index]] = task.temperature * np.log(np.maximum(chosen, 1e-30))
    return found


def entities(
    task: Task, logits: FloatArray, document: Document, *, grouped: bool, ignored: Collection[str] | None
) -> list[dict[str, Any]]:
    """Entities; or, where they are not ``grouped``, every word's tag but those ``ignored`` (``O`` if left out)."""
    answer = task.decode(logits, document)
    assert isinstance(answer, Tagging)
    if grouped:
        return [each.as_dict() for each in answer.entities if each.entity_group not in (ignored or ())]
    left_out = {_OUTSIDE, None} if ignored is None else {*ignored, None}
    return [
        {
            "entity": each.tag,
            "score": each.score,
            "index": number,
            "word": each.word,
            "start": each.start,
            "end": each.end,
        }
        for number, each in enumerate(answer.words, start=1)
        if each.tag not in left_out
    ]
