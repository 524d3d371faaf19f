"""The lines of a text file, decoded one by one, with the place of the next: so that reading can begin anywhere."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from polyhead.errors import UserError


class Place(NamedTuple):
    """Where a line begins: bytes from the file's start, and its number from 1."""

    offset: int = 0
    line: int = 1


class Lines:
    """Iterates over lines, ends included. ``next`` is the place of the line that has not been read yet."""

    def __init__(self, file: BinaryIO, name: str, start: Place = Place()) -> None:  # noqa: B008
        self._file = file
        self._name = name
        self.next = start
        file.seek(start.offset)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        """The next line.

        Raises:
            UserError: it is not UTF-8.
        """
        raw = self._file.readline()
        if not raw:
            raise StopIteration
        try:
            text = raw.decode("utf-8-sig" if self.next.line == 1 else "utf-8")
        except UnicodeDecodeError as error:
            found = f"{error.object[error.start]:#04x}"
            raise UserError(f"{self._name}:{self.next.line}: must be UTF-8 text, found byte {found}") from None
        self.next = Place(self.next.offset + len(raw), self.next.line + 1)
        return text


def open_binary(path: Path) -> BinaryIO:
    """Open a data file for reading.

    Raises:
        UserError: it is not there or cannot be read.
    """
    try:
        return open(path, "rb")
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else error.strerror
        raise UserError(f"{path}: {reason}; paths are relative to the recipe's folder or to --data-root") from None
