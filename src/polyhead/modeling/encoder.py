"""The encoder: backbone, pooling, an optional projection, optional normalisation."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from polyhead.modeling.backbone import Backbone
from polyhead.modeling.encoded import Encoded, Inputs, Known
from polyhead.modeling.pooling import AttentionPooling, Pooling
from polyhead.modeling.split import Above

Activation = Literal["identity", "tanh"]


class Projection(nn.Module):
    """A linear layer from the pooled vector to the embedding; ``tanh`` exists for models made elsewhere with it."""

    def __init__(self, *, hidden: int, width: int, bias: bool = True, activation: Activation = "identity") -> None:
        super().__init__()
        self.linear = nn.Linear(hidden, width, bias=bias)
        self.activation: Activation = activation

    def forward(self, pooled: Tensor) -> Tensor:
        """*Shapes:* (batch, hidden) → (batch, width)."""
        projected: Tensor = self.linear(pooled)
        return projected.tanh() if self.activation == "tanh" else projected


class Encoder(nn.Module):
    """Token ids → token states, pooled vector and embedding, in one pass."""

    def __init__(
        self,
        *,
        backbone: Backbone,
        pooling: Pooling | AttentionPooling,
        projection: Projection | None = None,
        normalize: bool = False,
        fixed: int = -1,
    ) -> None:
        """``fixed``: components up to this depth never learn, as other ways run through them, too; −1 for none."""
        super().__init__()
        self.backbone = backbone
        self.pooling = pooling
        self.projection = projection
        self.normalize = normalize
        self.fixed = fixed

    def with_backbone(self, backbone: Backbone) -> "Encoder":
        """The same on another backbone: pooling and projection are shared, not copied."""
        own = Encoder(
            backbone=backbone,
            pooling=self.pooling,
            projection=self.projection,
            normalize=self.normalize,
            fixed=self.fixed,
        )
        own.training = self.training
        return own

    @property
    def width(self) -> int:
        """Width of the embedding."""
        return self.projection.linear.out_features if self.projection else self.backbone.hidden

    def forward(self, inputs: Inputs, *, layers: bool = False) -> Encoded:
        """Encode a batch; pooling and all after it run in fp32, as a mean of many bf16 numbers loses too much.

        ``layers`` keeps the token states of every layer.
        """
        if inputs.known is not None:
            return self._from(inputs.known, inputs)
        states = self.backbone(inputs.input_ids, inputs.attention_mask, layers=layers)
        return self.finish(states[-1], inputs, layers=states if layers else ())

    def finish(self, tokens: Tensor, inputs: Inputs, *, layers: Sequence[Tensor] = ()) -> Encoded:
        """All that comes after the backbone. *Shape:* (texts, tokens, hidden)."""
        with torch.autocast(tokens.device.type, enabled=False):
            pooled = self.pooling(tokens, inputs.pooling_mask)
        return self._embedded(tokens, pooled, inputs, layers=layers)

    def _embedded(self, tokens: Tensor, pooled: Tensor, inputs: Inputs, *, layers: Sequence[Tensor] = ()) -> Encoded:
        with torch.autocast(tokens.device.type, enabled=False):
            embedding = self.projection(pooled) if self.projection else pooled
            embedding = functional.normalize(embedding, dim=-1) if self.normalize else embedding
        return Encoded(
            tokens,
            inputs.attention_mask,
            inputs.pooling_mask,
            pooled,
            embedding,
            words=inputs.words,
            parts=inputs.parts,
            layers=layers,
        )

    def _from(self, known: Known, inputs: Inputs) -> Encoded:
        """Go on from what was computed earlier."""
        if known.level == "tokens":
            return self.finish(self._above(known.depth)(known.values, inputs.attention_mask), inputs)
        nothing = known.values.new_zeros((len(known.values), 0, self.backbone.hidden))
        if known.level == "pooled":
            return self._embedded(nothing, known.values, inputs)
        vectors = known.values
        return Encoded(nothing, inputs.attention_mask, inputs.pooling_mask, vectors, vectors, parts=inputs.parts)

    def _above(self, depth: int) -> Above:
        """The layers above ``depth``, made when they are first asked for."""
        found: Above | None = self.__dict__.get("_upper")
        if found is None or found.depth != depth:
            found = self.__dict__["_upper"] = Above(self.backbone, depth=depth)
        return found
