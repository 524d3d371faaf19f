"""The plan as it stands under ``training.plan`` in a recipe: what learns, from when on, and how fast."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

Strategy = Literal["full", "frozen", "probe", "top", "layers", "thaw", "probe-then-full", "bitfit", "lora"]


def _not_truth(value: Any) -> Any:
    """The value; ``true`` would pass for 1."""
    for each in value if isinstance(value, list | tuple) else [value]:
        if isinstance(each, bool):
            raise ValueError(f"takes no true or false; found {str(each).lower()}")
    return value


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, populate_by_name=True)

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth(cls, value: Any) -> Any:
        return _not_truth(value)


class Thaw(_Settings):
    """Heads first, then layer after layer from the top (Howard and Ruder, 2018, arXiv 1801.06146)."""

    epochs: tuple[Annotated[int, Field(ge=2)], ...] | None = Field(
        None,
        min_length=1,
        description="the epochs with which the stages after the first begin; the layers are shared out among them",
    )
    patience: int | None = Field(
        None, ge=1, description="instead of epochs: a stage ends after so many epochs without a better score"
    )
    layers: int = Field(1, ge=1, description="layers a stage, without epochs")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.epochs is not None and self.patience is not None:
            raise ValueError("give either epochs or patience")
        if self.epochs is not None and list(self.epochs) != sorted(set(self.epochs)):
            raise ValueError("epochs must rise")
        return self


class ProbeThenFull(_Settings):
    """Heads to convergence, then everything (Kumar et al., 2022, arXiv 2202.10054)."""

    epoch: int | None = Field(None, ge=2, description="the epoch with which everything begins to learn")
    patience: int = Field(
        1,
        ge=1,
        description="without epoch: once the heads have had so many without a better score, or half of all epochs",
    )


class Lora(_Settings):
    """Low-rank adapters beside the backbone's linear layers (Hu et al., 2021, arXiv 2106.09685), by peft."""

    rank: int = Field(8, ge=1, description="of each adapter's two matrices")
    alpha: int | None = Field(
        None, ge=1, description="the adapters' output is multiplied by alpha / rank; 2 · rank if left out"
    )
    dropout: float = Field(0.0, ge=0, lt=1, description="before the adapters")


def _spelled(value: Any) -> Any:
    """``probe`` for ``{strategy: probe}``, ``top:2`` for ``{top: 2}``, ``{thaw: }`` for ``{thaw: {}}``."""
    if isinstance(value, str):
        name, colon, number = value.partition(":")
        return {name: number} if colon and name == "top" else {"strategy": value}
    if isinstance(value, dict):
        return {key: {} if each is None and key in _WITH_SETTINGS else each for key, each in value.items()}
    return value


_DEFAULT: Strategy = "full"
_THAW_DECAY = 0.8  # ELECTRA's for its small and base models (Clark et al., 2020, arXiv 2003.10555)
_WITH_SETTINGS = ("thaw", "probe-then-full", "lora")


class Plan(_Settings):
    """One strategy, and what refines it."""

    strategy: Literal["full", "frozen", "probe", "thaw", "probe-then-full", "bitfit", "lora"] | None = Field(
        None, description="a strategy without settings of its own"
    )
    top: int | None = Field(None, ge=0, description="only the topmost K layers learn, and the heads")
    layers: tuple[int, ...] | None = Field(
        None,
        min_length=1,
        description="only these layers learn, and the heads; from 0 at the bottom, −1 is the topmost",
    )
    thaw: Thaw | None = Field(None, description="the strategy thaw, with its settings")
    probe_then_full: ProbeThenFull | None = Field(
        None, alias="probe-then-full", description="the strategy probe-then-full, with its settings"
    )
    lora: Lora | None = Field(None, description="the strategy lora, with its settings")
    freeze: tuple[str, ...] = Field(
        (),
        min_length=1,
        description="heads, backbone, or encoder (also pooling and projection), that learn under no strategy",
    )
    layer_decay: float | None = Field(
        None, gt=0, le=1, description="each layer's rate is this times that of the layer above; 0.8 for thaw, else 1"
    )
    rates: dict[str, Annotated[float, Field(ge=0), BeforeValidator(_not_truth)]] = Field(
        default_factory=dict,
        description="regular expression → rate of the parameters in whose names it is found; 0 freezes them",
    )

    @model_validator(mode="after")
    def _one_strategy(self) -> Self:
        empty = [name for name in self.model_fields_set if getattr(self, name) is None]
        if empty:
            raise ValueError(f"{' and '.join(sorted(empty))} must have a value")
        given = [name for name in ("strategy", "top", "layers", *_WITH_SETTINGS) if self._given(name)]
        if len(given) > 1:
            raise ValueError(f"one strategy at a time, found {' and '.join(given)}")
        return self

    def _given(self, name: str) -> bool:
        return getattr(self, name.replace("-", "_")) is not None

    @property
    def name(self) -> Strategy:
        """The strategy."""
        special: tuple[Strategy, ...] = ("top", "layers", "thaw", "probe-then-full", "lora")
        if self.strategy is not None:
            return self.strategy
        return next((name for name in special if self._given(name)), _DEFAULT)

    @property
    def decay(self) -> float:
        """``layer_decay``, or the strategy's own."""
        return self.layer_decay or (_THAW_DECAY if self.name == "thaw" else 1.0)


PlanSetting = Annotated[Plan, BeforeValidator(_spelled)]
