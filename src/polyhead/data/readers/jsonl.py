"""JSONL: one JSON object a line."""

import json
from collections.abc import Iterable, Iterator
from typing import Literal

from pydantic import Field

from polyhead.data.readers.base import Record, Source
from polyhead.errors import UserError, shown


class JsonlSource(Source):
    """Each line an object; fields by their keys."""

    format: Literal["jsonl"] = "jsonl"
    words: str | None = Field(None, description="the field with a list of words, where rows have words instead of text")

    def records(self, lines: Iterable[str], name: str, *, first: int = 1) -> Iterator[Record]:
        """A record a line that is not blank."""
        for number, line in enumerate(lines, start=first):
            if not line.strip():
                continue
            place = f"{name}:{number}"
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise UserError(f"{place}: each line must be one JSON object ({shown(str(error))})") from None
            yield record(row, place, self.words)


def record(row: object, place: str, words: str | None) -> Record:
    """A record from a parsed object.

    Raises:
        UserError: it is no object, or its words are no list of strings.
    """
    if not isinstance(row, dict):
        raise UserError(f"{place}: each row must be a JSON object, found {type(row).__name__}")
    given = row.get(words) if words else None
    if words and not (isinstance(given, list) and all(isinstance(word, str) for word in given)):
        raise UserError(f"{place}: {words} must be a list of words, found {shown(given)}")
    return Record(row, place, given)
