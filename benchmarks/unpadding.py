"""Batches with and without their padding: texts a second of mixed rounds, as a server has them, on one core.

Texts are drawn at random and tokenized beforehand; each side computes the same rounds, in turns. Run from the
repository's root, on a quiet machine:

    python -m benchmarks.unpadding --data ag_news/test.csv
"""

import argparse
import random
import time
from collections.abc import Sequence
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
from polyhead.inference.engines.torch import TorchEngine
from polyhead.inference.predictor import Read
from polyhead.pretrained import DEFAULT_BACKBONE

PADDED, UNPADDED = "with padding", "without"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="CSV", help="columns class, title, description")
    parser.add_argument("--sizes", type=int, nargs="+", default=[8, 16, 32, 1024], help="texts of a round")
    parser.add_argument("--texts", type=int, default=1024, help="of each side and turn (%(default)s)")
    add_arguments(parser, rounds=7)
    options = parser.parse_args()
    described = machine()
    show_machine(described)
    model = Polyhead.from_pretrained(DEFAULT_BACKBONE, device="cpu")  # in bf16 where the processor is fast at it
    engine = model.predictor.engine
    assert isinstance(engine, TorchEngine)
    engine.leave_out_padding()
    engine.enter_lane()
    reads = model.predictor.read([Example(text) for text in read_texts(options.data, 4096)])
    generator, found = random.Random(0), {}
    for size in options.sizes:
        rounds = [generator.sample(reads, size) for _ in range(max(1, options.texts // size))]
        sides = {name: partial(speed, model, rounds, name == UNPADDED) for name in (PADDED, UNPADDED)}
        for side in sides.values():
            side(0)  # kernels are compiled
        measured = interleaved(sides, rounds=options.rounds)
        console.print(ratio_table(f"{size} texts at a time", "texts/s", measured, baselines=[PADDED]))
        found[size] = as_json(measured)
    write_json(options.json, {"machine": described, "texts_per_second": found})


def speed(model: Polyhead, rounds: Sequence[Sequence[Read]], unpads: bool, turn: int) -> float:
    """Texts a second."""
    engine = model.predictor.engine
    assert isinstance(engine, TorchEngine)
    engine.model.encoder.backbone.unpads = unpads
    began = time.perf_counter()
    for reads in rounds:
        model.predictor.run(reads, lanes=1)
    return sum(map(len, rounds)) / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
