"""The head of a tagging task: dropout and a linear layer on every token state, with word shapes beside it if asked."""

from typing import Any

import torch
from torch import Tensor, nn

from polyhead.modeling.encoded import Encoded
from polyhead.modeling.heads.base import Head


class TaggingHead(Head):
    """Logits at every token; the loss and the decoder look at each word's first token."""

    def __init__(self, *, width: int, splitter: str, shapes: int = 0, shape_width: int = 0, **layers: Any) -> None:
        super().__init__(width=width + shape_width, **layers)
        self.splitter = splitter
        self.shape_embedding = nn.Embedding(shapes, shape_width) if shape_width else None

    def features(self, encoded: Encoded) -> Tensor:
        """*Shape:* (batch, tokens, width + shape width)."""
        tokens = encoded.tokens.float()
        if self.shape_embedding is None:
            return tokens
        return torch.cat([tokens, self.shape_embedding(encoded.words[self.splitter].shapes)], dim=-1)
