"""What every head has in common."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional

from polyhead.modeling.encoded import Encoded
from polyhead.modeling.heads.losses import ClassLoss


class Head(nn.Module, ABC):
    """The small network of one task: ``Encoded`` → fp32 logits.

    Heads run outside autocast: their products are tiny, and one head's numbers never depend on another's presence.
    """

    def __init__(
        self, *, width: int, outputs: int, dropout: float, hidden: int | None = None, criterion: ClassLoss | None = None
    ) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.hidden = None if hidden is None else nn.Linear(width, hidden)
        self.linear = nn.Linear(width if hidden is None else hidden, outputs)
        self.criterion = criterion or ClassLoss()
        for layer in (self.hidden, self.linear):
            if layer is not None:
                nn.init.normal_(layer.weight, std=0.02)
                nn.init.zeros_(layer.bias)

    def forward(self, encoded: Encoded) -> Tensor:
        """Logits. *Shape:* (batch, labels) at sentence level, (batch, tokens, labels) at token level."""
        with torch.autocast(encoded.tokens.device.type, enabled=False):
            features = self.dropout(self.features(encoded))
            if self.hidden is not None:
                features = self.dropout(functional.gelu(self.hidden(features)))
            logits: Tensor = self.linear(features)
        return logits

    @abstractmethod
    def features(self, encoded: Encoded) -> Tensor:
        """What the first layer reads, in fp32. *Shape:* (batch[, tokens], width)."""

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The *sum* of the losses of all labels that are there; the loop divides by their count over the whole step.

        Here cross-entropy in one of its forms, with ``IGNORED`` passed over. *Shapes:* (…, labels), (…) → ().
        """
        loss: Tensor = self.criterion(logits, targets)
        return loss
