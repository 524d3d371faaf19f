"""Quality of any recipe over seeds: each seed trained in a process of its own, its best model scored on the test split.

    python -m benchmarks.seeds examples/intent-slots/recipe.yaml --data-root DIR --seeds 13 14 15 --output OUT

``--set training.epochs=1`` changes the recipe, as ``polyhead train --training.epochs=1`` does. A seed whose result is
there is not trained again.
"""

import argparse
import json
from collections.abc import Mapping
from itertools import chain
from pathlib import Path

from benchmarks.agnews_conll import parse_change, results_table, summarized
from benchmarks.common import console, fresh_process, machine, notes, peak_memory, show_machine, write_json


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--data-root", type=Path, metavar="DIR")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="models and results, a seed each")
    parser.add_argument("--seeds", type=int, nargs="+", default=[13, 14, 15])
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", help="changes to the recipe, in YAML")
    options = parser.parse_args()
    changes = dict(parse_change(each) for each in options.set)
    described = machine()
    show_machine(described)
    results: dict[int, dict[str, float]] = {}
    for seed in options.seeds:
        file = options.output / f"seed-{seed}.json"
        if not file.exists():
            notes.print(f"seed {seed}", style="bold")
            found = fresh_process(
                run_seed, options.recipe, seed, options.data_root, options.output / f"{seed}", changes
            )
            write_json(file, found)
        results[seed] = json.loads(file.read_text(encoding="utf-8"))
    summary = summarized(list(results.values()))
    console.print(results_table(results, summary))
    write_json(options.output / "results.json", {"machine": described, "set": changes, "seeds": results})


def run_seed(
    path: Path, seed: int, data_root: Path | None, folder: Path, changes: Mapping[str, str]
) -> dict[str, float]:
    """Train one seed into ``folder`` and score what it kept. Runs in a process of its own."""
    from polyhead import Polyhead, UserError, load_recipe, train
    from polyhead.cli.watch import watch
    from polyhead.recipe.examples import recipe_examples

    try:
        recipe = load_recipe(path, overrides={**changes, "training.seed": str(seed)}, data_root=data_root)
        with watch() as watcher:
            result = train(recipe, folder, watcher=watcher)
        peak = peak_memory()
        model = Polyhead.from_pretrained(folder)
        sets, _ = recipe_examples(folder / "recipe.yaml", "test", model.tasks, data_root=recipe.root, count_unseen=True)
        report = model.evaluate(chain.from_iterable(sets))
    except UserError as error:
        raise SystemExit(str(error)) from None
    errors = {
        f"{name}.{key}": task.details["calibration"][key]
        for name, task in report.tasks.items()
        if "calibration" in task.details
        for key in ("ece_before", "ece")
    }
    return {
        **report.metrics(),
        **errors,
        "training.best_epoch": result.best.epoch,
        "training.seconds": result.seconds,
        "training.peak_memory_mib": peak,
    }


if __name__ == "__main__":
    main()
