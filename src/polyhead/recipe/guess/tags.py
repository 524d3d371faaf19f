"""Tags of words: the fields, or the columns of a CoNLL file, that have a tag for each word."""

import re
from collections.abc import Mapping, Sequence

from polyhead.data.readers import Record
from polyhead.recipe.guess.base import TaskGuess
from polyhead.recipe.guess.columns import Column

_PREFIXED = re.compile(r"[BIESLU]-.+|O")
_CHUNKS = frozenset(["NP", "VP", "PP", "ADVP", "ADJP", "SBAR"])


def guess_tags(
    rest: Mapping[str, Column], form: str, records: Sequence[Record], left_out: dict[str, str]
) -> tuple[list[TaskGuess], dict[str, Column]]:
    """Tagging tasks, and the fields that hold no tags. Of CoNLL columns, the last with prefixes is taken, or the last.

    Columns that are not taken are added to ``left_out``.
    """
    if records[0].words is None:
        return [], dict(rest)
    lengths = [len(record.words or ()) for record in records]
    fields = {name: each for name, each in rest.items() if _fits(each, lengths)}
    others = {name: each for name, each in rest.items() if name not in fields}
    if form == "conll":
        return _of_columns(fields, records, left_out), {}
    return [_task(name, each, {"tags": name}, form) for name, each in fields.items()], others


def _of_columns(fields: Mapping[str, Column], records: Sequence[Record], left_out: dict[str, str]) -> list[TaskGuess]:
    words = records[0].words
    columns = {name: each for name, each in fields.items() if name != "-1" and records[0].fields[name] != words}
    prefixed = [name for name, each in columns.items() if _has_prefixes(each)]
    if not columns:
        return []
    chosen = (prefixed or list(columns))[-1]
    for name in columns:
        if name != chosen:
            kind = "tags with prefixes" if name in prefixed else "plain tags"
            left_out[f"column {name}"] = f"{kind}; a task with column: {name} would read them"
    return [_task("entities", columns[chosen], {"column": int(chosen)}, "conll")]


def _task(name: str, each: Column, binding: Mapping[str, str | int], form: str) -> TaskGuess:
    prefixed = _has_prefixes(each)
    kinds = {tag.partition("-")[2] if prefixed else tag for value in each.values for tag in value if tag != "O"}
    why = f"a tag for each word, {'B- and I- before' if prefixed else 'without prefixes to'} the types"
    settings = {} if prefixed or any("O" in value for value in each.values) else {"scheme": "io"}
    called = "slots" if form == "parallel" else name
    if form == "conll":
        called = "chunks" if kinds & _CHUNKS else "entities" if prefixed else "tags"
        why = f"column {binding['column']}: {why}"
    fields = (each.name,)
    return TaskGuess(called, "tagging", fields, why, settings, binding)


def _fits(each: Column, lengths: Sequence[int]) -> bool:
    """Whether a field is a list of strings that has one for each word."""
    if each.shape != "strings" or not each.filled:
        return False
    return all(isinstance(value, list) for value in each.values) and [len(value) for value in each.values] == lengths


def _has_prefixes(each: Column) -> bool:
    tags = {tag for value in each.values for tag in value}
    return all(map(_PREFIXED.fullmatch, tags)) and tags != {"O"}
