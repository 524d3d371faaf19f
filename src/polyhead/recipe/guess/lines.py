"""Files of lines without a telling ending: CoNLL columns, a table with tabs, JSON, bracket markup, or a text a line."""

import re
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from polyhead.data.lines import Lines, open_binary
from polyhead.data.readers.markup import unmarked
from polyhead.errors import UserError
from polyhead.recipe.guess.base import Choose, Form, Reasoned
from polyhead.recipe.guess.columns import column
from polyhead.recipe.guess.json import guess_json
from polyhead.recipe.guess.table import guess_table

_LINES = 5000
_TAG = re.compile(r"[BIESLU]-\S+|O")
_BRACKET = re.compile(r"\[[^\[\]:]+:[^\[\]]+\]")


def first_lines(path: Path) -> list[str]:
    """The beginning of a file.

    Raises:
        UserError: it is not UTF-8.
    """
    with open_binary(path) as file:
        return [line.rstrip("\r\n") for line in islice(Lines(file, str(path)), _LINES)]


def guess_lines(path: Path, choose: Choose) -> Form:
    """The format, by what is in the file.

    Raises:
        UserError: the file has no lines, or is not UTF-8 text.
    """
    lines = first_lines(path)
    filled = [line for line in lines if line.strip()]
    if not filled:
        raise UserError(f"{path}: the file has no rows")
    if filled[0].lstrip().startswith(("{", "[{", "[[")) or filled[0].strip() == "[":
        return guess_json(path, choose)
    if found := conll_form(lines):
        return found
    if is_marked(filled):
        why = "a text a line, with entities in brackets: [type : text]"
        return Form(Reasoned("text", why), {"markup": Reasoned("text", why)})
    if all("\t" in line for line in filled) and len({line.count("\t") for line in filled}) == 1:
        return guess_table(path, choose, tabs=True)
    return Form(Reasoned("text", "lines without columns, tags or brackets: a text a line"), {})


def conll_form(lines: Sequence[str], *, sure: bool = False) -> Form | None:
    """CoNLL columns, if that is what the lines are: as many columns in each, one of them tags.

    ``sure`` where the file's name says so already.
    """
    words = [line for line in lines if line.strip() and not line.startswith("-DOCSTART-")]
    rows = [line.split("\t") if "\t" in line else line.split() for line in words]
    even = bool(rows) and len(rows[0]) > 1 and len({len(row) for row in rows}) == 1
    if not even:
        return Form(Reasoned("conll", "the name ends like that of CoNLL columns"), {}) if sure else None
    columns = list(zip(*rows, strict=True))
    parted = any(not line.strip() for line in lines[1:])
    tagged = [number for number, cells in enumerate(columns) if number and _are_tags(cells)]
    if not (sure or tagged or (parted and _are_classes(columns[-1]))):
        return None
    found = f"{len(rows[0])} columns, a word a line" + (" and a blank line between sentences" if parted else "")
    layout = {}
    if column("", columns[0]).whole and len(columns) > 2:
        layout["word_column"] = Reasoned(1, "the first column, 0, holds numbers")
    return Form(Reasoned("conll", found), layout)


def _are_tags(cells: Sequence[str]) -> bool:
    """Whether a column holds IOB tags."""
    return all(map(_TAG.fullmatch, cells)) and (len(set(cells)) > 1 or cells[0] != "O" or len(cells) > 3)


def _are_classes(cells: Sequence[str]) -> bool:
    """Whether a column holds plain tags, such as parts of speech."""
    return 3 * len(set(cells)) <= len(cells) and len(set(cells)) <= 100 and all(cells)


def is_marked(texts: Sequence[str]) -> bool:
    """Whether texts have entities in brackets: a tenth of them at least, and none is written wrongly."""
    if 10 * sum(_BRACKET.search(text) is not None for text in texts) < len(texts):
        return False
    try:
        return sum(len(unmarked(text)[1]) for text in texts) > 0
    except ValueError:
        return False
