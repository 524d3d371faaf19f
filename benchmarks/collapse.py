"""When fine-tuning collapses to a single class on small, skewed data, and what prevents it.

A draw takes 45 AG News texts of one class and 5 of another; ten epochs, no validation data, so the last is kept. A run
has collapsed if it gives every one of 1,000 balanced test texts the same class. Run from the repository's root:

    python -m benchmarks.collapse --data-root DIR
"""

import argparse
import random
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.table import Table

from benchmarks.common import console, machine, notes, show_machine, write_json
from benchmarks.few_labels import Rows, read_test, read_training, taught
from polyhead.data.example import Example
from polyhead.kinds import ClassificationTask

COMMON, RARE = 45, 5
WAYS: Mapping[str, dict[str, Any]] = {
    "full, rate 5e-5": {"learning_rate": 5e-5},
    "full, rate 3e-4": {"learning_rate": 3e-4},
    "full, rate 1e-3": {"learning_rate": 1e-3},
    "full, rate 3e-3": {"learning_rate": 3e-3},
    "full, rate 1e-3, no warm-up": {"learning_rate": 1e-3, "warmup_steps": 0},
    "full, rate 1e-3, class weights": {"learning_rate": 1e-3, "class_weights": "balanced"},
    "full, rate 1e-3, layer_decay 0.8": {"learning_rate": 1e-3, "plan": {"layer_decay": 0.8}},
    "top:2, rate 1e-3": {"learning_rate": 1e-3, "plan": "top:2"},
    "probe-then-full, rate 1e-3": {"learning_rate": 1e-3, "plan": {"probe-then-full": {"epoch": 6}}},
    "probe": {"plan": "probe"},
    "probe, class weights": {"plan": "probe", "class_weights": "balanced"},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, required=True, metavar="DIR")
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS), metavar="WAY")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    described = machine()
    show_machine(described)
    rows = read_training(options.data_root / "ag_news" / "train_subset.csv")
    tests = read_test(options.data_root / "ag_news" / "test.csv")
    table = Table(title=f"{COMMON} + {RARE} texts, {options.draws} draws", title_justify="left")
    for column in ("way", "collapsed", "accuracy on balanced texts, mean", "min … max"):
        table.add_column(column, justify="left" if column == "way" else "right")
    found = {}
    for name in options.ways:
        runs = [one(rows, tests, number, **WAYS[name]) for number in range(options.draws)]
        accuracies = [accuracy for accuracy, _ in runs]
        collapsed = sum(labels == 1 for _, labels in runs)
        span = f"{100 * min(accuracies):.1f} … {100 * max(accuracies):.1f}"
        table.add_row(name, f"{collapsed} of {options.draws}", f"{100 * statistics.mean(accuracies):.1f}", span)
        notes.print(f"{name}: {collapsed} collapsed, {100 * statistics.mean(accuracies):.1f}", style="dim")
        found[name] = runs
    console.print(table)
    write_json(options.json, {"machine": described, "runs": found})


def one(
    rows: Rows, tests: Rows, number: int, *, class_weights: str | None = None, **settings: Any
) -> tuple[float, int]:
    """Accuracy, and how many of the two classes are ever given."""
    generator = random.Random(number)
    common, rare = generator.sample(["0", "1", "2", "3"], 2)
    drawn = [
        row
        for label, count in ((common, COMMON), (rare, RARE))
        for row in generator.sample([row for row in rows if row[1] == label], count)
    ]
    test = [row for label in (common, rare) for row in [each for each in tests if each[1] == label][:500]]
    task = ClassificationTask(labels=(common, rare))
    if class_weights:
        task = task.model_copy(update={"class_weights": {common: 1 / COMMON * 25, rare: 1 / RARE * 25}})
    model = taught(
        "topic", task, [Example(text, {"topic": label}) for text, label in drawn], number, epochs=10, batch_size=16,
        **{"head_learning_rate": 1e-3, **settings},
    )  # fmt: skip
    answers = [answer["topic"].label for answer in model.predict([text for text, _ in test], ["topic"])]
    right = sum(answer == label for answer, (_, label) in zip(answers, test, strict=True))
    return right / len(test), len(set(answers))


if __name__ == "__main__":
    main()
