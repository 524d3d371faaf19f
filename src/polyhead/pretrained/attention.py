"""Scaled dot-product attention by the kernel that is fast where it runs.

On CPUs, torch's fused kernel needs several times longer for a bf16 backward pass than for an fp32 one (measured by
``benchmarks/attention.py``), so under autocast the product runs in fp32 there when gradients are wanted. On GPUs,
cuDNN's kernel is left out: it builds a plan for every shape that it has not met, which takes longer than many steps,
and batches of texts have hundreds of shapes. Otherwise this is transformers' own "sdpa".
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME = "polyhead_sdpa"
_ON_GPUS = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]


def attention(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **options: Any
) -> tuple[Tensor, None]:
    """*Shapes:* (batch, heads, tokens, head width) each → (batch, tokens, heads, head width)."""
    output: Tensor
    if query.device.type == "cuda":
        with sdpa_kernel(_ON_GPUS):
            output, _ = sdpa_attention_forward(module, query, key, value, attention_mask, **options)
        return output, None
    dtype = query.dtype
    if query.device.type != "cpu" or dtype != torch.bfloat16 or not query.requires_grad:
        output, _ = sdpa_attention_forward(module, query, key, value, attention_mask, **options)
        return output, None
    with torch.autocast("cpu", enabled=False):
        output, _ = sdpa_attention_forward(module, query.float(), key.float(), value.float(), attention_mask, **options)
    return output.to(dtype), None


AttentionInterface.register(NAME, attention)
AttentionMaskInterface.register(NAME, sdpa_mask)
