"""``polyhead init``."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from polyhead.cli.common import out
from polyhead.errors import UserError
from polyhead.printing import printable


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(no_args_is_help=True)(init)


def init(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="Data files, or folders with them.", show_default=False)
    ],
    output: Annotated[Path, typer.Option(help="The recipe to write.")] = Path("recipe.yaml"),
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing; take the likeliest guesses.")] = False,
) -> None:
    """Write a recipe from data files: formats, splits, texts and tasks are guessed, and each guess says why.

    On a terminal it asks about what is uncertain.
    """
    if output.exists():
        raise UserError(f"{output}: is there already; move it away, or choose another --output")
    from polyhead.folder.files import write_text
    from polyhead.recipe.draft import draft, told
    from polyhead.recipe.guess import guess, likeliest

    asked = not yes and sys.stdin.isatty() and sys.stdout.isatty()
    found = guess(files, _ask if asked else likeliest)
    write_text(output, draft(found, output))
    for line in told(found):
        out.print(printable(line, 300), markup=False)
    out.print(f"\nThe recipe is in {output}; each guess has its reason beside it. Look them over, then:", markup=False)
    named = shlex.quote(str(output))
    out.print(f"  polyhead check {named}\n  polyhead train {named}", markup=False)


def _ask(question: str, options: Sequence[str]) -> int:
    """Have a person choose; the first option if they only press Enter."""
    out.print(printable(question, 300), markup=False)
    for number, option in enumerate(options, start=1):
        out.print(f"  {number}  {printable(option, 120)}", markup=False)
    chosen = 0
    while not 1 <= chosen <= len(options):
        chosen = typer.prompt(f"Which, 1 to {len(options)}", default=1, type=int)
    return chosen - 1
