"""What a frozen head's answers come to while other heads are taught on the encoder under it.

Topic is taught alone, then the recipe's other tasks from there, by several plans that leave the topic head as it is.
Before and after: its accuracy on the test split, the share of validation texts that it answers otherwise, and what the
new heads reach. By default that is the quickstart's recipe on the starter data. Run from the repository's root:

    python -m benchmarks.frozen_head
    python -m benchmarks.frozen_head --recipe benchmarks/recipes/agnews-conll.yaml --data-root DIR --rows 3000
"""

import argparse
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from rich.table import Table

import polyhead.starter
from benchmarks.common import console, machine, notes, show_machine, write_json
from polyhead import Polyhead, load_recipe, train
from polyhead.recipe.examples import recipe_examples
from polyhead.study.design import only_tasks

STARTER = Path(polyhead.starter.__file__).parent
FIRST = "topic"
WAYS: Mapping[str, Mapping[str, Any]] = {
    "freeze topic, everything else learns": {"training.plan": {"freeze": [FIRST]}},
    "the same, new heads first": {"training.plan": {"probe-then-full": {"epoch": 4}, "freeze": [FIRST]}},
    "the same at a fifth of the rate": {"training.plan": {"freeze": [FIRST]}, "training.learning_rate": 0.2},
    "the same with an anchor": {
        "training.plan": {"freeze": [FIRST]}, "embedding.mode": "anchor", "embedding.weight": 1.0,
    },
    "freeze topic and backbone": {"training.plan": {"freeze": [FIRST, "backbone"]}},
    "fork of the two topmost layers": {"embedding.mode": "fork", "embedding.top": 2},
}  # fmt: skip
"""Settings of each; the learning rate is a factor of the recipe's."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", type=Path, default=STARTER / "quickstart.yaml", help="has a task called topic")
    parser.add_argument("--data-root", type=Path, default=STARTER, metavar="DIR")
    parser.add_argument("--rows", type=int, help="training rows of each data set; all if left out")
    parser.add_argument("--seeds", type=int, nargs="+", default=[13, 14, 15])
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS), metavar="WAY")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    described = machine()
    show_machine(described)
    every = options.rows and {"training.max_train_samples": options.rows}
    subject = Subject(yaml.safe_load(options.recipe.read_text(encoding="utf-8")), options.data_root, every or {})
    rest = [name for name in subject.recipe["tasks"] if name != FIRST]
    found: dict[str, list[dict[str, float]]] = {}
    for seed in options.seeds:
        with TemporaryDirectory() as place:
            first = Path(place) / FIRST
            subject.taught(first, [FIRST], seed, {})
            before = subject.scores(first)
            for number, name in enumerate(options.ways):
                folder = Path(place) / str(number)
                changed = subject.taught(folder, rest, seed, WAYS[name], start=first)
                after = subject.scores(folder)
                found.setdefault(name, []).append({"before": before[FIRST], "changed": changed, **after})
                notes.print(f"seed {seed}, {name}: {found[name][-1]}", style="dim", highlight=False)
                write_json(options.json, {"machine": described, "runs": found})
    table = Table(title=f"Test data in per cent, mean of {len(options.seeds)} seeds (min … max)", title_justify="left")
    columns = ("before", FIRST, "changed", *rest)
    for column in ("way", "topic before", "topic after", "answers that are others", *rest):
        table.add_column(column, justify="left" if column == "way" else "right")
    for name, runs in found.items():
        table.add_row(name, *(_span([100 * run[column] for run in runs]) for column in columns))
    console.print(table)


@dataclass(frozen=True, slots=True)
class Subject:
    """A recipe, where its data lie, and settings of every training."""

    recipe: Mapping[str, Any]
    data_root: Path
    settings: Mapping[str, Any]

    def taught(
        self, folder: Path, tasks: Sequence[str], seed: int, changes: Mapping[str, Any], start: Path | None = None
    ) -> float:
        """Train the tasks; the share of the frozen head's answers that are others after it."""
        given = {**self.settings, **changes, "training.seed": seed}
        if "training.learning_rate" in given:
            given["training.learning_rate"] *= self.recipe["training"]["learning_rate"]
        overrides = {key: yaml.safe_dump(value) for key, value in given.items()}
        recipe = load_recipe(self._only(tasks, folder), overrides=overrides, data_root=self.data_root)
        result = train(recipe, folder, start=start, report=False)
        return result.drift[FIRST].changed if FIRST in result.drift else 0.0

    def scores(self, folder: Path) -> dict[str, float]:
        """Each head's first metric on the test split."""
        model = Polyhead.from_pretrained(folder)
        file = self._only(list(model.tasks), folder)
        sets, _ = recipe_examples(file, "test", model.tasks, data_root=self.data_root, count_unseen=True)
        found = model.evaluate(chain.from_iterable(sets)).metrics()
        return {name: next(value for key, value in found.items() if key.startswith(f"{name}.")) for name in model.tasks}

    def _only(self, tasks: Sequence[str], folder: Path) -> Path:
        """The recipe with these tasks alone, as a file beside the run's folder."""
        file = folder.with_suffix(".yaml")
        file.write_text(yaml.safe_dump(only_tasks(self.recipe, tasks)), encoding="utf-8")
        return file


def _span(values: Sequence[float]) -> str:
    return f"{statistics.mean(values):.1f} ({min(values):.1f} … {max(values):.1f})"


if __name__ == "__main__":
    main()
