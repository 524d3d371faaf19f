"""The head of a classification task: dropout and a linear layer on one vector a text."""

from typing import Any, Literal

from torch import Tensor

from polyhead.modeling.encoded import Encoded
from polyhead.modeling.heads.base import Head


class ClassificationHead(Head):
    """Reads the pooled vector before the projection, the embedding after it, or the first token's state."""

    def __init__(self, *, source: Literal["pooled", "embedding", "cls"], **layers: Any) -> None:
        super().__init__(**layers)
        self.source = source

    def features(self, encoded: Encoded) -> Tensor:
        """*Shape:* (batch, width)."""
        if self.source == "cls":
            return encoded.tokens[:, 0].float()
        return encoded.embedding if self.source == "embedding" else encoded.pooled
