"""Each task's loss and accuracy, and the total loss, epoch by epoch; and some answers.

python examples/type-sentiment/show.py RUN
"""

import json
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from polyhead import Polyhead

SENTENCES = (
    "Could you send me the report by Friday?",
    "Close the door behind you.",
    "I waited two hours and nobody came.",
    "A kilometre has a thousand metres.",
)
console = Console(width=120)


def main(run: str) -> None:
    """Print it all."""
    rows = [json.loads(line) for line in (Path(run) / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    model = Polyhead.from_pretrained(run)
    table = Table(title="Validation data, epoch by epoch")
    for column in ("epoch", "total loss", *(f"{task} {what}" for task in model.tasks for what in ("loss", "accuracy"))):
        table.add_column(column, justify="right")
    for row in (each for each in rows if "eval_loss" in each):
        cells = [
            row["eval_loss"],
            *(row[f"eval_{task}_{what}"] for task in model.tasks for what in ("loss", "accuracy")),
        ]
        table.add_row(f"{row['epoch']}{' *' if row['best'] else ''}", *(f"{cell:.3f}" for cell in cells))
    console.print(table)
    console.print("*: better than all before; the last of them is kept")
    for answer in model.predict(list(SENTENCES)):
        console.print(f"{answer.text:45} {answer['type'].label:14} {answer['sentiment'].label}", highlight=False)
    console.print(f"embedding: {model.encode(SENTENCES[0]).shape}")


if __name__ == "__main__":
    main(*sys.argv[1:])
