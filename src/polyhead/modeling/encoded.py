"""What goes into the model and what an encoder gives its heads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Literal, Self

import torch
from torch import Tensor


class _Tensors:
    """A dataclass of tensors that moves as one."""

    __slots__ = ()

    def to(self, device: torch.device) -> Self:
        """The same on another device."""
        moved = {each.name: _moved(getattr(self, each.name), device) for each in fields(self)}  # type: ignore[arg-type]
        return type(self)(**moved)


def _moved(value: object, device: torch.device) -> object:
    if isinstance(value, Mapping):
        return {name: _moved(each, device) for name, each in value.items()}
    return value.to(device) if isinstance(value, Tensor | _Tensors) else value


@dataclass(frozen=True, slots=True)
class WordInputs(_Tensors):
    """Words as one splitter cuts them. *Shapes:* (texts, tokens).

    ``index`` is the word that each token belongs to, −1 for none; ``shapes`` that word's shape, 0 for none.
    """

    index: Tensor
    shapes: Tensor


@dataclass(frozen=True, slots=True)
class Known(_Tensors):
    """What was computed of texts earlier, so that the forward pass begins with it.

    *Shapes:* ``values`` (texts, tokens, hidden) at level ``tokens``, the states after the first ``depth`` layers;
    (texts, hidden) at level ``pooled``, (texts, width) at level ``embedding``: then nothing is known of the tokens.
    """

    values: Tensor
    level: Literal["tokens", "pooled", "embedding"]
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Inputs(_Tensors):
    """A batch of texts. *Shapes:* (texts, tokens), int64.

    ``pooling_mask`` is the attention mask, less the prompt's tokens where the encoder pools without them. ``parts``
    (rows, most texts a row) says, where rows have more texts than one, which texts are a row's, −1 for none; the rows'
    first texts come first, in order. ``known`` is what was computed of them earlier.
    """

    input_ids: Tensor
    attention_mask: Tensor
    pooling_mask: Tensor
    words: Mapping[str, WordInputs] = field(default_factory=dict)
    parts: Tensor | None = None
    known: Known | None = None


@dataclass(frozen=True, slots=True)
class Encoded:
    """What one forward pass of the encoder gives.

    *Shapes:* ``tokens`` (texts, tokens, hidden); ``mask`` and ``pooling_mask`` (texts, tokens); ``pooled`` (texts,
    hidden), before the projection; ``embedding`` (texts, width), after it. ``pooled`` and ``embedding`` are fp32 or
    wider, whatever the backbone computes in. ``words`` and ``parts`` are those of the inputs; ``layers`` are the token
    states of every layer from the embedding on, where a head asked for them.
    """

    tokens: Tensor
    mask: Tensor
    pooling_mask: Tensor
    pooled: Tensor
    embedding: Tensor
    words: Mapping[str, WordInputs] = field(default_factory=dict)
    parts: Tensor | None = None
    layers: Sequence[Tensor] = ()

    @property
    def rows(self) -> int:
        """How many rows the texts belong to."""
        return len(self.embedding if self.parts is None else self.parts)

    def texts(self, features: Tensor, count: int | None = None) -> tuple[Tensor, ...]:
        """Each row's first ``count`` texts, or all; zeros where there is none.

        *Shapes:* (texts, width) → (rows, width) each.
        """
        assert self.parts is not None, "rows of one text have no second one"
        columns = self.parts[:, :count].unbind(dim=1)
        return tuple(features[column.clamp(min=0)] * (column >= 0).unsqueeze(1) for column in columns)
