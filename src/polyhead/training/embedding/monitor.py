"""Measuring the embedding during a training: on pairs, on unlabelled texts, or on the tasks' own validation texts."""

from collections.abc import Sequence
from itertools import chain, islice

import torch

from polyhead.data.example import DataSet
from polyhead.data.stream import StreamedExamples
from polyhead.evaluation.embeddings import EmbeddingReport, report
from polyhead.modeling.model import MultiTaskModel
from polyhead.training.activations.lower import Reading
from polyhead.training.embedding.settings import Keeping
from polyhead.training.embedding.vectors import embeddings

_TEXTS, _OWN_TEXTS = 1024, 128
"""The most unlabelled texts, and the most of the tasks' own, on which an embedding is measured."""


class Monitor:
    """Holds a model's embedding against that of the model as it was when this was made, or of ``keeping.original``."""

    def __init__(
        self,
        model: MultiTaskModel,
        reading: Reading,
        keeping: Keeping,
        data: Sequence[DataSet],
        *,
        dtype: torch.dtype,
        constant: bool,
    ) -> None:
        """``constant`` says that nothing of the embedding will learn, so that what it became is measured once."""
        self._reading = reading
        self._dtype = dtype
        self._constant = constant
        self._scores = None if keeping.pairs is None else keeping.pairs.scores
        self._texts = measured(keeping, data)
        other = keeping.original
        self._same = constant and other is None
        if other is not None:
            model, reading = other.model.to(next(model.parameters()).device), Reading.of(other)
        self._original = embeddings(model, reading, self._texts, dtype) if self._texts else None
        self._known: EmbeddingReport | None = None

    def measure(self, model: MultiTaskModel) -> EmbeddingReport | None:
        """What the embedding is now; None where there is no text to measure it on."""
        if self._original is None:
            return None
        if self._known is None or not self._constant:
            now = self._original if self._same else embeddings(model, self._reading, self._texts, self._dtype)
            self._known = report(now, self._original, self._scores)
        return self._known


def measured(keeping: Keeping, data: Sequence[DataSet]) -> list[str]:
    """The texts: pairs' left and then right ones; or some of those without labels; or some of validation rows."""
    if keeping.pairs is not None:
        return [*keeping.pairs.left, *keeping.pairs.right]
    if keeping.texts:
        return _some(keeping.texts, _TEXTS)
    splits = [each.validation for each in data if not isinstance(each.validation, StreamedExamples)]
    share = -(-_OWN_TEXTS // max(1, len(splits)))
    rows = chain.from_iterable(islice((row for row in own if row.vector is None), share) for own in splits)
    return [row.text for row in rows]


def _some(texts: Sequence[str], most: int) -> list[str]:
    """At most so many, from all over the list."""
    return [texts[number * len(texts) // most] for number in range(most)] if len(texts) > most else list(texts)
