"""The server under load: 32 clients of single sentences, from another process, on this machine.

Sides, in turns of a few seconds: the texts in this process, in batches of the same limits (32 texts, the token budget
of the engine), no HTTP; ``polyhead serve``; sentence-transformers behind a plain FastAPI route, fp32 as it comes, and
bf16. The servers are up and warm all the time, and idle while others have their turn. No answer is remembered: the
cache is off. Run from the repository's root, on a quiet machine:

    python -m benchmarks.serving --data ag_news/test.csv
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from statistics import quantiles
from typing import Any

from benchmarks.common import (
    add_arguments,
    as_json,
    console,
    interleaved,
    machine,
    ratio_table,
    ratios_of,
    show_machine,
    write_json,
)
from benchmarks.encode import read_texts
from polyhead import Polyhead
from polyhead.pretrained import DEFAULT_BACKBONE

INSIDE, SERVER, PLAIN, PLAIN_BF16 = (
    "in this process",
    "polyhead serve",
    "sentence-transformers, FastAPI",
    "the same in bf16",
)
_SORTED = 1024
"""Texts that are sorted by length together in this process: seconds of work."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="CSV", help="columns class, title, description")
    parser.add_argument("--texts", type=int, default=4096, help="the file's first texts (%(default)s)")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each side and round (%(default)s)")
    parser.add_argument("--warm", type=float, default=15.0, help="seconds of load before the first round (%(default)s)")
    add_arguments(parser, rounds=10)
    options = parser.parse_args()
    described = machine()
    show_machine(described)
    texts = [" ".join(text.split()) for text in read_texts(options.data, options.texts)]
    latencies: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as place, ExitStack() as servers:
        file = Path(place) / "texts.txt"
        file.write_text("\n".join(texts), encoding="utf-8")
        ports: dict[str, int] = {}
        for name in (SERVER, PLAIN, PLAIN_BF16):
            ports[name], _ = servers.enter_context(started(name, *(["--cache-mb", "0"] if name == SERVER else [])))
            load(ports[name], file, options.clients, options.warm)
        model = Polyhead.from_pretrained(DEFAULT_BACKBONE)
        inside(model, texts, options.clients, options.warm)

        def served(name: str, turn: int) -> float:
            found = load(ports[name], file, options.clients, options.seconds)
            failed = [status for status in found["statuses"] if status != 200]
            assert not failed, f"{name}: {len(failed)} requests got another status than 200"
            latencies.setdefault(name, []).extend(found["seconds"])
            return len(found["seconds"]) / float(max(found["ended"]))

        speed = interleaved(
            {
                INSIDE: lambda turn: inside(model, texts, options.clients, options.seconds),
                **{name: partial(served, name) for name in ports},
            },
            rounds=options.rounds,
        )
    title = f"{options.clients} clients, a text a request"
    console.print(ratio_table(title, "texts/s", speed, baselines=[INSIDE, PLAIN, PLAIN_BF16]))
    shares = sorted(ratios_of(speed[SERVER], speed[INSIDE]))
    console.print(f"{SERVER} of {INSIDE}: {shares[0]:.2f} … {shares[-1]:.2f}", highlight=False)
    percentiles = {name: percentile_milliseconds(found) for name, found in latencies.items()}
    for name, found in percentiles.items():
        console.print(f"{name}: p50 {found['p50']:.1f} ms, p99 {found['p99']:.1f} ms", highlight=False)
    write_json(options.json, {"machine": described, "texts_per_second": as_json(speed), "milliseconds": percentiles})


def percentile_milliseconds(seconds: Sequence[float]) -> dict[str, float]:
    """p50 and p99."""
    cuts = quantiles(seconds, n=100)
    return {"p50": 1000 * cuts[49], "p99": 1000 * cuts[98]}


def inside(model: Polyhead, texts: Sequence[str], rows: int, seconds: float) -> float:
    """Texts a second in this process."""
    began = time.perf_counter()
    done = 0
    while time.perf_counter() - began < seconds:
        part = [texts[(done + number) % len(texts)] for number in range(_SORTED)]
        model.encode(part, batch_size=rows)
        done += len(part)
    return done / (time.perf_counter() - began)


@contextmanager
def started(
    name: str, *arguments: str, model: str = f"minilm={DEFAULT_BACKBONE}"
) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """A server in a process of its own: its port, and the process."""
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        port = some.getsockname()[1]
    command = [sys.executable, "-m"]
    if name == SERVER:
        command += ["polyhead", "serve", model, "--log-level", "warning"]
    else:
        command += ["benchmarks.plain_server", *(["--bf16"] if name == PLAIN_BF16 else [])]
    process = subprocess.Popen([*command, "--port", str(port), *arguments], env={**os.environ, "HF_HUB_OFFLINE": "1"})
    try:
        wait_for(port)
        yield port, process
    finally:
        process.terminate()
        process.wait(timeout=60)


def wait_for(port: int) -> None:
    """Until it is healthy."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("the server did not start")


def load(port: int, texts: Path, clients: int, seconds: float, *more: str) -> dict[str, Any]:
    """What the generator saw."""
    command = [sys.executable, "-m", "benchmarks.load_client", "--port", str(port), "--texts", str(texts)]
    command += ["--clients", str(clients), "--seconds", str(seconds), *more]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


if __name__ == "__main__":
    main()
