"""Entities in a text: one tag a word, decoded so that no invalid sequence can come out."""

from collections.abc import Iterable, Sequence
from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field, field_validator, model_validator

from polyhead.documents import Document, IntArray
from polyhead.kinds.base import IGNORED, Decisions, FloatArray, Level, softmax
from polyhead.kinds.options import Calibrated, ClassWeights, LayerOptions, LossOptions, check_class_weights
from polyhead.kinds.schemes import (
    OUTSIDE,
    EntitySpan,
    Scheme,
    best_sequence,
    forbidden_transitions,
    runs,
    tag_names,
    tags_from_spans,
)
from polyhead.predictions import Entity, Tagging, WordTag

Gold = Sequence[EntitySpan]


class TaggingTask(LayerOptions, LossOptions, Calibrated):
    """Gold: entity spans. Logits: one a tag at every token, read at each word's first."""

    metrics: ClassVar[tuple[str, ...]] = (
        "span_f1",
        "span_precision",
        "span_recall",
        "span_f1_macro",
        "token_accuracy",
        "piece_accuracy",
    )

    kind: Literal["tagging"] = "tagging"
    scheme: Scheme = Field(
        "iob2", description="how entities are written as tags: iob2 (B-, I-, O) or io (the type alone)"
    )
    words: Literal["words", "whitespace", "unicode", "characters"] = Field(
        "words",
        description="the word splitter for raw text: as in English corpora, at blanks, by UAX #29, or each character "
        "(for languages without spaces); word lists are taken as they are",
    )
    word_shapes: bool = Field(False, description="add a small embedding of each word's capital shape to its tokens")
    word_shape_width: int = Field(16, ge=1, le=4096, description="width of that embedding")
    crf: bool = Field(
        False, description="a linear-chain CRF over each text's words: what follows what is learned, too (slower)"
    )
    class_weights: ClassWeights | None = Field(
        None, description="entity type, or O → what the loss of its tags is multiplied with"
    )

    @model_validator(mode="after")
    def _options_fit(self) -> Self:
        if self.class_weights:
            check_class_weights(self.class_weights, (*self.labels, OUTSIDE) if self.labels else ())
        if self.crf and (self.class_weights or self.label_smoothing or self.focal_gamma):
            raise ValueError("crf has a loss of its own: leave out class_weights, label_smoothing and focal_gamma")
        return self

    @field_validator("labels")
    @classmethod
    def _labels_are_types(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        if "O" in labels or any(label.startswith(("B-", "I-")) for label in labels):
            raise ValueError("labels of a tagging task are entity types (PER), not tags (O, B-PER, I-PER)")
        return labels

    @property
    def level(self) -> Level:
        """Every token."""
        return "token"

    @property
    def splitter(self) -> str:
        """The name of the word splitter."""
        return self.words

    @property
    def outputs(self) -> tuple[str, ...]:
        """The tags, ``O`` first."""
        return tag_names(self.labels, self.scheme)

    def labels_of(self, gold: Gold) -> Sequence[str]:
        """The type of each entity."""
        return [span.type for span in gold]

    def target(self, gold: Gold, document: Document) -> IntArray:
        """The tag's id at each word's first token. *Shape:* (tokens,)."""
        words = document.words[self.words]
        target = self.missing_target(document)
        ids = {tag: index for index, tag in enumerate(self.outputs)}
        for position, tag in zip(words.first, tags_from_spans(gold, words.spans, self.scheme), strict=True):
            if position >= 0:
                target[position] = IGNORED if tag is None else ids[tag]
        return target

    def decode(self, logits: FloatArray, document: Document) -> Tagging:
        """The best valid sequence over the words that were read; those beyond the length limit have no tag.

        A tag's score is its probability: the softmax of the word's logits by the temperature, with a CRF its marginal
        probability given the whole text. An entity's score is the mean of its words' tags' scores.
        """
        words, outputs = document.words[self.words], self.outputs
        count = words.read if document.truncated else len(words.spans)
        first = words.first[:count]
        read = first >= 0
        scores = np.full((count, len(outputs)), -1e9, dtype=np.float32)
        scores[:, 0] = 0.0
        probabilities = softmax(logits[first[read]] / self.temperature)
        scores[read] = np.log(np.maximum(probabilities, 1e-30))
        best = best_sequence(scores, forbidden_transitions(outputs, self.scheme))
        chosen = np.exp(scores[np.arange(len(best)), best])
        tags = [outputs[index] for index in best]
        text, cut = document.text, len(words.spans) - count
        tagged = tuple(
            WordTag(text[start:end], tag, score, start, end)
            for (start, end), tag, score in zip(
                words.spans, [*tags, *[None] * cut], [*chosen.tolist(), *[0.0] * cut], strict=True
            )
        )
        return Tagging(tuple(_entities(text, tagged, tags, chosen, self.scheme)), tagged, int((~read).sum()), cut)

    def decisions(self, logits: FloatArray, gold: Gold, document: Document) -> Decisions | None:
        """Each word's tag, where it is known."""
        if not {span.type for span in gold} <= set(self.labels):
            return None
        target = self.target(gold, document)
        known = target != IGNORED
        return Decisions(logits[known], target[known])


def _entities(
    text: str, words: Sequence[WordTag], tags: Sequence[str], scores: FloatArray, scheme: Scheme
) -> Iterable[Entity]:
    for first, last, name in runs(tags, scheme):
        start, end = words[first].start, words[last].end
        yield Entity(name, float(scores[first : last + 1].mean()), text[start:end], start, end)
