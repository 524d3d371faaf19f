"""The settings that stand under ``embedding:`` in a recipe, and what they name, read."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from polyhead.data.pairs import Pairs
from polyhead.data.readers import SOURCES, Source
from polyhead.kinds import TASK_NAME
from polyhead.pretrained import Pretrained


def _source(value: Any) -> Any:
    """A path or paths of plain text, or a mapping with a format, as a source."""
    if value is None or isinstance(value, Source):
        return value
    given = value if isinstance(value, dict) else {"path": value}
    name = given.get("format", "text")
    if not isinstance(name, str) or name not in SOURCES:
        raise ValueError(f"format must be one of {', '.join(SOURCES)}; found {name!r}")
    return SOURCES[name].model_validate({**given, "format": name})


class EmbeddingSettings(BaseModel):
    """Under ``embedding:``. Left out, the embedding goes where the tasks take it, and its drift is measured."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    mode: Literal["free", "anchor", "fork"] = Field(
        "free",
        description="free: it moves with the tasks; anchor: a loss holds it where it was; fork: the tasks learn on "
        "copies of the upper layers, and it stays bit for bit",
    )
    weight: float | None = Field(None, gt=0, description="anchor: the loss's weight, as a task's; 1 if left out")
    top: int | None = Field(None, ge=1, description="fork: how many of the topmost layers are copied")
    name: str | None = Field(
        None, pattern=f"^{TASK_NAME}$", description="fork: the branch's name in the model; fork if left out"
    )
    pairs: str | None = Field(
        None, description="a file with two sentences and a score a row (csv or jsonl) to measure the embedding on"
    )
    texts: Annotated[Source | None, BeforeValidator(_source)] = Field(
        None,
        description="unlabelled texts: a file with a text a line, or a mapping with format, path and text; measured on "
        "where there are no pairs, and with mode: anchor held, too",
    )
    max_drop: float | None = Field(
        None,
        ge=0,
        description="the best model is chosen among those whose Spearman on pairs (without: mean cosine to the "
        "original) is at most this much below the original's",
    )
    interpolate: bool = Field(
        False,
        description="after training, take the best of the mixtures of start and end weights, heads included, by "
        "validation data and max_drop",
    )

    @model_validator(mode="after")
    def _one_mode(self) -> Self:
        given = {name for name in self.model_fields_set if getattr(self, name) is not None}
        if self.mode == "fork" and self.top is None:
            raise ValueError("mode: fork needs top, the number of layers that are copied")
        for name, mode in (("weight", "anchor"), ("top", "fork"), ("name", "fork")):
            if name in given and self.mode != mode:
                raise ValueError(f"{name} belongs to mode: {mode}")
        if self.mode == "fork" and (self.interpolate or self.max_drop is not None):
            raise ValueError("mode: fork keeps the embedding as it is; leave max_drop and interpolate out")
        return self

    @property
    def branch(self) -> str | None:
        """The branch that learns; None for the encoder itself."""
        return (self.name or "fork") if self.mode == "fork" else None

    @property
    def anchor_weight(self) -> float:
        """What the anchor's loss is multiplied with."""
        return 1.0 if self.weight is None else self.weight


@dataclass(frozen=True, slots=True)
class Keeping:
    """The settings with their files read.

    ``original`` is what the embedding is held against, where that is not the encoder which the training begins with.
    """

    settings: EmbeddingSettings = field(default_factory=EmbeddingSettings)
    pairs: Pairs | None = None
    texts: Sequence[str] = ()
    original: Pretrained | None = None
