"""Kept activations on the disk: one folder an entry, named by everything that decides what is in it.

``values.safetensors`` holds all texts' vectors one after the other and is mapped into memory, not read;
``entry.json`` says how long each text is, and the file's SHA-256. A folder appears by one rename, so one that is there
is whole; one whose hash or lengths are wrong is made anew.
"""

import json
import os
import shutil
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from polyhead.errors import UserError
from polyhead.folder.files import read_json, whole_folder, write_json
from polyhead.folder.hashing import file_hash
from polyhead.training.activations.ragged import Ragged

_VALUES, _ENTRY = "values.safetensors", "entry.json"
_ABANDONED = 600.0
"""Seconds without a write after which a half-written entry is nobody's."""
_DTYPES = {torch.float32: "F32", torch.bfloat16: "BF16", torch.float16: "F16"}


class Writer:
    """Puts texts' vectors into their places of a file whose size is known from the beginning."""

    def __init__(self, file: BinaryIO, *, lengths: Tensor, width: int, dtype: torch.dtype) -> None:
        self._file = file
        self._starts = lengths.cumsum(0) - lengths
        self._row = width * dtype.itemsize
        total = int(lengths.sum())
        described = {"dtype": _DTYPES[dtype], "shape": [total, width], "data_offsets": [0, total * self._row]}
        header = json.dumps({"values": described}).encode()
        header += b" " * (-len(header) % 8)
        self._offset = 8 + len(header)
        file.write(len(header).to_bytes(8, "little") + header)

    def write(self, text: int, vectors: Tensor) -> None:
        """One text's vectors. *Shape:* (length, width)."""
        self._file.seek(self._offset + int(self._starts[text]) * self._row)
        self._file.write(vectors.contiguous().cpu().view(torch.uint8).numpy().tobytes())


@contextmanager
def writing(path: Path, *, lengths: Tensor, width: int, dtype: torch.dtype, about: dict[str, Any]) -> Iterator[Writer]:
    """Make the entry ``path``: what is written in the block is there afterwards, or nothing is.

    Raises:
        UserError: the disk is full, or the place cannot be written.
    """
    _tidy(path.parent, path.name)
    with whole_folder(path) as place:
        with open(place / _VALUES, "wb") as file:
            yield Writer(file, lengths=lengths, width=width, dtype=dtype)
        digest = file_hash(place / _VALUES)
        write_json(place / _ENTRY, {**about, "lengths": lengths.tolist(), "sha256": digest})


def _tidy(folder: Path, name: str = "*") -> None:
    """Take away what killed processes left of entries, and nothing that another one is writing just now."""
    for temporary in folder.glob(f".{name}.*.tmp"):
        stamps = [file.stat().st_mtime for file in (temporary, *temporary.glob("*")) if file.exists()]
        if time.time() - max(stamps, default=0.0) > _ABANDONED:
            shutil.rmtree(temporary, ignore_errors=True)


def make_room(folder: Path, own: Collection[Path], most: int) -> None:
    """Take entries away that are not ``own``, the longest unused first, until those left are of ``most`` bytes."""
    if not folder.is_dir():
        return
    _tidy(folder)
    found = []
    for path in folder.glob("[!.]*"):  # what begins with a dot is being written
        try:
            if path not in own:
                found.append(((path / _ENTRY).stat().st_mtime, (path / _VALUES).stat().st_size, path))
        except OSError:
            continue  # no entry, or another process takes it away just now
    kept = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if kept > most:
            shutil.rmtree(path, ignore_errors=True)
            kept -= size


def opened(path: Path, lengths: Tensor) -> Ragged | None:
    """The entry ``path`` of texts of these lengths; None, and it is deleted, if it is damaged; None if not there."""
    if not path.is_dir():
        return None
    try:
        entry = read_json(path / _ENTRY)
        if entry["lengths"] == lengths.tolist() and entry["sha256"] == file_hash(path / _VALUES):
            with safe_open(path / _VALUES, framework="pt") as file:
                values = file.get_tensor("values")
            if values.dim() == 2 and len(values) == int(lengths.sum()):
                with suppress(OSError):  # somebody else's
                    os.utime(path / _ENTRY)  # when it was last of use
                return Ragged.by_lengths(values, lengths)
    except (UserError, KeyError, OSError, SafetensorError):
        pass
    shutil.rmtree(path, ignore_errors=True)
    return None
