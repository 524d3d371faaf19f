"""JSON: one file that holds a list of objects, such as sentences with character spans."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field

from polyhead.data.readers.base import Record, Source
from polyhead.data.readers.jsonl import record
from polyhead.errors import UserError, shown


class JsonSource(Source):
    """A list of objects, or an object with one list in it; fields by their keys."""

    format: Literal["json"] = "json"
    streams: ClassVar[bool] = False

    words: str | None = Field(None, description="the field with a list of words, where rows have words instead of text")

    def records(self, lines: Iterable[str], name: str, *, first: int = 1) -> Iterator[Record]:
        """A record an object of the list; places are counted from 1."""
        for number, row in enumerate(parsed_list(lines, name), start=1):
            yield record(row, f"{name}:row {number}", self.words)


def parsed_list(lines: Iterable[str], name: str) -> list[Any]:
    """The list that a JSON file holds, or the one list in the object that it holds.

    Raises:
        UserError: it is no JSON, or holds something else.
    """
    try:
        value = json.loads("".join(lines))
    except (ValueError, RecursionError) as error:
        raise UserError(
            f"{name}: must be one JSON document ({shown(str(error))}); one object a line is jsonl"
        ) from None
    lists = [each for each in value.values() if isinstance(each, list)] if isinstance(value, dict) else [value]
    if len(lists) != 1 or not isinstance(lists[0], list):
        raise UserError(f"{name}: must hold a list, found {shown(type(value).__name__)}")
    found: list[Any] = lists[0]
    return found
