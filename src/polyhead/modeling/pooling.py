"""Pooling: token states → one vector a text. Padding never counts, so neighbours in a batch change nothing."""

from collections.abc import Callable
from typing import Literal, get_args

import torch
from torch import Tensor, nn

PoolingMode = Literal["mean", "cls", "max", "last", "attention"]
POOLING_MODES: tuple[str, ...] = get_args(PoolingMode)


def pool_mean(tokens: Tensor, mask: Tensor) -> Tensor:
    """The mean over real tokens. *Shapes:* (batch, tokens, hidden), (batch, tokens) → (batch, hidden)."""
    weights = mask.unsqueeze(-1).to(tokens.dtype)
    return (tokens * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1e-9)


def pool_cls(tokens: Tensor, mask: Tensor) -> Tensor:
    """The first token that counts. *Shapes:* as ``pool_mean``."""
    return _at(tokens, mask.int().argmax(dim=1))


def pool_max(tokens: Tensor, mask: Tensor) -> Tensor:
    """The greatest value of each dimension over real tokens. *Shapes:* as ``pool_mean``."""
    return tokens.masked_fill(mask.unsqueeze(-1) == 0, -torch.inf).amax(dim=1)


def pool_last(tokens: Tensor, mask: Tensor) -> Tensor:
    """The last real token, for decoders. *Shapes:* as ``pool_mean``."""
    positions = torch.arange(mask.shape[1], device=mask.device)
    return _at(tokens, (mask * positions).argmax(dim=1))


def _at(tokens: Tensor, position: Tensor) -> Tensor:
    return tokens[torch.arange(tokens.shape[0], device=tokens.device), position]


_FUNCTIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mean": pool_mean,
    "cls": pool_cls,
    "max": pool_max,
    "last": pool_last,
}


class Pooling(nn.Module):
    """One of the poolings without weights."""

    def __init__(self, *, mode: PoolingMode) -> None:
        super().__init__()
        self.mode = mode

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """*Shapes:* (batch, tokens, hidden), (batch, tokens) → (batch, hidden), in fp32."""
        return _FUNCTIONS[self.mode](tokens.float(), mask)


class AttentionPooling(nn.Module):
    """A learned weighted mean: one linear layer scores each token, a softmax over real tokens weighs them.

    The source is "A Structured Self-attentive Sentence Embedding" (arXiv 1703.03130) with a single linear scorer. The
    scorer starts at zero, so that an untrained one is mean pooling.
    """

    mode: PoolingMode = "attention"

    def __init__(self, *, hidden: int) -> None:
        super().__init__()
        self.score = nn.Linear(hidden, 1)
        nn.init.zeros_(self.score.weight)
        nn.init.zeros_(self.score.bias)

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """*Shapes:* (batch, tokens, hidden), (batch, tokens) → (batch, hidden), in fp32."""
        states = tokens.float()
        scores = self.score(states).squeeze(-1).float().masked_fill(mask == 0, -torch.inf)
        pooled: Tensor = (scores.softmax(dim=1).unsqueeze(-1) * states).sum(dim=1)
        return pooled
