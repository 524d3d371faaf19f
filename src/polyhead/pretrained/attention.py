"""Scaled dot-product attention in the dtype that is fast where it runs.

On CPUs, torch's fused kernel needs several times longer for a bf16 backward pass than for an fp32 one (measured by
``benchmarks/attention.py``), so under autocast the product runs in fp32 there when gradients are wanted. Everywhere
else this is transformers' own "sdpa".
"""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME = "polyhead_sdpa"


def attention(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **options: Any
) -> tuple[Tensor, None]:
    """*Shapes:* (batch, heads, tokens, head width) each → (batch, tokens, heads, head width)."""
    dtype = query.dtype
    if query.device.type != "cpu" or dtype != torch.bfloat16 or not query.requires_grad:
        result: tuple[Tensor, None] = sdpa_attention_forward(module, query, key, value, attention_mask, **options)
        return result
    with torch.autocast("cpu", enabled=False):
        output, _ = sdpa_attention_forward(module, query.float(), key.float(), value.float(), attention_mask, **options)
    return output.to(dtype), None


AttentionInterface.register(NAME, attention)
AttentionMaskInterface.register(NAME, sdpa_mask)
