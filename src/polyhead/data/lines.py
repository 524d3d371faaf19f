"""The lines of a text file, decoded one by one, with the place of the next: so that reading can begin anywhere."""

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from polyhead.errors import UserError, shown

PACKED = (".gz", ".zst")
"""Endings of files that are decompressed on the way."""


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
        if start.offset:
            file.seek(start.offset)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        """The next line.

        Raises:
            UserError: it is not UTF-8.
        """
        try:
            raw = self._file.readline()
        except (EOFError, OSError, zlib.error) as error:  # a compressed file that is cut short, or none
            raise UserError(f"{self._name}:{self.next.line}: cannot be read on ({shown(str(error), 100)})") from None
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
    """Open a data file for reading; what ends in .gz or .zst is decompressed on the way.

    Raises:
        UserError: it is not there or cannot be read.
    """
    try:
        if path.suffix == ".gz":
            return cast(BinaryIO, gzip.open(path, "rb"))
        if path.suffix == ".zst":
            return io.BufferedReader(_Zstandard(open(path, "rb")))
        return open(path, "rb")
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else error.strerror
        raise UserError(f"{path}: {reason}; paths are relative to the recipe's folder or to --data-root") from None


class _Zstandard(io.RawIOBase):
    """Bytes that a zstd file holds; what is wrong with them is an ``OSError``, as it is with gzip."""

    def __init__(self, file: BinaryIO) -> None:
        from zstandard import ZstdDecompressor, ZstdError

        self._file = file
        self._reader = ZstdDecompressor().stream_reader(file, read_across_frames=True)
        self._error = ZstdError

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill ``buffer``; how much of it, 0 at the end."""
        try:
            found = self._reader.read(len(buffer))
        except self._error as error:
            raise OSError(str(error)) from None
        buffer[: len(found)] = found
        return len(found)

    def close(self) -> None:
        """Close the file, too."""
        self._file.close()
        super().close()
