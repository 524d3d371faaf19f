"""A learned scalar mix of the backbone's layers."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class ScalarMix(nn.Module):
    """γ Σ softmax(s)ₖ hₖ over the embedding layer and every transformer layer (Peters et al., 2018, arXiv 1802.05365).

    It begins as the mean of all layers.
    """

    def __init__(self, *, layers: int) -> None:
        super().__init__()
        self.scalars = nn.Parameter(torch.zeros(layers))
        self.gamma = nn.Parameter(torch.ones(()))

    def forward(self, layers: Sequence[Tensor]) -> Tensor:
        """*Shapes:* (texts, tokens, hidden) each → (texts, tokens, hidden), in fp32."""
        weights = self.scalars.softmax(dim=0)
        mixed = torch.stack([weight * states.float() for weight, states in zip(weights, layers, strict=True)]).sum(0)
        return self.gamma * mixed
