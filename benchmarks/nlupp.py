"""NLU++, its harder setting: train on one fold of twenty, choose on the next, test on the other eighteen.

    python -m benchmarks.nlupp --data-root DIR --domain banking --folds 0 7 14 --output OUT

Several intents and any number of slots a sentence, from about a hundred sentences.
"""

import argparse
import json
from pathlib import Path

from benchmarks.agnews_conll import results_table, summarized
from benchmarks.common import console, fresh_process, machine, show_machine, write_json
from benchmarks.seeds import run_seed

RECIPE = Path(__file__).parent / "recipes" / "nlupp.yaml"
FOLDS = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, required=True, metavar="DIR")
    parser.add_argument("--domain", choices=("banking", "hotels"), default="banking")
    parser.add_argument("--folds", type=int, nargs="+", default=[0, 7, 14], help="the folds to train on, one a run")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    options = parser.parse_args()
    described = machine()
    show_machine(described)
    known = labels(options.data_root / "nlupp" / options.domain)
    results = {}
    for fold in options.folds:
        paths = [f"nlupp/{options.domain}/fold{number % FOLDS}.json" for number in range(fold, fold + FOLDS)]
        changes = {
            "data.nlupp.train": paths[0],
            "data.nlupp.validation": paths[1],
            "data.nlupp.test": f"[{', '.join(paths[2:])}]",
            **{f"tasks.{task}.labels": json.dumps(names) for task, names in known.items()},
        }
        place = options.output / f"{options.domain}-{fold}"
        results[fold] = fresh_process(run_seed, RECIPE, 13 + fold, options.data_root, place, changes)
    console.print(results_table(results, summarized(list(results.values()))))
    write_json(options.output / f"{options.domain}.json", {"machine": described, "folds": results})


def labels(folder: Path) -> dict[str, list[str]]:
    """The intents and slots of the domain, as its ontology has them; a single fold does not show all."""
    rows = [
        row for fold in range(FOLDS) for row in json.loads((folder / f"fold{fold}.json").read_text(encoding="utf-8"))
    ]
    return {
        "intents": sorted({name for row in rows for name in row.get("intents", ())}),
        "slots": sorted({name for row in rows for name in row.get("slots", ())}),
    }


if __name__ == "__main__":
    main()
