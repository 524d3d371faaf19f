"""Which device to use, and which dtype it is fast at."""

from functools import lru_cache
from pathlib import Path

import torch

from polyhead.errors import UserError, shown

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def resolve_device(device: str | None) -> torch.device:
    """``device``, or the best there is.

    Raises:
        UserError: no such device, or torch cannot use it here.
    """
    if device is None:
        device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        found = torch.device(device)
        torch.ones(1, device=found).sum().item()  # some exist and cannot compute
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = shown(str(error).split("\n")[0], 120)
        raise UserError(f"device: must be one that torch can use here, found {shown(device)} ({reason})") from None
    return found


def resolve_dtype(dtype: str, device: torch.device) -> torch.dtype:
    """The dtype of that name; ``auto`` is bf16 where the hardware has fast instructions for it, else fp32.

    Raises:
        UserError: no such dtype.
    """
    if dtype == "auto":
        return torch.bfloat16 if fast_bf16(device) else torch.float32
    if dtype not in DTYPES:
        raise UserError(f"dtype: must be one of auto, {', '.join(DTYPES)}; found {shown(dtype)}")
    return DTYPES[dtype]


def batch_tokens(device: torch.device) -> int:
    """Tokens of a batch without gradients, padding included, at which ``device`` is fast."""
    return 1536 if device.type == "cpu" else 32768


def fast_bf16(device: torch.device) -> bool:
    """Whether bf16 is fast on ``device``: Ampere and later among GPUs, AMX or AVX512-BF16 among x86 processors."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device)[0] >= 8
    return device.type == "cpu" and bool({"amx_bf16", "avx512_bf16"} & _cpu_flags())


@lru_cache(maxsize=1)
def _cpu_flags() -> frozenset[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return frozenset()
    flags = next((line for line in lines if line.startswith("flags")), "")
    return frozenset(flags.partition(":")[2].split())
