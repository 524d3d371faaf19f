"""Shapes of the logits before and after training, and the six answers of both runs in one table.

python examples/topic-entities/show.py RUN FROZEN-RUN
"""

import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from polyhead import Polyhead, Prediction, load_recipe, untrained
from polyhead.cli.quickstart import SENTENCES

console = Console(width=150)


def main(end_to_end: str, frozen: str) -> None:
    """Print it all."""
    before = untrained(load_recipe(Path(end_to_end) / "recipe.yaml", data_root=Path(__file__).parent))
    tuned, probed = (Polyhead.from_pretrained(run) for run in (end_to_end, frozen))
    for name, model in (("untrained", before), ("trained end to end", tuned), ("encoder frozen", probed)):
        found = model.logits(list(SENTENCES))
        console.print(f"{name}: topic {found['topic'].shape}, entities {found['entities'].shape}")
        console.print(f"  topic logits of the first: {', '.join(f'{value:.2f}' for value in found['topic'][0])}")
    console.print(f"embeddings: {tuned.encode(list(SENTENCES)).shape}")
    table = Table(title="The six sentences")
    for column in ("sentence", "end to end", "encoder frozen"):
        table.add_column(column, ratio=1)
    for sentence, *answers in zip(
        SENTENCES, tuned.predict(list(SENTENCES)), probed.predict(list(SENTENCES)), strict=True
    ):
        table.add_row(sentence, *map(answer, answers))
    console.print(table)


def answer(found: Prediction) -> str:
    """A topic with its probability, and the entities."""
    entities = ", ".join(f"{each.word} ({each.entity_group})" for each in found["entities"].entities) or "no entities"
    return f"{found['topic'].label} {found['topic'].score:.2f}: {entities}"


if __name__ == "__main__":
    main(*sys.argv[1:])
