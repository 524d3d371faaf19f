"""The head of a task of texts that belong together: their embeddings, ranked against each other. It has no weights."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from polyhead.kinds import IGNORED
from polyhead.modeling.encoded import Encoded
from polyhead.modeling.heads.base import Head


class PairsHead(Head):
    """Teaches the encoder by multiple-negatives ranking (Henderson et al., 2017, arXiv 1705.00652).

    Each anchor must find its own positive among all positives and all negatives of the batch.
    """

    def __init__(self, *, scale: float = 20.0) -> None:
        super().__init__()
        self._scale = scale

    def features(self, encoded: Encoded) -> Tensor:
        """*Shape:* (texts, width), of length 1."""
        return functional.normalize(encoded.embedding, dim=-1)

    def gather(self, features: Tensor, encoded: Encoded) -> Sequence[Tensor]:
        """A row's anchor, positive and negatives; zeros where it has fewer. *Shape:* (rows, width) each."""
        return encoded.texts(features)

    def classify(self, *features: Tensor) -> Tensor:
        """*Shapes:* (rows, width) a text → (rows, texts, width)."""
        return torch.stack(features, dim=1)

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy over the candidates, summed. *Shapes:* (rows, texts, width), (rows,) texts a row → ()."""
        known = targets != IGNORED
        vectors, texts = logits[known], targets[known]
        there = torch.arange(2, vectors.shape[1], device=texts.device) < texts[:, None]
        candidates = torch.cat([vectors[:, 1], vectors[:, 2:][there]])
        scores = self._scale * vectors[:, 0] @ candidates.T
        own = torch.arange(len(scores), device=scores.device)
        return functional.cross_entropy(scores, own, reduction="sum")
