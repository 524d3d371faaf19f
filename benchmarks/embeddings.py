"""What training does to the embedding, and what keeps it: STS-B after plain, anchored and forked trainings.

Every run is measured on the STS-B development pairs after each epoch, and what it kept on the test pairs and the test
splits of its tasks. A run whose result is there is not trained again. Run from the repository's root:

    python -m benchmarks.embeddings --data-root DIR --output OUT --runs plain "anchor 1" "fork 2" --seeds 13 14 15
"""

import argparse
import json
import shutil
from itertools import chain
from pathlib import Path
from typing import Any

import yaml
from rich.table import Table

from benchmarks.common import console, fresh_process, machine, notes, show_machine, write_json
from benchmarks.embedding_runs import RUNS, recipe_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, required=True, metavar="DIR")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="results, one file a run and seed")
    parser.add_argument("--runs", nargs="+", default=list(RUNS), choices=list(RUNS), metavar="NAME")
    parser.add_argument("--seeds", type=int, nargs="+", default=[13, 14, 15])
    options = parser.parse_args()
    described = machine()
    show_machine(described)
    for seed in options.seeds:
        for name in options.runs:
            if not result_file(options.output, name, seed).is_file():
                notes.print(f"{name}, seed {seed}", style="bold")
                fresh_process(one, name, seed, options.data_root, options.output)
    write_json(options.output / "machine.json", described)
    console.print(table(options.output, options.runs, options.seeds))


def result_file(folder: Path, name: str, seed: int) -> Path:
    return folder / f"{name.replace(', ', '-').replace(' ', '-')}-seed-{seed}.json"


def one(name: str, seed: int, data_root: Path, output: Path) -> None:
    """Train, measure, and throw the model away."""
    from polyhead import Polyhead, load_recipe, train
    from polyhead.data.pairs import read_pairs
    from polyhead.recipe.examples import recipe_examples

    run, file = RUNS[name], result_file(output, name, seed)
    folder = output / file.stem
    changes = {key: yaml.safe_dump(value) for key, value in run.changes.items()}
    given = {"embedding.pairs": str((data_root / "stsb" / "stsb-en-dev.csv").resolve()), "training.seed": str(seed)}
    recipe = load_recipe(recipe_of(run, data_root, folder), overrides={**changes, **given}, data_root=data_root)
    result = train(recipe, folder / "run")
    model = Polyhead.from_pretrained(folder / "run")
    sets, _ = recipe_examples(
        folder / "run" / "recipe.yaml", "test", model.tasks, data_root=recipe.root, count_unseen=True
    )
    original = Polyhead.from_pretrained(recipe.model.backbone)
    pairs = read_pairs(data_root / "stsb" / "stsb-en-test.csv")
    found: dict[str, Any] = {
        "name": name,
        "seed": seed,
        "test": model.evaluate(chain.from_iterable(sets)).metrics(),
        "embedding": model.evaluate_embedding(pairs, original=original).as_dict(),
        "best_epoch": result.best.epoch,
        "score": result.best.score,
        "held": result.held,
        "validation": result.best.report.metrics(),
        "seconds": result.seconds,
        "epochs": [
            {
                "epoch": each.epoch,
                "score": each.score,
                "metrics": each.report.metrics(),
                "embedding": None if each.embedding is None else each.embedding.as_dict(),
            }
            for each in result.evaluations
        ],
        "mixtures": [[each.share, each.score, each.drop] for each in result.mixtures],
    }
    write_json(file, found)
    shutil.rmtree(folder)


def table(output: Path, names: list[str], seeds: list[int]) -> Table:
    """A row a run: the means over its seeds, and from the smallest to the largest."""
    shown = Table(title="Test data, in per cent: mean (min … max) over seeds", title_justify="left")
    for column in ("run", "seeds", "first metrics", "STS-B Spearman", "cosine", "neighbours"):
        shown.add_column(column, justify="left" if column == "run" else "right")
    for name in names:
        files = [file for seed in seeds if (file := result_file(output, name, seed)).is_file()]
        rows = [json.loads(file.read_text("utf-8")) for file in files]
        if not rows:
            continue
        metrics = [key for key in rows[0]["test"] if key.endswith((".accuracy", ".span_f1", "exact_rows"))]
        tasks = ", ".join(f"{key} {_span([row['test'][key] for row in rows])}" for key in metrics)
        embedding = [row["embedding"] for row in rows]
        shown.add_row(
            name,
            str(len(rows)),
            tasks,
            _span([each["spearman"] for each in embedding]),
            _span([each["drift"]["cosine"] for each in embedding]),
            _span([each["drift"]["neighbours"] for each in embedding]),
        )
    return shown


def _span(values: list[float]) -> str:
    low, high, mean = (100 * each for each in (min(values), max(values), sum(values) / len(values)))
    return f"{mean:.2f} ({low:.2f} … {high:.2f})"


if __name__ == "__main__":
    main()
