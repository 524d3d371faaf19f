"""Quality of the joint AG News + CoNLL-2003 training of benchmarks/recipes/agnews-conll.yaml, over seeds.

Each seed is trained in a process of its own, its best model is kept and scored on the test splits; the embedding is
scored on STS-B (Spearman of cosines) beside the untouched one. A seed whose result is there is not trained again.
Run from the repository's root:

    python -m benchmarks.agnews_conll --data-root DIR --seeds 13 14 15 --output DIR

The data root holds ag_news/, conll2003/ and stsb/stsb-en-test.csv (sentence1, sentence2, score; no header).
``--set training.epochs=1`` changes the recipe, as ``polyhead train --training.epochs=1`` does.
"""

import argparse
import json
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain, pairwise
from pathlib import Path

from rich.table import Table

from benchmarks.common import RECIPE, console, fresh_process, machine, notes, peak_memory, show_machine, write_json
from polyhead.recipe import Watcher
from polyhead.training import EvaluationReport, StepReport


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, required=True, metavar="DIR")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="models and results, a seed each")
    parser.add_argument("--seeds", type=int, nargs="+", default=[13, 14, 15])
    parser.add_argument("--dtype", default="auto", help="what the trained model computes in when it is scored")
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
                run_seed, seed, options.data_root, options.output / f"seed-{seed}", options.dtype, changes
            )
            write_json(file, {"seed": seed, "dtype": options.dtype, "set": changes, "metrics": found})
        kept = json.loads(file.read_text(encoding="utf-8"))
        if (kept["dtype"], kept["set"]) != (options.dtype, changes):
            raise SystemExit(f"{file}: was made with other --dtype or --set; choose another --output")
        results[seed] = kept["metrics"]

    summary = summarized(list(results.values()))
    console.print(results_table(results, summary))
    content = {"machine": described, "dtype": options.dtype, "set": changes, "seeds": results, "summary": summary}
    write_json(options.output / "results.json", content)


def parse_change(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise SystemExit(f"--set: takes KEY=VALUE, found {text}")
    return key, value


def run_seed(seed: int, data_root: Path, folder: Path, dtype: str, changes: Mapping[str, str]) -> dict[str, float]:
    """Train one seed into ``folder`` and score what it kept. Runs in a process of its own."""
    from polyhead import Polyhead
    from polyhead.cli.watch import watch
    from polyhead.data.pairs import read_pairs
    from polyhead.errors import UserError
    from polyhead.recipe import load_recipe, train

    try:
        recipe = load_recipe(RECIPE, overrides={**changes, "training.seed": str(seed)}, data_root=data_root)
        pauses = Pauses()
        with watch() as watcher:
            result = train(recipe, folder, watcher=pauses.beside(watcher))
        peak = peak_memory()
        scores = scores_on_test(folder, data_root, dtype)
    except UserError as error:
        raise SystemExit(str(error)) from None
    pairs = read_pairs(data_root / "stsb" / "stsb-en-test.csv")
    untouched, tuned = (Polyhead.from_pretrained(each, dtype=dtype) for each in (recipe.model.backbone, result.model))
    return {
        **scores,
        "stsb.spearman": tuned.evaluate_embedding(pairs).spearman or 0.0,
        "stsb.spearman_untouched": untouched.evaluate_embedding(pairs).spearman or 0.0,
        "training.best_epoch": result.best.epoch,
        "training.seconds": result.seconds,
        "training.peak_memory_mib": peak,
        "training.overhead_percent": pauses.percent(),
    }


class Pauses:
    """How much of a training is not steps: evaluations, saving the best model, checkpoints."""

    def __init__(self) -> None:
        self._stamps: list[tuple[float, bool]] = []

    def beside(self, watcher: Watcher) -> Watcher:
        """``watcher``, with the moments of steps noted."""
        evaluated = [False]

        def step(report: StepReport) -> None:
            self._stamps.append((time.perf_counter(), evaluated[0]))
            evaluated[0] = False
            watcher.on_step(report)

        def evaluation(report: EvaluationReport) -> None:
            evaluated[0] = True
            watcher.on_evaluation(report)

        return replace(watcher, on_step=step, on_evaluation=evaluation)

    def percent(self) -> float:
        """What an epoch's end takes (the time between the steps around it, less a step), of the epoch's steps."""
        gaps = [(after - before, pause) for (before, _), (after, pause) in pairwise(self._stamps)]
        step = statistics.mean(gap for gap, pause in gaps if not pause)
        pauses = [gap - step for gap, pause in gaps if pause]
        if not pauses:
            return 0.0
        steps_an_epoch = len(self._stamps) / (len(pauses) + 1)
        return 100 * statistics.mean(pauses) / (step * steps_an_epoch)


def scores_on_test(folder: Path, data_root: Path, dtype: str) -> dict[str, float]:
    """The run's kept model on the test splits of the run's recipe."""
    from polyhead import Polyhead
    from polyhead.recipe.examples import recipe_examples

    model = Polyhead.from_pretrained(folder, dtype=dtype)
    sets, log = recipe_examples(folder / "recipe.yaml", "test", model.tasks, data_root=data_root, count_unseen=False)
    for line in log.lines():
        notes.print(f"! {line}", markup=False)
    report = model.evaluate(chain.from_iterable(sets))
    metrics = report.metrics()
    types: Mapping[str, Mapping[str, float]] = report.tasks["entities"].details["types"]
    names = ("topic.accuracy", "entities.span_f1", "entities.token_accuracy", "entities.piece_accuracy")
    return {
        **{name: metrics[name] for name in names},
        **{f"entities.f1.{name}": counts["f1"] for name, counts in sorted(types.items())},
    }


def summarized(results: Sequence[Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Mean and standard deviation (of a sample; 0 for a single seed) of each metric."""
    columns = {name: [each[name] for each in results] for name in results[0]}
    return {
        name: {"mean": statistics.mean(values), "std": statistics.stdev(values) if len(values) > 1 else 0.0}
        for name, values in columns.items()
    }


def results_table(results: Mapping[int, Mapping[str, float]], summary: Mapping[str, Mapping[str, float]]) -> Table:
    """A row a metric, a column a seed."""
    table = Table(title="Test splits, in per cent", title_justify="left")
    table.add_column("metric")
    for heading in [*(f"seed {seed}" for seed in results), "mean", "std"]:
        table.add_column(heading, justify="right")
    for name, found in summary.items():
        scale = 1 if name.startswith("training.") else 100
        values = [*(each[name] for each in results.values()), found["mean"], found["std"]]
        table.add_row(name, *(f"{scale * value:,.2f}" for value in values))
    return table


if __name__ == "__main__":
    main()
