"""The recipe as values: model, tasks, data, training, embedding."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from polyhead.data.readers import Source
from polyhead.kinds import Task
from polyhead.pretrained import DEFAULT_BACKBONE
from polyhead.training import EmbeddingSettings, TrainingSettings

SPLITS = ("train", "validation", "test")


def _as_width(value: Any) -> Any:
    return {"width": value} if isinstance(value, int) and not isinstance(value, bool) else value


class Projection(BaseModel):
    """A new linear layer from the pooled vector to a narrower embedding; a plain number is its width."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    width: int = Field(ge=1, le=65536, description="numbers of the embedding")
    init: Literal["random", "pca"] = Field(
        "random",
        description="pca: the directions in which the embeddings of the training texts differ most, so that the space "
        "survives, and no bias",
    )


class ModelSettings(BaseModel):
    """Under ``model:``. What is left out is as the backbone's folder says."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    backbone: str = Field(DEFAULT_BACKBONE, description="a folder (from the recipe's), or a name on the Hub")
    fallback: str | None = Field(
        None, description="what is used, loudly, where the backbone's weights can be had neither here nor from the Hub"
    )
    pooling: Literal["mean", "cls", "max", "last", "attention"] | None = Field(
        None, description="how token states become one vector; last for decoders, attention is learned"
    )
    projection: Annotated[Projection | None, BeforeValidator(_as_width)] = Field(
        None, description="a new linear projection after the pooling: its width, or `{width: 256, init: pca}`"
    )
    normalize: bool | None = Field(None, description="whether embeddings have length 1")
    max_length: int | None = Field(None, ge=3, description="tokens that are read of a text, special ones included")
    attention_dropout: float | None = Field(
        None, ge=0, lt=1, description="replaces the backbone's attention dropout; 0 trains a third faster on CPUs"
    )


@dataclass(frozen=True, slots=True)
class DataSettings:
    """One data set: its source of each split that has files, and the share of ``train`` for those that have not."""

    sources: Mapping[str, Source] = field(default_factory=dict)
    shares: Mapping[str, float] = field(default_factory=dict)
    batch_size: int | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """A whole recipe. ``root`` is what its data paths are relative to; ``raw`` is the document, overrides included."""

    name: str
    model: ModelSettings
    tasks: Mapping[str, Task]
    data: Mapping[str, DataSettings]
    training: TrainingSettings
    embedding: EmbeddingSettings
    root: Path
    raw: Mapping[str, Any]
