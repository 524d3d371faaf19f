"""Hashes by which a folder's parts recognise each other."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def tensors_hash(tensors: Mapping[str, NDArray[Any]]) -> str:
    """A hash over names, types, shapes and values: the same for the same weights, however a file lays them out."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        values = np.ascontiguousarray(tensors[name])
        digest.update(f"{name}\0{values.dtype.str}\0{values.shape}\0".encode())
        digest.update(values.data if values.size else b"")
    return digest.hexdigest()


def joint_hash(*hashes: str) -> str:
    """A hash over hashes, in their order."""
    return hashlib.sha256("\0".join(hashes).encode()).hexdigest()


def path_hash(path: Path) -> str:
    """SHA-256 of a file's bytes; of a folder, of the names and hashes of all files in it."""
    if not path.is_dir():
        return file_hash(path)
    files = sorted(each for each in path.rglob("*") if each.is_file())
    lines = (f"{each.relative_to(path).as_posix()}\0{file_hash(each)}\n" for each in files)
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
