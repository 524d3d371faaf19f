"""A branch: the upper layers of a backbone a second time, so that heads learn on copies and the originals stay.

The lower layers run once for both; from there the backbone's own layers go on to the embedding, and the branch's to the
heads that stand on it.
"""

import copy

import torch
from torch import nn

from polyhead.modeling.backbone import Backbone
from polyhead.modeling.encoded import Encoded
from polyhead.modeling.encoder import Encoder
from polyhead.modeling.pooling import AttentionPooling, Pooling
from polyhead.modeling.split import Above, behind_layers, with_layers


class Branch(nn.Module):
    """Layers of its own above ``depth``, what stands behind them, and a pooling; all below is another backbone's."""

    def __init__(self, backbone: Backbone, pooling: Pooling | AttentionPooling, *, depth: int) -> None:
        """Begins as a copy of what ``backbone`` has above ``depth``, from 0 to its number of layers less 1."""
        super().__init__()
        self.depth = depth
        self.layers = nn.ModuleList(copy.deepcopy(layer) for layer in backbone.layer_list()[depth:])
        self.behind = nn.ModuleDict(
            {name: copy.deepcopy(getattr(backbone.network, name)) for name in behind_layers(backbone)}
        )
        self.pooling = copy.deepcopy(pooling)
        self._stand_on(backbone)

    def _stand_on(self, backbone: Backbone) -> None:
        network = with_layers(backbone, [*backbone.layer_list()[: self.depth], *self.layers])
        for name, module in self.behind.items():
            network._modules[name] = module
        # In a tuple, so that it is not registered: what it holds is the branch's own, or belongs to the backbone below.
        self._unregistered = (Backbone(network=network),)
        self._above: tuple[Above, ...] = ()

    @property
    def _backbone(self) -> Backbone:
        return self._unregistered[0]

    def standing_on(self, backbone: Backbone) -> "Branch":
        """The same over the lower layers of another backbone; its own layers are copied, in that one's dtype."""
        dtype = next(backbone.parameters()).dtype
        layers, behind = (copy.deepcopy(each).to(dtype) for each in (self.layers, self.behind))
        return self._with(layers, behind, backbone)

    def with_layers_of(self, trained: Backbone, backbone: Backbone) -> "Branch":
        """The same over ``backbone`` with the upper layers of ``trained``, a copy of the way through this branch."""
        return self._with(nn.ModuleList(trained.layer_list()[self.depth :]), self.behind, backbone)

    def _with(self, layers: nn.Module, behind: nn.Module, backbone: Backbone) -> "Branch":
        own = copy.copy(self)
        own._modules = {**self._modules, "layers": layers, "behind": behind}
        own._stand_on(backbone)
        return own

    def encoder(self) -> Encoder:
        """The way from texts through this branch as an encoder of its own; every part of it is shared."""
        return Encoder(backbone=self._backbone, pooling=self.pooling, fixed=self.depth)

    def forward(self, encoded: Encoded) -> Encoded:
        """What the branch's heads read, from an encoder's pass that kept its layers; the embedding is the encoder's."""
        if not self._above:
            self._above = (Above(self._backbone, depth=self.depth),)
        above = self._above[0].layers(encoded.layers[self.depth], encoded.mask)
        tokens = above[-1]
        with torch.autocast(tokens.device.type, enabled=False):
            pooled = self.pooling(tokens, encoded.pooling_mask)
        layers = (*encoded.layers[: self.depth + 1], *above)
        return Encoded(
            tokens,
            encoded.mask,
            encoded.pooling_mask,
            pooled,
            encoded.embedding,
            words=encoded.words,
            parts=encoded.parts,
            layers=layers,
        )
