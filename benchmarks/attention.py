"""Forward and backward pass of attention on the CPU: torch's fused kernel and its plain one, in bf16 and in fp32.

This is why ``polyhead.pretrained.attention`` computes in fp32 where gradients are wanted, and why dropout of attention
weights, which the fused kernel does not do, costs so much. Run from the repository's root:

    python -m benchmarks.attention
"""

import argparse
import time
from functools import partial

import torch
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from benchmarks.common import (
    add_arguments,
    as_json,
    console,
    interleaved,
    machine,
    ratio_table,
    show_machine,
    write_json,
)

SIDES = {
    "fused, bf16": (SDPBackend.FLASH_ATTENTION, torch.bfloat16),
    "fused, fp32": (SDPBackend.FLASH_ATTENTION, torch.float32),
    "not fused, bf16": (SDPBackend.MATH, torch.bfloat16),
    "not fused, fp32": (SDPBackend.MATH, torch.float32),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, nargs="+", default=[20, 60, 128])
    add_arguments(parser)
    options = parser.parse_args()
    described = machine()
    show_machine(described)
    results = {}
    for tokens in options.tokens:
        sides = {name: partial(calls_a_second, tokens, *side) for name, side in SIDES.items()}
        measured = interleaved(sides, rounds=options.rounds)
        title = f"32 texts of {tokens} tokens, 12 heads of 32: forward and backward passes a second"
        console.print(ratio_table(title, "passes/s", measured, baselines=["fused, bf16"]))
        results[str(tokens)] = as_json(measured)
    write_json(options.json, {"machine": described, "tokens": results})


def calls_a_second(tokens: int, backend: SDPBackend, dtype: torch.dtype, _round: int) -> float:
    query, key, value = (torch.randn(32, 12, tokens, 32, dtype=dtype, requires_grad=True) for _ in range(3))

    def once() -> None:
        with sdpa_kernel(backend):
            output = functional.scaled_dot_product_attention(query, key, value)
        torch.autograd.backward(output, torch.ones_like(output))

    for _ in range(3):
        once()
    started = time.perf_counter()
    for _ in range(10):
        once()
    return 10 / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
