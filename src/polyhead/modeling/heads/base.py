"""What every head has in common."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional

from polyhead.kinds import IGNORED
from polyhead.modeling.encoded import Encoded


class Head(nn.Module, ABC):
    """The small network of one task: ``Encoded`` → fp32 logits.

    Heads run outside autocast: their products are tiny, and one head's numbers never depend on another's presence.
    """

    def __init__(self, *, width: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(width, outputs)
        nn.init.normal_(self.linear.weight, std=0.02)
        nn.init.zeros_(self.linear.bias)

    def forward(self, encoded: Encoded) -> Tensor:
        """Logits. *Shape:* (batch, labels) at sentence level, (batch, tokens, labels) at token level."""
        with torch.autocast(encoded.tokens.device.type, enabled=False):
            logits: Tensor = self.linear(self.dropout(self.features(encoded)))
        return logits

    @abstractmethod
    def features(self, encoded: Encoded) -> Tensor:
        """What the linear layer reads, in fp32. *Shape:* (batch[, tokens], width)."""

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The *sum* of the losses of all labels that are there; the loop divides by their count over the whole step.

        Here cross-entropy, with ``IGNORED`` passed over. *Shapes:* (…, labels), (…) → ().
        """
        flat = logits.reshape(-1, logits.shape[-1])
        return functional.cross_entropy(flat, targets.reshape(-1), ignore_index=IGNORED, reduction="sum")
