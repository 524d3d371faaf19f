"""Peak memory and time of one ranking step over a large batch, with and without gradient caching; each in its process.

    python -m benchmarks.gradient_cache --rows 256 1024

Texts are random words of the bundled backbone's vocabulary, about twenty tokens each.
"""

import argparse
import random
import time
from pathlib import Path

from rich.table import Table

from benchmarks.common import console, fresh_process, machine, notes, peak_memory, show_machine, write_json

WORDS = "river market engine window letter garden signal winter copper violin harbour pencil silver mountain".split()  # noqa: SIM905


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[256, 1024])
    parser.add_argument("--mini-batch", type=int, default=64, help="texts at a time (%(default)s)")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    described = machine()
    show_machine(described)
    table = Table(title="One step of multiple-negatives ranking", title_justify="left")
    for column in ("rows (of two texts)", "cached", "peak memory, MiB", "seconds"):
        table.add_column(column, justify="right")
    found = []
    for rows in options.rows:
        for size in (options.mini_batch, None):
            notes.print(f"{rows:,} rows, {'not cached' if size is None else f'{size} texts at a time'}")
            memory, seconds = fresh_process(measure, rows, size)
            found.append({"rows": rows, "mini_batch": size, "memory": memory, "seconds": seconds})
            table.add_row(f"{rows:,}", "no" if size is None else str(size), f"{memory:,.0f}", f"{seconds:.1f}")
    console.print(table)
    write_json(options.json, {"machine": described, "results": found})


def measure(rows: int, size: int | None) -> tuple[float, float]:
    """A warm-up on few rows, then the step."""
    from polyhead.data.example import DataSet, Example
    from polyhead.kinds import PairsTask
    from polyhead.pretrained import DEFAULT_BACKBONE, load
    from polyhead.training import TrainingSettings
    from polyhead.training.prepare import prepare

    generator = random.Random(1)

    def text() -> str:
        return " ".join(generator.choices(WORDS, k=18))

    pretrained = load(DEFAULT_BACKBONE, attention_dropout=0.0)
    pretrained.add_head("ranked", PairsTask(mini_batch_size=size))
    examples = [Example(text(), {"ranked": 2}, others=(text(),)) for _ in range(rows)]
    settings = TrainingSettings(batch_size=rows)
    prepared = prepare(pretrained, [DataSet("pairs", examples)], settings, None)
    prepared.step([prepared.collate(examples[:8])], factor=1.0)
    batch = prepared.collate(examples)
    started = time.perf_counter()
    prepared.step([batch], factor=1.0)
    return peak_memory(), time.perf_counter() - started


if __name__ == "__main__":
    main()
