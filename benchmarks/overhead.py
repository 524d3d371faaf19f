"""What evaluations, the best model and checkpoints add to an epoch of the joint AG News + CoNLL-2003 training.

A seventh of the training data is trained on for some epochs, beside validation rows for all of it: a tenth as many as
there are. At the end of each epoch four things are timed: the evaluation, saving the best model, the checkpoint, and
the steps in between; the shares are those of an epoch of all the data. Run from the repository's root:

    python -m benchmarks.overhead --data-root DIR
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from rich.table import Table

from benchmarks.common import RECIPE, console, machine, notes, show_machine, write_json
from polyhead.recipe import Watcher, load_recipe, train
from polyhead.training import EvaluationReport, StepReport, loop

PART = 7
NEWS, CONLL = 9_600, 14_041
HELD_OUT = 10
_NEWS = NEWS // PART + NEWS // HELD_OUT
CHANGES = {
    "data.news.train.sample.per_class": str(_NEWS // 4),
    "data.news.validation": str(NEWS / HELD_OUT / _NEWS),
    "data.conll.train": f"{{path: conll2003/train.txt, sample: {{rows: {CONLL // PART}}}}}",
    "data.conll.validation": f"{{path: conll2003/valid.txt, sample: {{rows: {CONLL // HELD_OUT}}}}}",
}


class Clock:
    """Notes when steps and evaluations ended."""

    def __init__(self) -> None:
        self.steps: list[float] = []
        self.evaluations: list[float] = []
        self.checkpoints: list[float] = []
        self.models: list[float] = []
        self.saved = 0.0
        self._last = 0.0
        self._evaluated: float | None = None

    def timed(self, save: Callable[..., Path]) -> Callable[..., Path]:
        """``save``, with its seconds noted."""

        def timed(*arguments: object) -> Path:
            started = time.perf_counter()
            place = save(*arguments)
            self.saved += time.perf_counter() - started
            return place

        return timed

    def step(self, report: StepReport) -> None:
        """A step ended: what came before it was a step alone, or a checkpoint and a step."""
        now = time.perf_counter()
        if self._evaluated is not None:
            self.checkpoints.append(now - self._evaluated)
        elif self._last:
            self.steps.append(now - self._last)
        self._last, self._evaluated = now, None

    def evaluation(self, report: EvaluationReport) -> None:
        """An evaluation ended, the best model was saved."""
        self._evaluated = time.perf_counter()
        self.evaluations.append(self._evaluated - self._last - self.saved)
        self.models.append(self.saved)
        self.saved = 0.0
        notes.print(f"epoch {report.epoch}: evaluation {self.evaluations[-1]:.2f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, required=True, metavar="DIR")
    parser.add_argument("--epochs", type=int, default=6, help="one more than the rounds (%(default)s)")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    described = machine()
    show_machine(described)
    changes = {**CHANGES, "training.epochs": str(options.epochs), "training.score": "loss"}
    recipe = load_recipe(RECIPE, overrides=changes, data_root=options.data_root)
    clock = Clock()
    loop.save = clock.timed(loop.save)  # type: ignore[attr-defined]
    with TemporaryDirectory() as folder:
        train(recipe, Path(folder) / "run", watcher=Watcher(on_step=clock.step, on_evaluation=clock.evaluation))
    step = sum(clock.steps) / len(clock.steps)
    epoch = step * (len(clock.steps) + len(clock.checkpoints)) / options.epochs * PART
    parts = {
        f"evaluation of {1 / HELD_OUT:.0%} as many rows": clock.evaluations,
        "saving the best model, where it is better": [each for each in clock.models if each],
        "checkpoint": [each - step for each in clock.checkpoints],
    }
    table = Table(title=f"An epoch of {epoch:,.0f} s ({step:.3f} s a step)", title_justify="left")
    for column in ("what", "seconds, median", "min … max", "% of the epoch"):
        table.add_column(column, justify="left" if column == "what" else "right")
    total = 0.0
    for name, seconds in parts.items():
        total += median(seconds)
        span = f"{min(seconds):.2f} … {max(seconds):.2f}"
        table.add_row(name, f"{median(seconds):.2f}", span, f"{100 * median(seconds) / epoch:.2f}")
    table.add_row("all", f"{total:.2f}", "", f"{100 * total / epoch:.2f}")
    console.print(table)
    write_json(options.json, {"machine": described, "step_seconds": step, "epoch_seconds": epoch, "parts": parts})


if __name__ == "__main__":
    main()
