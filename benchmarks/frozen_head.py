"""What a frozen head's answers come to while other heads are taught on the encoder under it.

On the starter data: topic is taught alone, then sentiment and entities from there, by several plans that leave the
topic head as it is. Before and after: its accuracy on the test split, the share of validation texts that it answers
otherwise, and what the new heads reach. Nothing is downloaded. Run from the repository's root:

    python -m benchmarks.frozen_head
"""

import argparse
import statistics
from collections.abc import Mapping, Sequence
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

STARTER = Path(polyhead.starter.__file__).parent
FIRST, REST = "topic", ("sentiment", "entities")
WAYS: Mapping[str, Mapping[str, Any]] = {
    "freeze topic, everything else learns": {"training.plan": {"freeze": [FIRST]}},
    "the same, new heads first": {"training.plan": {"probe-then-full": {"epoch": 4}, "freeze": [FIRST]}},
    "the same at a fifth of the rate": {"training.plan": {"freeze": [FIRST]}, "training.learning_rate": 2e-5},
    "the same with an anchor": {
        "training.plan": {"freeze": [FIRST]}, "embedding.mode": "anchor", "embedding.weight": 1.0,
    },
    "freeze topic and backbone": {"training.plan": {"freeze": [FIRST, "backbone"]}},
    "fork of the two topmost layers": {"embedding.mode": "fork", "embedding.top": 2},
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[13, 14, 15])
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS), metavar="WAY")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    described = machine()
    show_machine(described)
    found: dict[str, list[dict[str, float]]] = {}
    for seed in options.seeds:
        with TemporaryDirectory() as place:
            first = Path(place) / FIRST
            taught(first, [FIRST], seed, {})
            before = scores(first)
            for number, name in enumerate(options.ways):
                folder = Path(place) / str(number)
                changed = taught(folder, REST, seed, WAYS[name], start=first)
                found.setdefault(name, []).append({"before": before[FIRST], "changed": changed, **scores(folder)})
                notes.print(f"seed {seed}, {name}: {found[name][-1]}", style="dim", highlight=False)
                write_json(options.json, {"machine": described, "runs": found})
    table = Table(title=f"Test data in per cent, mean of {len(options.seeds)} seeds (min … max)", title_justify="left")
    columns = ("before", FIRST, "changed", *REST)
    for column in ("way", "topic before", "topic after", "answers that are others", *REST):
        table.add_column(column, justify="left" if column == "way" else "right")
    for name, runs in found.items():
        table.add_row(name, *(_span([100 * run[column] for run in runs]) for column in columns))
    console.print(table)


def taught(
    folder: Path, tasks: Sequence[str], seed: int, changes: Mapping[str, Any], start: Path | None = None
) -> float:
    """Train the tasks by the quickstart's recipe; the share of the frozen head's answers that are others after it."""
    file = recipe_of(tasks, folder.with_suffix(".yaml"))
    given = {key: yaml.safe_dump(value) for key, value in {**changes, "training.seed": seed}.items()}
    result = train(load_recipe(file, overrides=given, data_root=STARTER), folder, start=start, report=False)
    return result.drift[FIRST].changed if FIRST in result.drift else 0.0


def scores(folder: Path) -> dict[str, float]:
    """Each head's first metric on the test split."""
    model = Polyhead.from_pretrained(folder)
    file = recipe_of(tuple(model.tasks), folder.with_suffix(".test.yaml"))
    sets, _ = recipe_examples(file, "test", model.tasks, data_root=STARTER, count_unseen=True)
    found = model.evaluate(chain.from_iterable(sets)).metrics()
    return {name: next(value for key, value in found.items() if key.startswith(f"{name}.")) for name in model.tasks}


def recipe_of(tasks: Sequence[str], file: Path) -> Path:
    """The quickstart's recipe with these tasks alone, written to a file."""
    recipe = yaml.safe_load((STARTER / "quickstart.yaml").read_text(encoding="utf-8"))
    recipe["tasks"] = {name: recipe["tasks"][name] for name in tasks}
    recipe["data"]["starter"]["tasks"] = {name: {} for name in tasks}
    file.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    return file


def _span(values: Sequence[float]) -> str:
    return f"{statistics.mean(values):.1f} ({min(values):.1f} … {max(values):.1f})"


if __name__ == "__main__":
    main()
