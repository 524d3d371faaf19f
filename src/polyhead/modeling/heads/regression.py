"""The head of a regression task: one number, as a share of its range."""

import torch
from torch import Tensor, nn

from polyhead.kinds import IGNORED
from polyhead.modeling.heads.sentence import SentenceHead


class RegressionHead(SentenceHead):
    """A ``SentenceHead`` with a ``SquaredLoss``."""


class SquaredLoss(nn.Module):
    """The *sum* of squared errors, of shares of the range."""

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """``IGNORED`` targets are passed over. *Shapes:* (rows, 1), (rows,) → ()."""
        known = targets != IGNORED
        return torch.square(logits[known, 0] - targets[known]).sum()
