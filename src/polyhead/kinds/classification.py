"""One label out of several for each text."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from polyhead.documents import Document, IntArray
from polyhead.kinds.base import FloatArray, Task, softmax
from polyhead.predictions import Classification, LabelScore


class ClassificationTask(Task):
    """Gold: a label name. Logits: one a label."""

    level: ClassVar[Literal["sentence", "token"]] = "sentence"
    metrics: ClassVar[tuple[str, ...]] = ("accuracy", "f1_macro", "f1_micro", "matthews")

    kind: Literal["classification"] = "classification"
    input: Literal["pooled", "embedding", "cls"] = Field(
        "pooled",
        description="what the head reads: the pooled vector before the projection, the embedding after it, or the "
        "first token's state",
    )
    class_weights: Literal["balanced"] | dict[str, float] | None = Field(
        None, description="label → what its loss is multiplied with; balanced: rows / (labels × the label's rows)"
    )
    focal_gamma: float = Field(0.0, ge=0, description="above 0, labels that are easy by now weigh less (focal loss)")
    logit_adjustment: float = Field(
        0.0, ge=0, description="above 0, rare labels get their due (τ of logit adjustment; 1 is usual)"
    )
    label_shares: dict[str, float] = Field(
        {}, description="each label's share of the training rows; training fills it in"
    )

    @model_validator(mode="after")
    def _weights_are_of_labels(self) -> "ClassificationTask":
        given = self.class_weights if isinstance(self.class_weights, dict) else {}
        unknown = sorted(set(given) - set(self.labels)) if self.labels else []
        if unknown:
            raise ValueError(f"class_weights must be of the labels {', '.join(self.labels)}; found {unknown[0]}")
        if any(not weight > 0 for weight in given.values()):
            raise ValueError("class_weights must be above 0")
        return self

    @property
    def outputs(self) -> tuple[str, ...]:
        """The labels."""
        return self.labels

    def labels_of(self, gold: str) -> Sequence[str]:
        """The one label."""
        return (gold,)

    def with_counts(self, counts: Mapping[str, int]) -> "ClassificationTask":
        """Class weights and label shares worked out; a label that does not occur counts as if it did once."""
        rows = {label: max(1, counts.get(label, 0)) for label in self.labels}
        total = sum(rows.values())
        changes: dict[str, Any] = {}
        if self.class_weights == "balanced":
            changes["class_weights"] = {label: total / (len(rows) * count) for label, count in rows.items()}
        if self.logit_adjustment and not self.label_shares:
            changes["label_shares"] = {label: count / total for label, count in rows.items()}
        return self.model_copy(update=changes)

    def target(self, gold: str, document: Document) -> IntArray:
        """The label's id. *Shape:* ()."""
        return np.asarray(self.labels.index(gold), dtype=np.int64)

    def decode(self, logits: FloatArray, document: Document) -> Classification:
        """The most probable label; ties go to the label that comes first."""
        probabilities = softmax(logits)
        ranked = np.argsort(-probabilities, kind="stable")
        scores = tuple(LabelScore(self.labels[index], float(probabilities[index])) for index in ranked)
        return Classification(scores[0].label, scores[0].score, scores)
