"""Shared by the benchmarks: the machine, sides measured in turns, tables of ratios, peak memory."""

import argparse
import gc
import json
import os
import platform
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import get_context
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from rich.console import Console
from rich.table import Table

from polyhead.memory import process_peak

P = ParamSpec("P")
T = TypeVar("T")

RECIPE = Path(__file__).parent / "recipes" / "agnews-conll.yaml"
"""The joint training that is timed and scored."""

_WIDTH = 120
console = Console(width=None if sys.stdout.isatty() else _WIDTH)
notes = Console(stderr=True, width=None if sys.stderr.isatty() else _WIDTH)

_PACKAGES = ("polyhead", "torch", "transformers", "sentence-transformers", "tokenizers")
_FAST_FLAGS = ("avx512_bf16", "amx_bf16", "amx_int8")
_QUIET_LOAD = 0.5


@dataclass(frozen=True, slots=True)
class Measured:
    """One side's values, a round each."""

    values: Sequence[float]

    @property
    def median(self) -> float:
        """What is reported."""
        return statistics.median(self.values)

    def as_dict(self) -> dict[str, Any]:
        """A JSON-ready form."""
        return {
            "median": self.median,
            "min": min(self.values),
            "max": max(self.values),
            "values": list(self.values),
        }


def interleaved(sides: Mapping[str, Callable[[int], float]], *, rounds: int) -> dict[str, Measured]:
    """Measure every side once a round, so that a drift of the machine meets all of them; each round begins one later.

    A side is given the number of the round and returns its value.
    """
    values: dict[str, list[float]] = {name: [] for name in sides}
    names = list(sides)
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            gc.collect()
            values[name].append(sides[name](turn))
            notes.print(f"round {turn + 1}/{rounds}: {name}: {values[name][-1]:,.4g}", style="dim", highlight=False)
    return {name: Measured(found) for name, found in values.items()}


def ratio_table(
    title: str,
    unit: str,
    measured: Mapping[str, Measured],
    *,
    baselines: Sequence[str] = (),
    less_is_better: bool = False,
    digits: int = 0,
) -> Table:
    """Medians with their ranges; for each baseline how many times as good each side is, the median of the rounds."""
    table = Table(title=title, title_justify="left", caption=f"{len(next(iter(measured.values())).values)} rounds")
    table.add_column("what", no_wrap=True)
    table.add_column(f"{unit}, median", justify="right")
    table.add_column("min … max", justify="right", no_wrap=True)
    for name in baselines:
        table.add_column(f"× {name}", justify="right")
    for name, each in measured.items():
        ratios = [statistics.median(ratios_of(each, measured[other])) for other in baselines]
        table.add_row(
            name,
            f"{each.median:,.{digits}f}",
            f"{min(each.values):,.{digits}f} … {max(each.values):,.{digits}f}",
            *(f"{1 / ratio if less_is_better else ratio:.2f}" for ratio in ratios),
        )
    return table


def ratios_of(one: Measured, other: Measured) -> list[float]:
    """Of each round, so that what slows the machine from one to the next does not count."""
    return [mine / theirs for mine, theirs in zip(one.values, other.values, strict=True)]


def as_json(measured: Mapping[str, Measured]) -> dict[str, Any]:
    """The sides' values, ready for a file."""
    return {name: each.as_dict() for name, each in measured.items()}


def machine() -> dict[str, Any]:
    """What the figures are measured on; call it first, so that ``load`` is not the benchmark's own."""
    cpu = _cpu_info()
    torch = sys.modules.get("torch")
    return {
        "cpu": cpu.get("model name") or platform.processor() or platform.machine(),
        "instructions": [flag for flag in _FAST_FLAGS if flag in cpu.get("flags", "").split()],
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads() if torch else None,
        "gpu": torch.cuda.get_device_name() if torch and torch.cuda.is_available() else None,
        "load": round(os.getloadavg()[0], 2),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in _PACKAGES},
    }


def show_machine(described: Mapping[str, Any]) -> None:
    """Print the machine; say so where it is not quiet."""
    threads = "" if described["threads"] is None else f", {described['threads']} threads"
    console.print(
        f"{described['cpu']} ({' '.join(described['instructions']) or 'no bf16 instructions'}), "
        f"{described['cores']} cores{threads}, Python {described['python']}",
        highlight=False,
    )
    if described["gpu"]:
        console.print(described["gpu"], highlight=False)
    console.print(", ".join(f"{name} {found}" for name, found in described["versions"].items()), highlight=False)
    if described["load"] > _QUIET_LOAD:
        notes.print(f"! the load is {described['load']}: this machine is not quiet", style="yellow", highlight=False)


def add_arguments(parser: argparse.ArgumentParser, *, rounds: int = 5) -> None:
    """The options that every timing shares."""
    parser.add_argument("--rounds", type=int, default=rounds, help="the median of so many rounds (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all values to this file, too")


def write_json(path: Path | None, content: Mapping[str, Any]) -> None:
    """Write ``content``, if a file was asked for."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def peak_memory() -> float:
    """The peak of the process's resident memory so far, in MiB."""
    return process_peak() / 2**20


def fresh_process(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """``function``'s result from a process of its own, so that its peak memory is its own."""
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *args, **kwargs).result()


def _cpu_info() -> dict[str, str]:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    pairs = (line.partition(":") for line in text.split("\n\n")[0].splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"
