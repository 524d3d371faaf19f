"""One process at a time in a folder: a lock on the folder itself, which is gone with the process and what it forked."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from polyhead.errors import UserError


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Work in ``folder``, which is made if it is not there, while no other process does that asks here.

    Windows has no such locks, nor have some network file systems: nothing is asked there.

    Raises:
        UserError: another process works in it, or it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        place = None if sys.platform == "win32" else os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise UserError(f"{folder}: cannot be written ({error.strerror or error})") from None
    if place is None:
        yield
        return
    try:
        if not _locked(place):
            raise UserError(f"{folder}: another process is at work in it; wait for its end, or choose another --output")
        yield
    finally:
        os.close(place)


def _locked(place: int) -> bool:
    """Whether no other has the lock."""
    import fcntl

    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True
