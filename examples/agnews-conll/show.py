"""Test examples with their true and predicted labels, and the tag of every word.

python examples/agnews-conll/show.py RUN [DATA-ROOT]
"""

import sys
from pathlib import Path
from textwrap import shorten

from rich.console import Console
from rich.table import Table

from polyhead import Polyhead
from polyhead.recipe.examples import recipe_examples

console = Console(width=150)


def main(run: str, data_root: str | None = None) -> None:
    """Print it all."""
    model = Polyhead.from_pretrained(run)
    root = Path(data_root) if data_root else None
    [news, conll], _ = recipe_examples(
        Path(__file__).parent / "recipe.yaml", "test", model.tasks, data_root=root, count_unseen=False
    )
    table = Table(title="Headlines of the test set")
    for column in ("text", "true", "predicted"):
        table.add_column(column)
    for example in (news[number] for number in range(8)):
        found = model.predict(example.text, ["topic"])["topic"]
        table.add_row(
            shorten(example.text, 90, placeholder=" …"),
            str(example.labels["topic"]),
            f"{found.label} {found.score:.2f}",
        )
    console.print(table)
    for example in (conll[number] for number in range(1, 7)):
        tags = model.predict([example.word_texts or []], ["entities"])[0]["entities"].words
        true = ", ".join(f"{example.text[each.start : each.end]} ({each.type})" for each in example.labels["entities"])
        console.print(
            " ".join(f"{word.word}[{word.tag}]" if word.tag != "O" else word.word for word in tags), markup=False
        )
        console.print(f"  true: {true or 'no entities'}", markup=False, style="dim")


if __name__ == "__main__":
    main(*sys.argv[1:])
