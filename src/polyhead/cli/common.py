"""What several verbs share: arguments, reading texts, writing answers."""

import json
import re
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from polyhead.errors import UserError
from polyhead.printing import printable

if TYPE_CHECKING:
    from polyhead.api import Polyhead

Model = Annotated[
    str,
    typer.Argument(metavar="MODEL", help="A model folder, a run's folder, or a name on the Hub.", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines instead of tables.")]
Device = Annotated[str | None, typer.Option(help="cpu, cuda, mps …; the best there is if left out.")]
Dtype = Annotated[
    str, typer.Option(help="What the backbone computes in: auto (bf16 where it is fast), float32, bfloat16, float16.")
]
AllowMismatch = Annotated[
    bool,
    typer.Option("--allow-mismatch", help="Open heads that were trained on another encoder than the one beside them."),
]
Texts = Annotated[
    list[str] | None,
    typer.Argument(metavar="TEXT … | FILE | -", help="Texts, a file with a text a line, or - for standard input."),
]

out = Console(highlight=False, soft_wrap=True)
notes = Console(stderr=True, highlight=False, soft_wrap=True)


def open_model(
    name: str, *, device: str | None = None, dtype: str = "auto", allow_mismatch: bool = False
) -> "Polyhead":
    """The model that the command line names."""
    from polyhead.api import Polyhead

    return Polyhead.from_pretrained(name, device=device, dtype=dtype, allow_mismatch=allow_mismatch)


def original_of(model: "Polyhead", name: str | None, *, device: str | None, dtype: str) -> "Polyhead | None":
    """The model called ``name``, or the one that the training of ``model`` started from, if it can be had."""
    if name is not None:
        return open_model(name, device=device, dtype=dtype)
    origin = model.pretrained.origin
    if origin is None:
        notes.print(
            "! it is not known what this model's training started from; what was kept of its embedding is measured"
            " against a model that --original names",
            markup=False,
        )
        return None
    try:
        found = open_model(origin.model, device=device, dtype=dtype)
        if found.pretrained.encoder_hash() == origin.encoder_hash:
            return found
        reason = "is not the one any more"
    except UserError as error:
        reason = f"cannot be opened: {error}"
    notes.print(
        f"! {printable(origin.model)}, which training started from, {printable(reason)}; what was kept of the embedding"
        " is not measured: name the original with --original",
        markup=False,
    )
    return None


def read_texts(given: list[str] | None) -> list[str]:
    """The texts that were given: as arguments, in one file, or on standard input.

    Raises:
        UserError: there are none, or the file is not UTF-8.
    """
    if not given or given == ["-"]:
        if not given and sys.stdin.isatty():
            raise UserError("no text was given; write it behind the model, or name a file, or - for standard input")
        return list(_lines(sys.stdin.buffer.read(), "standard input"))
    if len(given) == 1 and _is_file(given[0]):
        return list(_lines(Path(given[0]).read_bytes(), given[0]))
    for text in given:
        if _LIKE_A_FILE.fullmatch(text):
            notes.print(f"! {text}: no file of this name is here, so it is read as a text", markup=False)
    return given


_LIKE_A_FILE = re.compile(r"\S+\.(txt|csv|tsv|json|jsonl|parquet)")


def _is_file(text: str) -> bool:
    try:
        return len(text) < 4096 and Path(text).is_file()
    except (OSError, ValueError):
        return False


def _lines(content: bytes, name: str) -> Iterator[str]:
    found = blank = 0
    for number, line in enumerate(content.splitlines(), start=1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise UserError(f"{name}:{number}: must be UTF-8 text, found {line[:20]!r}") from None
        if text.strip():
            found += 1
            yield text
        else:
            blank += 1
    if not found:
        raise UserError(f"{name}: holds no text; one text a line is read")
    if blank:
        notes.print(
            f"! {name}: {blank:,} blank lines were left out; answers are those of the other lines", markup=False
        )


def names_of(columns: str | None) -> list[str] | None:
    """Names that were given by commas."""
    return (columns and [name.strip() for name in columns.split(",")]) or None


def note_cut(texts: int, limit: int) -> None:
    """Say on standard error how many texts were not read to their end."""
    if texts:
        some = "1 text was" if texts == 1 else f"{texts:,} texts were"
        notes.print(f"! {some} longer than {limit} tokens and read only as far as that")


def note_encoder(model: "Polyhead", texts: Sequence[str]) -> None:
    """Say on standard error how many of ``texts`` are longer than the limit, and whether the encoder was changed."""
    tokenizer = model.pretrained.tokenizer
    note_cut(int((tokenizer.lengths(texts) > tokenizer.max_length).sum()), tokenizer.max_length)
    if not model.pretrained.as_recorded:
        notes.print("! the encoder's weights are not those that were saved with its heads (re-saved or tampered with)")


def train_command(recipe: Path, options: Mapping[str, object]) -> str:
    """``polyhead train`` with these options, without those that are None, as it can be given to a shell."""
    words = [f"--{name}={value}" for name, value in options.items() if value is not None]
    return f"polyhead train {printable(shlex.join([str(recipe), *words]), 400)}"


def print_json(value: Any, *, indent: int | None = 2) -> None:
    """Write JSON on standard output; one line where ``indent`` is None."""
    print(json_line(value, indent=indent))


def json_line(value: Any, *, indent: int | None = None) -> str:
    """JSON that UTF-8 can hold."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    if any("\ud800" <= character <= "\udfff" for character in text):  # bytes of the command line that were not UTF-8
        text = json.dumps(value, indent=indent)
    return text


def safe(text: str, limit: int = 200) -> str:
    """A user's text inside of markup: printable, and no markup itself."""
    return escape(printable(text, limit))
