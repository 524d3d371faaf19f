"""What it saves to run frozen layers once: training with kept activations, without them, and transformers' ``Trainer``.

The steps are those of ``benchmarks.train_step`` (one batch of AG News and one of CoNLL-2003), under ``plan: probe`` and
``plan: top:2``; the one pass that fills the cache is not in them. Then one whole probe of many epochs is timed, with
that pass, evaluations, checkpoints and the best model. Run from the repository's root:

    python -m benchmarks.frozen --data-root DIR
    python -m benchmarks.frozen --data-root DIR --plans probe --steps 0 --warmup 1    # an epoch of all rows
"""

import argparse
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.common import (
    RECIPE,
    add_arguments,
    as_json,
    console,
    interleaved,
    machine,
    notes,
    ratio_table,
    show_machine,
    write_json,
)
from benchmarks.train_step import Side, measure, work_of
from polyhead.recipe import load_recipe, train

PLANS = ("probe", "top:2")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, required=True, metavar="DIR")
    parser.add_argument("--steps", type=int, default=60, help="timed steps; 0: an epoch of all rows (%(default)s)")
    parser.add_argument("--warmup", type=int, default=5, help="steps before them (%(default)s)")
    parser.add_argument("--plans", nargs="+", default=PLANS, choices=PLANS, metavar="PLAN", help="probe, top:2 or both")
    parser.add_argument("--epochs", type=int, default=20, help="of the whole probe; 0: none (%(default)s)")
    add_arguments(parser)
    options = parser.parse_args()

    described = machine()
    show_machine(described)
    work = work_of(options.data_root, warmup=options.warmup, steps=options.steps or None)
    speeds = {}
    for name in options.plans:
        sides = {
            "kept activations": Side(trainer=False, plan=name, cache=True),
            "without": Side(trainer=False, plan=name),
            "Trainer": Side(trainer=True, group_by_length=False, plan=name),
        }
        speed = interleaved({side: partial(measure, own, work) for side, own in sides.items()}, rounds=options.rounds)
        console.print(ratio_table(f"plan: {name}", "examples/s", speed, baselines=["without", "Trainer"], digits=1))
        speeds[name] = as_json(speed)

    write_json(options.json, {"machine": described, "steps": options.steps, "examples_per_second": speeds})
    if not options.epochs:
        return
    changes = {"training.plan": "probe", "training.epochs": str(options.epochs), "training.learning_rate": "0"}
    recipe = load_recipe(RECIPE, overrides=changes, data_root=options.data_root)
    with TemporaryDirectory() as folder:
        started = time.perf_counter()
        result = train(recipe, Path(folder) / "run")
        seconds = time.perf_counter() - started
    metrics = {name: round(value, 4) for name, value in result.best.report.metrics().items()}
    console.print(
        f"probe of both heads, {options.epochs} epochs, all included: {seconds:,.0f} s; validation: {metrics}"
    )
    notes.print("its first epoch begins when all texts have passed the backbone once", style="dim")
    found = {"machine": described, "steps": options.steps, "examples_per_second": speeds, "probe_seconds": seconds}
    write_json(options.json, found)


if __name__ == "__main__":
    main()
