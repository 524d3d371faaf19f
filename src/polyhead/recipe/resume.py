"""Going on with a run that was stopped: whether it can be, from which checkpoint, and how a user is told to."""

import shutil
from collections.abc import Callable
from pathlib import Path
from shlex import quote
from typing import Any

from polyhead.errors import UserError
from polyhead.folder.files import recover_folder
from polyhead.pretrained import load
from polyhead.recipe.facts import changes, read_facts
from polyhead.training.checkpoint import CHECKPOINTS, Checkpoint, checkpoints, read_checkpoint
from polyhead.training.keep import MODEL

RESULT = "result.json"
"""Written last: a run without it is unfinished."""


def unfinished(folder: Path) -> dict[str, Any]:
    """What an unfinished run was made of.

    Raises:
        UserError: there is none, or it is finished.
    """
    known = read_facts(folder)
    if (folder / RESULT).is_file():
        again = f"polyhead train RECIPE --from {quote(str(folder))}"
        raise UserError(f"{folder}: this run is finished; to train its model on, use: {again}")
    recover_folder(folder / MODEL)
    for path in (folder / CHECKPOINTS).glob(".step-*"):  # what was being written when the run was killed
        shutil.rmtree(path, ignore_errors=True)
    return known


def compare(known: dict[str, Any], facts: dict[str, Any], folder: Path, on_note: Callable[[str], None]) -> None:
    """Refuse a run that has become another one; say what may cost it its last bits."""
    grave, slight = changes(known, facts)
    if grave:
        raise UserError(*(f"{folder}: cannot go on: {each}" for each in grave))
    for each in slight:
        on_note(f"! {each}; the run goes on, but perhaps not bit for bit")


def last_checkpoint(folder: Path, on_note: Callable[[str], None]) -> Checkpoint | None:
    """The newest checkpoint, ``None`` where none had been written yet.

    Raises:
        UserError: it is damaged.
    """
    found = checkpoints(folder)
    if not found:
        on_note("no checkpoint had been written yet; the run begins anew")
        return None
    checkpoint = read_checkpoint(found[-1])
    on_note(f"going on after step {checkpoint.state['step']:,}")
    return checkpoint


def check_best(folder: Path, checkpoint: Checkpoint | None) -> None:
    """The best model so far must be there and whole, or the run could not end.

    Raises:
        UserError: it is not.
    """
    if checkpoint is not None and any(row["best"] for row in checkpoint.state["evaluations"]):
        load(folder / MODEL, allow_mismatch=True)


def way_on(folder: Path) -> str:
    """A line for whoever's run has ended before its time."""
    found = checkpoints(folder)
    saved = f"{found[-1]} stands" if found else "no checkpoint had been written yet"
    return f"{saved}; go on with: polyhead train --resume {quote(str(folder))}"
