"""Accuracy of each task on the test set, and of both together.

python examples/cls-aligned/show.py RUN
"""

import sys
from pathlib import Path

from rich.console import Console

from polyhead import Polyhead
from polyhead.recipe.examples import recipe_examples

console = Console(width=120)


def main(run: str) -> None:
    """Print it all."""
    model = Polyhead.from_pretrained(run)
    [examples], _ = recipe_examples(
        Path(__file__).parent / "recipe.yaml", "test", model.tasks, data_root=None, count_unseen=False
    )
    answers = model.predict([example.text for example in examples])
    right = {
        task: [answer[task].label == example.labels[task] for answer, example in zip(answers, examples, strict=True)]
        for task in model.tasks
    }
    for task, found in right.items():
        console.print(f"{task}: {sum(found)} of {len(found)} right ({sum(found) / len(found):.0%})")
    both = [all(each) for each in zip(*right.values(), strict=True)]
    console.print(f"both: {sum(both)} of {len(both)} ({sum(both) / len(both):.0%})")


if __name__ == "__main__":
    main(*sys.argv[1:])
