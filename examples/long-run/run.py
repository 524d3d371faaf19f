"""A run that is stopped in the middle and goes on, with callbacks that are plain functions.

Run it from anywhere: python examples/long-run/run.py [FOLDER]
"""

import sys
from pathlib import Path
from tempfile import mkdtemp

from polyhead import load_recipe, train
from polyhead.recipe import Watcher
from polyhead.starter import FOLDER as STARTER
from polyhead.training import EvaluationReport, Interrupted, StepReport

RECIPE = Path(__file__).with_name("recipe.yaml")
STOP = 25


def main(folder: Path) -> None:
    """Train as far as step 25, then to the end."""
    recipe = load_recipe(RECIPE, data_root=STARTER)
    seen: list[int] = []

    def note(report: StepReport) -> None:
        seen.append(report.step)

    def tell(report: EvaluationReport) -> None:
        metrics = report.report.metrics()
        best = "  best so far" if report.best else ""
        print(f"step {report.step}: topic {metrics['topic.accuracy']:.3f}, "
              f"spans {metrics['entities.span_f1']:.3f}{best}")  # fmt: skip

    try:
        train(recipe, folder, watcher=Watcher(on_step=note, on_evaluation=tell, should_stop=lambda: len(seen) >= STOP))
    except Interrupted as stopped:
        print(stopped)
    result = train(recipe, folder, resume=True, watcher=Watcher(on_evaluation=tell))
    print(f"kept step {result.best.step} in {result.model}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(mkdtemp()) / "run")
