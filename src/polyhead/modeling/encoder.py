"""The encoder: backbone, pooling, an optional projection, optional normalisation."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from polyhead.modeling.backbone import Backbone
from polyhead.modeling.encoded import Encoded, Inputs
from polyhead.modeling.pooling import AttentionPooling, Pooling

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
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.pooling = pooling
        self.projection = projection
        self.normalize = normalize

    @property
    def width(self) -> int:
        """Width of the embedding."""
        return self.projection.linear.out_features if self.projection else self.backbone.hidden

    def forward(self, inputs: Inputs) -> Encoded:
        """Encode a batch; pooling and all after it run in fp32, as a mean of many bf16 numbers loses too much."""
        tokens = self.backbone(inputs.input_ids, inputs.attention_mask)
        with torch.autocast(tokens.device.type, enabled=False):
            pooled = self.pooling(tokens, inputs.pooling_mask)
            embedding = self.projection(pooled) if self.projection else pooled
            embedding = functional.normalize(embedding, dim=-1) if self.normalize else embedding
        return Encoded(tokens, inputs.attention_mask, pooled, embedding, inputs.words)
