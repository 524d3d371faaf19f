"""What goes into the model and what an encoder gives its heads."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class WordInputs:
    """Words as one splitter cuts them. *Shapes:* (batch, tokens).

    ``index`` is the word that each token belongs to, −1 for none; ``shapes`` that word's shape, 0 for none.
    """

    index: Tensor
    shapes: Tensor

    def to(self, device: torch.device) -> "WordInputs":
        """The same on another device."""
        return WordInputs(self.index.to(device), self.shapes.to(device))


@dataclass(frozen=True, slots=True)
class Inputs:
    """A batch. *Shapes:* (batch, tokens), int64.

    ``pooling_mask`` is the attention mask, less the prompt's tokens where the encoder pools without them.
    """

    input_ids: Tensor
    attention_mask: Tensor
    pooling_mask: Tensor
    words: Mapping[str, WordInputs] = field(default_factory=dict)

    def to(self, device: torch.device) -> "Inputs":
        """The same on another device."""
        return Inputs(
            self.input_ids.to(device),
            self.attention_mask.to(device),
            self.pooling_mask.to(device),
            {name: words.to(device) for name, words in self.words.items()},
        )


@dataclass(frozen=True, slots=True)
class Encoded:
    """What one forward pass of the encoder gives.

    *Shapes:* ``tokens`` (batch, tokens, hidden); ``mask`` (batch, tokens); ``pooled`` (batch, hidden), before the
    projection; ``embedding`` (batch, width), after it. ``pooled`` and ``embedding`` are fp32 or wider, whatever the
    backbone computes in. ``words`` holds the word features of the inputs, by splitter.
    """

    tokens: Tensor
    mask: Tensor
    pooled: Tensor
    embedding: Tensor
    words: Mapping[str, WordInputs] = field(default_factory=dict)
