"""The head of a classification task: dropout and a linear layer on one vector a text."""

from typing import Literal

from torch import Tensor

from polyhead.modeling.encoded import Encoded
from polyhead.modeling.heads.base import Head


class ClassificationHead(Head):
    """Reads the pooled vector before the projection, or the embedding after it."""

    def __init__(self, *, width: int, outputs: int, dropout: float, source: Literal["pooled", "embedding"]) -> None:
        super().__init__(width=width, outputs=outputs, dropout=dropout)
        self.source = source

    def features(self, encoded: Encoded) -> Tensor:
        """*Shape:* (batch, width)."""
        return encoded.embedding if self.source == "embedding" else encoded.pooled
