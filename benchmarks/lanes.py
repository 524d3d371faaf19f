"""Lanes: batches side by side on a core each, beside one after the other on all cores, in one process.

Sides, in turns: a request of 8, 32 and 256 texts, and 2,048, tokenised beforehand, all-MiniLM-L6-v2 in the dtype that
the processor is fast at. Run from the repository's root, on a quiet machine:

    python -m benchmarks.lanes --data ag_news/test.csv
"""

import argparse
import time
from functools import partial
from pathlib import Path

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
from benchmarks.encode import read_texts
from polyhead import Polyhead
from polyhead.data.example import Example

SIZES = (8, 32, 256, 2048)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="CSV", help="columns class, title, description")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each side and round (%(default)s)")
    add_arguments(parser, rounds=9)
    options = parser.parse_args()
    described = machine()
    show_machine(described)
    predictor = Polyhead.from_pretrained().predictor
    reads = predictor.read([Example(text) for text in read_texts(options.data, max(SIZES))])
    found = {}
    for size in SIZES:

        def side(lanes: int, turn: int, size: int = size) -> float:
            done, began, at = 0, time.perf_counter(), 0
            while time.perf_counter() - began < options.seconds:
                predictor.run(reads[at : at + size], lanes=lanes)
                done, at = done + size, (at + size) % len(reads)
            return done / (time.perf_counter() - began)

        names = {
            "one after the other": partial(side, 1),
            f"{predictor.engine.lanes} lanes": partial(side, predictor.engine.lanes),
        }
        for warm in names.values():
            warm(0)
        speed = interleaved(names, rounds=options.rounds)
        console.print(ratio_table(f"{size:,} texts at a time", "texts/s", speed, baselines=["one after the other"]))
        found[size] = as_json(speed)
    write_json(options.json, {"machine": described, "texts_per_second": found})


if __name__ == "__main__":
    main()
