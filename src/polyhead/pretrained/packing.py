"""Linear layers with weights packed once for the processor's matrix unit, instead of anew in every product.

These are the oneDNN operators that torch's own compiler uses when it freezes a model; where a build of torch lacks
them, nothing is packed.
"""

import torch
from torch import Tensor, nn
from transformers.activations import GELUActivation


class PackedLinear(nn.Module):
    """A linear layer for inference, bf16 on a CPU; with ``gelu`` the activation is part of the product."""

    def __init__(self, linear: nn.Linear, *, gelu: bool = False) -> None:
        super().__init__()
        self.after = "gelu" if gelu else "none"
        self.packed = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach())
        self.bias = None if linear.bias is None else linear.bias.detach()

    def forward(self, inputs: Tensor) -> Tensor:
        """*Shapes:* (…, in) → (…, out)."""
        output: Tensor = torch.ops.mkldnn._linear_pointwise(inputs, self.packed, self.bias, self.after, [], "none")
        return output


def pack_linear_layers(network: nn.Module) -> None:
    """Replace every linear layer of ``network``, a copy that is only for computing."""
    if not hasattr(torch.ops.mkldnn, "_reorder_linear_weight"):
        return
    for module in list(network.modules()):
        dense = getattr(module, "dense", None)
        if isinstance(dense, nn.Linear) and isinstance(getattr(module, "intermediate_act_fn", None), GELUActivation):
            module.dense = PackedLinear(dense, gelu=True)  # BERT and its kin
            module.intermediate_act_fn = nn.Identity()
        for name, child in module.named_children():
            if type(child) is nn.Linear:
                setattr(module, name, PackedLinear(child))
