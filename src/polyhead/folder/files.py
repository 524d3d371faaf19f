"""JSON in and out, and folders that appear whole or not at all."""

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from polyhead.errors import UserError, shown


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file.

    Raises:
        UserError: the file is missing, is no JSON, or holds something else than an object.
    """
    value = read_json_value(path)
    if not isinstance(value, dict):
        raise UserError(f"{path}: must hold a JSON object, found {type(value).__name__}")
    return value


def read_json_value(path: Path) -> Any:
    """Whatever is in a JSON file; raises as ``read_json``."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: this file is missing; the folder is incomplete") from None
    except (OSError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: no readable JSON ({shown(str(error))})") from None


def write_json(path: Path, value: Any) -> None:
    """Write ``value``, indented, by way of a temporary file and a rename."""
    write_text(path, _dumped(value) + "\n")


def _dumped(value: Any) -> str:
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # a lone surrogate in somebody's label
        return json.dumps(value, indent=2, allow_nan=False)
    return text


def write_text(path: Path, text: str) -> None:
    """Write a text file by way of a temporary file and a rename."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file by way of a temporary file and a rename; raises as ``whole_file``."""
    with whole_file(path) as file:
        file.write(content)


def write_lines(path: Path, lines: Iterable[str]) -> int:
    """Write lines as they come, by way of a temporary file and a rename; how many. Raises as ``whole_file``."""
    count = 0
    with whole_file(path) as file:
        for line in lines:
            file.write(f"{line}\n".encode())
            count += 1
    return count


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A temporary file that takes the place of ``path`` when the block ends well; otherwise nothing has changed.

    Raises:
        UserError: the disk is full, or the place cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        sync(path.parent)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror or error})") from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Have the disk hold a file, or a folder's list of names, before anything relies on it."""
    with contextlib.suppress(OSError):  # not every file system can do that with folders
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def recover_folder(path: Path) -> None:
    """Tidy up after a process that was killed inside of ``whole_folder``.

    If that was between its two renames, the folder that was there before is put back.
    """
    for old in sorted(path.parent.glob(f".{path.name}.*.old")):
        if path.exists():
            shutil.rmtree(old, ignore_errors=True)
        else:
            os.replace(old, path)
    for temporary in path.parent.glob(f".{path.name}.*.tmp"):
        shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A temporary folder that takes the place of ``path`` when the block ends well; otherwise nothing has changed.

    Raises:
        UserError: the disk is full, the place cannot be written, or ``path`` is a file.
    """
    try:
        path = path.resolve()  # a link is not replaced, but what it stands for
        if path.exists() and not path.is_dir():
            raise UserError(f"{path}: a folder is to be written here, but this is a file; choose another name")
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent))
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror or error})") from None
    old = temporary.with_suffix(".old")
    try:
        yield temporary
        temporary.chmod(0o755)
        for file in (each for each in temporary.rglob("*") if each.is_file()):
            file.chmod(0o644)
            with open(file, "rb") as handle:
                os.fsync(handle.fileno())
        if path.exists():
            os.replace(path, old)
        os.replace(temporary, path)
        sync(path.parent)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror or error})") from None
    finally:
        if old.exists() and not path.exists():  # stopped between the two renames
            os.replace(old, path)
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
