"""Plain text: a text a line, without labels; or with entities in brackets, if ``markup: text``."""

from collections.abc import Iterable, Iterator
from typing import Literal

from polyhead.data.readers.base import Record, Source


class TextSource(Source):
    """Each line that is not blank is a text, in the field ``text``."""

    format: Literal["text"] = "text"

    def records(self, lines: Iterable[str], name: str, *, first: int = 1) -> Iterator[Record]:
        """A record a line."""
        for number, line in enumerate(lines, start=first):
            if line.strip():
                yield Record({"text": line.rstrip("\r\n")}, f"{name}:{number}")
