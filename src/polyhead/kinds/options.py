"""Settings that several kinds of tasks share: the head's layers, what it reads, its loss, its calibration."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from polyhead.kinds.base import Level, Task


class LayerOptions(Task):
    """The head's own layers, and which of the backbone's it reads."""

    dropout: float = Field(0.1, ge=0, lt=1, description="dropout before each of the head's layers")
    hidden: int | None = Field(None, ge=1, le=65536, description="width of a hidden layer (GELU) before the linear one")
    layers: Literal["last", "mix"] = Field(
        "last",
        description="the backbone's last layer, or a learned scalar mix of all of them (Peters et al., 2018)",
    )


class SentenceOptions(LayerOptions):
    """A head that reads one vector a text, or those of two texts together."""

    input: Literal["pooled", "embedding", "cls"] = Field(
        "pooled",
        description="what the head reads: the pooled vector before the projection, the embedding after it, or the "
        "first token's state",
    )
    pair: bool = Field(
        False,
        description="two texts a row (text_pair), read as (u, v, |u − v|) (Reimers and Gurevych, 2019)",
    )

    @model_validator(mode="after")
    def _embeddings_are_of_the_last_layer(self) -> Self:
        if self.layers == "mix" and self.input == "embedding":
            raise ValueError("layers: mix reads token states; use it with input: pooled or cls")
        return self

    @property
    def reads_embedding(self) -> bool:
        """With ``input: embedding``, of single texts."""
        return self.input == "embedding" and not self.pair

    @property
    def level(self) -> Level:
        """A text, or a pair of them."""
        return "pair" if self.pair else "sentence"


class LossOptions(Task):
    """Cross-entropy's variants."""

    label_smoothing: float = Field(
        0.0, ge=0, lt=1, description="share of a target that the loss spreads over all labels"
    )
    focal_gamma: float = Field(
        0.0, ge=0, description="above 0, labels that are easy by now weigh less (γ of focal loss; 2 is usual)"
    )


def _text_keys(value: Any) -> Any:
    return {str(key): weight for key, weight in value.items()} if isinstance(value, dict) else value


ClassWeights = Annotated[dict[str, float], BeforeValidator(_text_keys)]


def check_class_weights(given: Mapping[str, float], names: tuple[str, ...]) -> None:
    """Refuse weights of what is none of ``names`` (where they are known), and weights that are not above 0.

    Raises:
        ValueError: there is one.
    """
    unknown = sorted(set(given) - set(names)) if names else []
    if unknown:
        raise ValueError(f"class_weights must be of the labels {', '.join(names)}; found {unknown[0]}")
    if any(not weight > 0 for weight in given.values()):
        raise ValueError("class_weights must be above 0")


class RareLabelOptions(LossOptions):
    """What helps labels that occur seldom."""

    class_weights: Literal["balanced"] | ClassWeights | None = Field(
        None, description="label → what its loss is multiplied with; balanced: by how rare it is in training data"
    )
    logit_adjustment: float = Field(
        0.0, ge=0, description="above 0, rare labels get their due (τ of logit adjustment; 1 is usual)"
    )
    label_shares: dict[str, float] = Field(
        {}, description="each label's share of the training rows; training fills it in where it is needed"
    )

    @model_validator(mode="after")
    def _weights_are_of_labels(self) -> Self:
        if isinstance(self.class_weights, dict):
            check_class_weights(self.class_weights, self.labels)
        return self

    def with_counts(self, counts: Mapping[str, int], rows: int) -> Self:
        """Label shares, where the loss needs them; a label that does not occur counts as if it did once."""
        if self.label_shares or not (self.class_weights == "balanced" or self.logit_adjustment):
            return self
        shares = {label: max(1, counts.get(label, 0)) / max(1, rows) for label in self.labels}
        return self.model_copy(update={"label_shares": shares})


class Calibrated(Task):
    """A head whose scores are probabilities."""

    temperature: float = Field(
        1.0, gt=0, description="what logits are divided by before they become scores; training fits it"
    )
