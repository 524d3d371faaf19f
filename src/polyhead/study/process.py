"""A job of a study in a process of its own: nothing is left to the next one, and one that dies takes no other along."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from polyhead.errors import UserError
from polyhead.folder.lock import alone
from polyhead.study.design import Job
from polyhead.study.job import Setting, run_job

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext

_PATIENCE = 60.0
"""Seconds in which a process that was told to end has finished its step and saved it."""


def in_process(
    job: Job,
    setting: Setting,
    place: Path,
    told: Callable[[str, float], None],
    on_note: Callable[[str], None],
) -> list[str]:
    """Do the job; what went wrong, a line each. Another attempt is made when the study is run again."""
    context = _context()
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(job, setting, place, sender), daemon=True)
    with _deaf():
        process.start()
    sender.close()
    faults = ["its process ended without a result; run the study again"]
    try:
        while True:
            kind, value = receiver.recv()
            if kind == "end":
                faults = value
                break
            if kind == "note":
                on_note(value)
                continue
            doing, done, total = value
            told(doing, done / max(1, total))
    except EOFError:
        pass
    except KeyboardInterrupt:
        process.terminate()  # which finishes a training's step and saves it
        raise
    finally:
        process.join(_PATIENCE)
        process.kill()
    return [f"{job.name}: {line}" for line in faults]


def _context() -> "ForkServerContext | SpawnContext":
    """On Linux they are forked from a process that has imported what a job needs, which saves seconds each.

    Their environment is that of the first job; elsewhere forking is not safe beside what systems load.
    """
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["polyhead.study.job", "matplotlib.backends.backend_agg"])
    return context


@contextmanager
def _deaf() -> Iterator[None]:
    """Processes that are started in the block do not hear Ctrl-C; who started them tells them to end."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _work(job: Job, setting: Setting, place: Path, sender: Connection) -> None:
    os.setsid()  # a terminal's Ctrl-C would come beside the signal that ends it, and a second one stops at once
    try:
        with alone(place):  # a study that was killed may have left a process that is still at work
            run_job(
                job,
                setting,
                place,
                lambda doing, done, total: sender.send(("told", (doing, done, total))),
                lambda line: sender.send(("note", line)),
            )
        sender.send(("end", []))
    except UserError as error:
        sender.send(("end", list(error.faults)))
    except BrokenPipeError:
        pass  # nobody is there any more to be told
