"""Scaled dot-product attention by the kernel that is fast where it runs.

On CPUs, torch's fused kernel needs several times longer for a bf16 backward pass than for an fp32 one (measured by
``benchmarks/attention.py``), so under autocast the product runs in fp32 there when gradients are wanted. On GPUs,
cuDNN's kernel is turned off, for the whole process: it builds a plan for every shape that it has not met, which takes
longer than many steps, and batches of texts have hundreds of shapes. Of texts that come without padding, one after the
other, each still looks at itself alone. All else is transformers' own "sdpa".
"""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from polyhead.modeling.unpadding import Unpadding

NAME = "polyhead_sdpa"
_UNPADDED = {"bert", "camembert", "distilbert", "electra", "roberta", "xlm-roberta"}


def attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    unpadding: Unpadding | None = None,
    **options: Any,
) -> tuple[Tensor, None]:
    """*Shapes:* (batch, heads, tokens, head width) each → (batch, tokens, heads, head width)."""
    output: Tensor
    if unpadding is not None:
        outputs, start = [], 0
        for group in unpadding.groups:
            own = slice(start, start := start + group.tokens)
            query_, key_, value_ = (
                group.restore(each[:, :, own].transpose(1, 2)).transpose(1, 2) for each in (query, key, value)
            )
            output, _ = attention(module, query_, key_, value_, group.attention_mask, **options)
            outputs.append(group.remove(output))
        spare = outputs[0].new_zeros((1, unpadding.spare, *outputs[0].shape[2:]))
        return torch.cat([*outputs, spare], dim=1), None
    if query.device.type == "cuda":
        torch.backends.cuda.enable_cudnn_sdp(False)
    dtype = query.dtype
    if query.device.type != "cpu" or dtype != torch.bfloat16 or not query.requires_grad:
        output, _ = sdpa_attention_forward(module, query, key, value, attention_mask, **options)
        return output, None
    with torch.autocast("cpu", enabled=False):
        output, _ = sdpa_attention_forward(module, query.float(), key.float(), value.float(), attention_mask, **options)
    return output.to(dtype), None


def can_unpad(config: Any) -> bool:
    """Whether networks of this transformers config hand an unpadding on to this attention, and read positions alone."""
    own = config._attn_implementation == NAME and not getattr(config, "is_decoder", False)
    return own and config.model_type in _UNPADDED


AttentionInterface.register(NAME, attention)
AttentionMaskInterface.register(NAME, sdpa_mask)
