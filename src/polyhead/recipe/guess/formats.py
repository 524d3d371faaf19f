"""A file's format, by its ending and by what is in it; and its first rows, as the format's reader gives them."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from polyhead.data.lines import PACKED
from polyhead.data.readers import SOURCES, Record
from polyhead.errors import UserError
from polyhead.recipe.guess.base import ROWS, Choose, Form, Look, Reasoned
from polyhead.recipe.guess.json import guess_json
from polyhead.recipe.guess.lines import conll_form, first_lines, guess_lines
from polyhead.recipe.guess.table import guess_table

_TABLES = {".csv": False, ".tsv": True, ".tab": True}
_JSON = (".json", ".jsonl", ".ndjson")
_CONLL = (".conll", ".bio", ".iob", ".iob2")
_BINARY = {".parquet": "parquet", ".arrow": "arrow"}
_TEXT = (".txt",)
ENDINGS = frozenset({*_TABLES, *_JSON, *_CONLL, *_BINARY, *_TEXT})
"""What the names of data files end in, when a folder is looked through."""
_PARALLEL = ("seq.in", "seq.out", "label")


def look(path: Path, choose: Choose) -> Look:
    """A file's format and its first rows.

    Raises:
        UserError: the file is missing, empty, or wrong, with its line.
    """
    if not path.exists():
        raise UserError(f"{path}: no such file or folder")
    form = _form(path, choose)
    settings = {key: each.value for key, each in form.layout.items()}
    source = SOURCES[form.format.value].model_validate({"format": form.format.value, "path": str(path), **settings})
    rows: Iterator[Record] = source.records(form.head, str(path)) if form.head else source.read(path, str(path))
    found = list(islice(rows, ROWS + 1))
    records = [record for record in found[:ROWS] if not record.left_out]
    if not records:
        raise UserError(f"{path}: the file has no rows" + (f" but those {found[0].left_out}" if found else ""))
    return Look(path, form, records, len(found) <= ROWS)


def _form(path: Path, choose: Choose) -> Form:
    if path.is_dir():
        form = folder_format(path)
        if form is None:
            raise UserError(f"{path}: holds no data; a folder may hold data files, or {', '.join(_PARALLEL)}")
        return Form(form, {})
    end = ending(path)
    if end in _BINARY:
        return Form(Reasoned(_BINARY[end], f"the name ends in {end}"), {})
    if end in _JSON:
        return guess_json(path, choose)
    if end in _TABLES:
        columns = conll_form(first_lines(path)) if _TABLES[end] else None
        return columns or guess_table(path, choose, tabs=_TABLES[end])
    if end in _CONLL:
        return conll_form(first_lines(path), sure=True) or guess_lines(path, choose)
    return guess_lines(path, choose)


def folder_format(path: Path) -> Reasoned | None:
    """The format of a folder that is read like a file, if it is one."""
    if all((path / name).is_file() for name in _PARALLEL):
        return Reasoned("parallel", f"a folder with {', '.join(_PARALLEL)}")
    if any(path.glob("*.arrow")):
        return Reasoned("datasets", "a folder with Arrow files, as HF datasets saves a split")
    return None


def ending(path: Path) -> str:
    """What a name ends in, in small letters, whatever packs the file left aside."""
    return (Path(path.stem).suffix if path.suffix in PACKED else path.suffix).lower()
