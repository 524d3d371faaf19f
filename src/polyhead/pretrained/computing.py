"""The model as it computes answers: its backbone in the dtype that the hardware is fast at.

On CPUs with fast bf16, weights are packed and batches unpadded, too.
"""

import copy

import torch

from polyhead.modeling.model import MultiTaskModel
from polyhead.pretrained.attention import can_unpad
from polyhead.pretrained.hardware import fast_bf16
from polyhead.pretrained.packing import pack_linear_layers


def computing_model(model: MultiTaskModel, *, dtype: torch.dtype) -> MultiTaskModel:
    """``model`` for forward passes without gradients: itself in fp32, else with a copy of the backbone in ``dtype``.

    Pooling, projection and heads are the model's own, in fp32; later changes of the backbone do not reach the copy.
    """
    if dtype == torch.float32:
        return model
    backbone = copy.deepcopy(model.encoder.backbone).to(dtype).eval().requires_grad_(False)
    device = next(backbone.parameters()).device
    own = model.with_backbone(backbone)
    if device.type == "cpu" and dtype == torch.bfloat16 and fast_bf16(device):
        pack_linear_layers(backbone)
        backbone.unpads = can_unpad(backbone.network.config)
        for branch in own.branches.values():
            pack_linear_layers(branch.layers)
    return own
