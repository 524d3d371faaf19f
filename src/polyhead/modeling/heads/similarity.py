"""The head of a similarity task: the cosine of two embeddings. It has no weights."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from polyhead.kinds import IGNORED
from polyhead.modeling.encoded import Encoded
from polyhead.modeling.heads.base import Head


class SimilarityHead(Head):
    """Teaches the encoder by CoSENT (Su, 2022, kexue.fm/archives/8847), or by the mean squared error of cosines."""

    def __init__(self, *, loss: Literal["cosent", "mse"] = "cosent", scale: float = 20.0) -> None:
        super().__init__()
        self._loss = {"cosent": self._cosent, "mse": self._squared}[loss]
        self._scale = scale

    def features(self, encoded: Encoded) -> Tensor:
        """*Shape:* (texts, width)."""
        return encoded.embedding

    def gather(self, features: Tensor, encoded: Encoded) -> Sequence[Tensor]:
        """The embeddings of a row's first two texts. *Shape:* (rows, width) each."""
        return encoded.texts(features, 2)

    def classify(self, *features: Tensor) -> Tensor:
        """*Shapes:* (rows, width) twice → (rows, 1)."""
        first, second = features
        return functional.cosine_similarity(first, second, dim=-1).unsqueeze(-1)

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The mean loss of the rows, times their number. *Shapes:* (rows, 1), (rows,) → ()."""
        known = targets != IGNORED
        return self._loss(logits[known, 0], targets[known])

    def _cosent(self, cosines: Tensor, targets: Tensor) -> Tensor:
        """log(1 + Σ exp(scale · (cosᵢ − cosⱼ))) over all i that should be less alike than j."""
        differences = self._scale * (cosines[:, None] - cosines[None, :])
        wrong_way = differences[targets[:, None] < targets[None, :]]
        return len(cosines) * torch.logsumexp(torch.cat([differences.new_zeros(1), wrong_way]), dim=0)

    def _squared(self, cosines: Tensor, targets: Tensor) -> Tensor:
        return torch.square(cosines - targets).sum()
