"""Which of the formats that are JSON a file is: lines or one list, and who wrote it."""

import json
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from polyhead.data.lines import Lines, open_binary
from polyhead.data.readers.json import parsed_list
from polyhead.errors import UserError
from polyhead.recipe.guess.base import ROWS, Choose, Form, Reasoned
from polyhead.recipe.guess.columns import span_keys

_DOCCANO = ("label", "labels", "entities")


def guess_json(path: Path, choose: Choose) -> Form:
    """The format; for one JSON document, the head is its first rows.

    Raises:
        UserError: the file has no rows, or is neither JSON nor JSONL.
    """
    with open_binary(path) as file:
        lines = (line for line in Lines(file, str(path)) if line.strip())
        beginning = list(islice(lines, 2))
        if not beginning:
            raise UserError(f"{path}: the file has no rows")
        if _are_lines(beginning, path):
            rows = [_parsed(line) for line in (*beginning, *islice(lines, ROWS - 2))]
            return Form(_lines_format([row for row in rows if isinstance(row, dict)]), {})
    with open_binary(path) as file:
        rows = parsed_list(Lines(file, str(path)), str(path))
    if not rows:
        raise UserError(f"{path}: the file has no rows")
    return Form(_list_format(rows[:ROWS]), {}, [json.dumps(rows[: ROWS + 1])])


def _are_lines(beginning: Sequence[str], path: Path) -> bool:
    """Whether each line is an object of its own."""
    first = _parsed(beginning[0])
    if not isinstance(first, dict):
        named = any(ending in path.suffixes for ending in (".jsonl", ".ndjson"))
        return named and beginning[0].strip()[:1] != "["
    lists = [value for value in first.values() if isinstance(value, list)]
    document = len(lists) == 1 and bool(lists[0]) and all(isinstance(row, dict) for row in lists[0])
    return len(beginning) > 1 or not document or span_keys(lists) is not None


def _parsed(line: str) -> Any:
    """What a line holds; nothing where it is no JSON, which the reader will say with its place."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _lines_format(rows: Sequence[Mapping[str, Any]]) -> Reasoned:
    if rows and all(isinstance(row.get("_input_hash"), int) and isinstance(row.get("text"), str) for row in rows):
        return Reasoned("prodigy", "one JSON object a line, with Prodigy's hashes in it")
    if rows and all(row.get("answer") in ("accept", "reject", "ignore") for row in rows):
        return Reasoned("prodigy", "one JSON object a line, whose answer is accept, reject or ignore: Prodigy's")
    if rows and all(map(_is_doccano, rows)):
        kinds = {key for row in rows for key in _DOCCANO if row.get(key)}
        return Reasoned("doccano", f"one JSON object a line, with a list in {' or '.join(sorted(kinds))}: doccano's")
    return Reasoned("jsonl", "one JSON object a line")


def _is_doccano(row: Mapping[str, Any]) -> bool:
    """Whether a row's first list is of doccano's spans, or of one class at most (more are read as they stand)."""
    found = next((row[key] for key in _DOCCANO if isinstance(row.get(key), list)), None)
    if found is None or not isinstance(row.get("text"), str):
        return False
    if all(isinstance(each, str) for each in found):
        return len(found) <= 1
    return span_keys([found]) == {} and all(isinstance(each, list) or "start_offset" in each for each in found)


def _list_format(rows: Sequence[Any]) -> Reasoned:
    if all(isinstance(row, list) and len(row) == 2 and isinstance(row[1], dict) for row in rows):
        return Reasoned("spacy", "one JSON list of [text, {entities, cats}], spaCy's form")
    objects = all(isinstance(row, dict) for row in rows)
    if objects and all(isinstance(row.get("tokenized_text"), list) for row in rows):
        return Reasoned("gliner", "one JSON list of objects with tokenized_text, GLiNER's form")
    if objects and all(isinstance(row.get("data"), dict) and "annotations" in row for row in rows):
        return Reasoned("label-studio", "one JSON list of tasks with data and annotations, Label Studio's export")
    return Reasoned("json", "one JSON list of objects")
