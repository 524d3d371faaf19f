"""Heads that read one vector a text, or the vectors of two texts together."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from polyhead.modeling.encoded import Encoded
from polyhead.modeling.heads.base import LayeredHead

Pool = Callable[[Tensor, Tensor], Tensor]


class SentenceHead(LayeredHead):
    """Reads the pooled vector before the projection, the embedding after it, or the first token's state.

    Of two texts it reads (u, v, |u − v|), as Sentence-BERT does (Reimers and Gurevych, 2019, arXiv 1908.10084).
    ``pool`` pools mixed layers as the encoder pools the last.
    """

    def __init__(
        self,
        *,
        width: int,
        source: Literal["pooled", "embedding", "cls"],
        pair: bool = False,
        pool: Pool | None = None,
        **layers: Any,
    ) -> None:
        super().__init__(width=3 * width if pair else width, **layers)
        self.source = source
        self.pair = pair
        self._pool = pool

    def features(self, encoded: Encoded) -> Tensor:
        """*Shape:* (texts, width)."""
        if self.source == "cls":
            return self.states(encoded)[:, 0]
        if self.source == "embedding":
            return encoded.embedding
        if self.mix is None:
            return encoded.pooled
        assert self._pool is not None
        return self._pool(self.states(encoded), encoded.pooling_mask)

    def gather(self, features: Tensor, encoded: Encoded) -> Sequence[Tensor]:
        """The vectors of a row's first text, or of its first two. *Shape:* (rows, width) each."""
        return encoded.texts(features, 2) if self.pair else super().gather(features, encoded)

    def classify(self, *features: Tensor) -> Tensor:
        """*Shapes:* (rows, width), one or two of them → (rows, outputs)."""
        if not self.pair:
            return super().classify(*features)
        first, second = features
        return super().classify(torch.cat([first, second, (first - second).abs()], dim=-1))
