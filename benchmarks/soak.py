"""The server over time: mixed load with its memory, then twice what it takes, a stop in the middle of work, fairness.

Mixed: eight clients of one text, two of 64 texts for all heads, one of 1,000 texts. Overload: twice as many clients as
the server takes requests at a time. Fairness: what a client of one text waits, alone and beside requests of 10,000
texts. Run from the repository's root:

    python -m benchmarks.soak --model runs/quickstart --data ag_news/test.csv --minutes 10
"""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.common import console, machine, show_machine, write_json
from benchmarks.encode import read_texts
from benchmarks.serving import SERVER, load, percentile_milliseconds, started

MIX = (
    ("one text", 8, ["--path", "/embed"]),
    ("64 texts, every head", 2, ["--path", "/v1/analyze", "--size", "64", "--also", '{"overflow": "truncate"}']),
    ("1,000 texts", 1, ["--path", "/v1/embeddings", "--field", "input", "--size", "1000",
                        "--also", '{"encoding_format": "base64", "model": "m"}']),
)  # fmt: skip
LIMIT = 32
MANY = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", type=Path, required=True, metavar="CSV", help="columns class, title, description")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    described = machine()
    show_machine(described)
    texts = [" ".join(text.split()) for text in read_texts(options.data, 7000)]
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "texts.txt"
        file.write_text("\n".join(text[:400] for text in texts), encoding="utf-8")
        found = {"machine": described, "mixed": mixed(options.model, file, 60 * options.minutes),
                 "overload": overload(options.model, file), "fairness": fairness(options.model, file)}  # fmt: skip
    console.print_json(json.dumps(found))
    write_json(options.json, found)


def mixed(model: str, texts: Path, seconds: float) -> dict[str, Any]:
    """What the clients saw, and the server's resident memory at ten moments, in MiB."""
    with started(SERVER, "--cache-mb", "64", "--overflow", "truncate", model=model) as (port, process):
        command = [sys.executable, "-m", "benchmarks.load_client", "--port", str(port), "--texts", str(texts)]
        runs = [
            subprocess.Popen([*command, "--clients", str(clients), "--seconds", str(seconds), *more],
                             stdout=subprocess.PIPE, text=True)
            for _, clients, more in MIX
        ]  # fmt: skip
        memory = []
        for _ in range(10):
            time.sleep(seconds / 10)
            memory.append(round(resident(process.pid)))
        answers = [json.loads(run.communicate()[0]) for run in runs]
    return {
        "resident_mib": memory,
        "clients": {
            name: {
                "requests": len(each["seconds"]),
                "statuses": Counter(map(str, each["statuses"])),
                **percentile_milliseconds(each["seconds"]),
            }
            for (name, _, _), each in zip(MIX, answers, strict=True)
        },
    }


def overload(model: str, texts: Path) -> dict[str, Any]:
    """Twice the clients that are taken: how fast the others are refused, and what one client sees before and after."""
    arguments = ("--cache-mb", "0", "--overflow", "truncate", "--max-requests", str(LIMIT))
    with started(SERVER, *arguments, model=model) as (port, process):
        load(port, texts, LIMIT, 10.0)
        before = load(port, texts, 1, 3.0)
        found = load(port, texts, 2 * LIMIT, 20.0)
        after = load(port, texts, 1, 3.0)
        command = [sys.executable, "-m", "benchmarks.load_client", "--port", str(port), "--texts", str(texts)]
        running = subprocess.Popen([*command, "--clients", "8", "--size", "200", "--seconds", "2"],
                                   stdout=subprocess.PIPE, text=True)  # fmt: skip
        time.sleep(1.5)
        process.send_signal(signal.SIGTERM)
        stopped = json.loads(running.communicate()[0])
        status = process.wait(timeout=90)
    by_status = {
        status: [took for took, own in zip(found["seconds"], found["statuses"], strict=True) if own == status]
        for status in sorted(set(found["statuses"]))
    }
    return {
        "seconds_by_status": {
            status: {"requests": len(took), **percentile_milliseconds(took)} for status, took in by_status.items()
        },
        "one_client_before_ms": 1000 * median(before["seconds"]),
        "one_client_after_ms": 1000 * median(after["seconds"]),
        "statuses_around_a_stop": Counter(map(str, stopped["statuses"])),
        "exit_status": status,
    }


def fairness(model: str, texts: Path) -> dict[str, Any]:
    """One client of one text: alone, and while another's request of 10,000 texts is answered, which is then told."""
    arguments = ("--cache-mb", "0", "--overflow", "truncate")
    with started(SERVER, *arguments, model=model) as (port, _):
        load(port, texts, 8, 10.0)
        alone = load(port, texts, 1, 5.0)
        many = texts.with_name("many.txt")
        lines = texts.read_text(encoding="utf-8").splitlines()
        many.write_text("\n".join((lines * (1 + MANY // len(lines)))[:MANY]), encoding="utf-8")
        command = [sys.executable, "-m", "benchmarks.load_client", "--port", str(port), "--texts", str(many)]
        running = subprocess.Popen([*command, "--clients", "1", "--size", str(MANY), "--seconds", "0.1"],
                                   stdout=subprocess.PIPE, text=True)  # fmt: skip
        time.sleep(4.0)  # its texts are tokenized by now
        beside = load(port, texts, 1, 10.0)
        assert running.poll() is None, "the large request was over too soon; take more texts"
        large = json.loads(running.communicate()[0])
    assert {*alone["statuses"], *beside["statuses"], *large["statuses"]} == {200}
    return {
        "alone": {"requests": len(alone["seconds"]), **percentile_milliseconds(alone["seconds"])},
        "beside": {"requests": len(beside["seconds"]), **percentile_milliseconds(beside["seconds"])},
        "large_seconds": large["seconds"],
    }


def resident(pid: int) -> float:
    """MiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


if __name__ == "__main__":
    main()
