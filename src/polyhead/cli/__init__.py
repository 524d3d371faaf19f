"""The command line: one verb a file. What the user can mend is one line a fault and exit status 1; usage is 2."""

import os
import sys

import typer

from polyhead._version import __version__
from polyhead.cli import (
    check,
    convert,
    encode,
    evaluate,
    heads,
    info,
    init,
    plot,
    predict,
    quickstart,
    serve,
    similarity,
    study,
    train,
)
from polyhead.cli import (
    map as map_,
)
from polyhead.errors import UserError, missing_extra
from polyhead.printing import printable

_INTERRUPTED = 130  # what typer makes of Ctrl-C

app = typer.Typer(
    name="polyhead",
    help="One sentence encoder, many heads: embeddings, classes and entities from one forward pass.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Begin with: [bold]polyhead quickstart[/]",
)
VERBS = (
    quickstart, init, check, convert, train, study, evaluate, heads, predict, encode, similarity, map_, plot, serve,
    info,
)  # fmt: skip
for verb in VERBS:
    verb.register(app)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"polyhead {__version__}")
        raise typer.Exit


@app.callback()
def _top(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version."),
) -> None:
    pass


def main() -> None:
    """Run the command line, and turn what the user can mend into lines on standard error."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    try:
        app()
    except UserError as error:
        _fail(*error.faults)
    except ModuleNotFoundError as error:
        known = missing_extra(error)
        if not isinstance(known, UserError):
            raise
        _fail(*known.faults)
    except SystemExit as stop:
        if stop.code == _INTERRUPTED:
            _fail("interrupted; nothing half-written was left behind")
        raise
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _fail(*lines: str) -> None:
    for line in lines:
        print(f"polyhead: {printable(line, 2000)}", file=sys.stderr)
    sys.exit(1)
