"""What every head has in common."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from polyhead.modeling.encoded import Encoded
from polyhead.modeling.heads.losses import ClassLoss
from polyhead.modeling.heads.mix import ScalarMix


class Head(nn.Module, ABC):
    """The small network of one task: ``Encoded`` → fp32 logits, by way of what it reads of each text.

    Heads run outside autocast: their products are tiny, and one head's numbers never depend on another's presence.
    """

    reads_layers = False
    """Whether it needs the states of all of the backbone's layers."""

    def forward(self, encoded: Encoded) -> Tensor:
        """Logits. *Shape:* (rows, outputs) for texts and pairs, (rows, tokens, outputs) at token level."""
        with torch.autocast(encoded.mask.device.type, enabled=False):
            return self.classify(*self.gather(self.features(encoded), encoded))

    @abstractmethod
    def features(self, encoded: Encoded) -> Tensor:
        """What it reads of each text, in fp32. *Shape:* (texts[, tokens], width)."""

    def gather(self, features: Tensor, encoded: Encoded) -> Sequence[Tensor]:
        """The features of each row's texts, as ``classify`` takes them: here those of the first text."""
        return (features[: encoded.rows],)

    @abstractmethod
    def classify(self, *features: Tensor) -> Tensor:
        """Features of rows → logits; a tensor for each of a row's texts. *Shapes:* (rows[, tokens], width) each."""

    def answer(self, logits: Tensor, encoded: Encoded) -> Tensor:
        """What is decoded: the logits, unless the head knows better. *Shape:* that of ``logits``."""
        return logits

    @abstractmethod
    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The *sum* of the losses of all labels that are there; the loop divides by their count over the whole step."""


class LayeredHead(Head):
    """A head with layers of its own: dropout and a linear layer, with a hidden one before it if asked."""

    def __init__(
        self,
        *,
        width: int,
        outputs: int,
        dropout: float,
        hidden: int | None = None,
        criterion: nn.Module | None = None,
        mix: ScalarMix | None = None,
    ) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.hidden = None if hidden is None else nn.Linear(width, hidden)
        self.linear = nn.Linear(width if hidden is None else hidden, outputs)
        self.criterion = criterion or ClassLoss()
        self.mix = mix
        self.reads_layers = mix is not None
        for layer in (self.hidden, self.linear):
            if layer is not None:
                nn.init.normal_(layer.weight, std=0.02)
                nn.init.zeros_(layer.bias)

    def states(self, encoded: Encoded) -> Tensor:
        """Token states in fp32: the last layer's, or a mix of all. *Shape:* (texts, tokens, hidden)."""
        mixed: Tensor = encoded.tokens.float() if self.mix is None else self.mix(encoded.layers)
        return mixed

    def classify(self, *features: Tensor) -> Tensor:
        """*Shapes:* (rows[, tokens], width) → (rows[, tokens], outputs)."""
        [found] = features
        found = self.dropout(found)
        if self.hidden is not None:
            found = self.dropout(functional.gelu(self.hidden(found)))
        logits: Tensor = self.linear(found)
        return logits

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The criterion's, with ``IGNORED`` passed over. *Shapes:* (…, outputs), (…) → ()."""
        loss: Tensor = self.criterion(logits, targets)
        return loss
