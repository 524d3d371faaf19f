"""Running a study's jobs one after the other; what is done is not done again."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from polyhead.data.pairs import read_pairs
from polyhead.errors import UserError
from polyhead.folder.files import write_json
from polyhead.folder.lock import alone
from polyhead.recipe import load_recipe
from polyhead.recipe.data import prepare as read_all
from polyhead.recipe.schema import SPLITS
from polyhead.study.design import Design, Job, jobs, left_out
from polyhead.study.job import RESULT, Setting
from polyhead.study.process import in_process
from polyhead.training import Interrupted

STUDY = "study.json"
Progress = Callable[[Job, int, int, str, float], None]
"""A job, its number, the number of all, what it does, and how far it is with that, from 0 to 1."""


def study(
    recipe: Path,
    design: Design,
    folder: Path,
    *,
    data_root: Path | None = None,
    start: str | None = None,
    pairs: Path | None = None,
    device: str | None = None,
    progress: Progress = lambda job, number, count, doing, share: None,
    done: Callable[[list[dict[str, Any]]], None] = lambda results: None,
    on_note: Callable[[str], None] = lambda line: None,
) -> list[dict[str, Any]]:
    """Do every job of ``design`` below ``folder``, and give what came of them; ``done`` is told so after each.

    ``on_note`` is told what is odd about the data, test labels that no training row has among it, and what is kept on
    the disk. A job that fails is told to ``progress`` and tried again when the study is run again; the others are done.

    Raises:
        UserError: the recipe, a plan or the pairs are wrong; the folder holds another study, or another
            process is at work in it; or every job failed.
        Interrupted: Ctrl-C came; a training that was under way is saved.
    """
    loaded = load_recipe(recipe, data_root=data_root)
    if not any("test" in {*each.sources, *each.shares} for each in loaded.data.values()):
        raise UserError(f"{recipe}: a study reports on test data, and no data set has a test split")
    if pairs is not None:
        read_pairs(pairs)
    planned = jobs(design, loaded.tasks)
    for job in planned:  # what is wrong with a setting is said now, and once
        if job.task is None and job.seed == planned[0].seed:
            load_recipe(recipe, overrides=job.overrides(design.rows, loaded.data), data_root=data_root)
    log = read_all(loaded, SPLITS, strict=False).log  # what is wrong with a file is said now, not after a training
    wrong = (f"counted as wrong: {fault}" for fault in log.faults())
    note = _once(on_note)
    for line in (*left_out(design, loaded.training.plan), *log.lines(), *wrong):
        note(f"! {line}")
    setting = Setting(
        recipe.resolve(),
        loaded.raw,
        loaded.root.resolve(),
        start,
        (folder / "activations").resolve(),
        design.rows,
        None if pairs is None else pairs.resolve(),
        device,
    )
    with alone(folder):
        _remember(folder, loaded.raw, loaded.root, start, design, pairs)
        return _all(planned, setting, folder, progress, done, note)


def _all(
    planned: Sequence[Job],
    setting: Setting,
    folder: Path,
    progress: Progress,
    done: Callable[[list[dict[str, Any]]], None],
    on_note: Callable[[str], None],
) -> list[dict[str, Any]]:
    faults: list[str] = []
    for number, job in enumerate(planned, 1):
        place = folder / "runs" / job.folder

        def told(doing: str, share: float, job: Job = job, number: int = number) -> None:
            progress(job, number, len(planned), doing, share)

        if not (place / RESULT).is_file():
            try:
                lines = in_process(job, setting, place, told, on_note)
            except KeyboardInterrupt:
                raise Interrupted(f"interrupted; what is done is in {folder}: run the same command to go on") from None
            faults += lines
            if lines:
                progress(job, number, len(planned), f"failed: {lines[0]}", 1.0)
                continue
            done(results(folder, planned))
        told("done", 1.0)
    found = results(folder, planned)
    if faults and not found:
        raise UserError(*faults)
    if not faults:
        shutil.rmtree(setting.cache, ignore_errors=True)
    return found


def results(folder: Path, planned: Sequence[Job]) -> list[dict[str, Any]]:
    """What came of the jobs that are done."""
    files = [folder / "runs" / job.folder / RESULT for job in planned]
    return [each for file in files if file.is_file() for each in json.loads(file.read_text("utf-8"))["results"]]


def _remember(folder: Path, raw: Any, root: Path, start: str | None, design: Design, pairs: Path | None) -> None:
    """Note what the study is of; a folder is for one.

    Raises:
        UserError: it holds runs of another recipe, other rows, or another model to begin with.
    """
    facts = {
        "recipe": json.loads(json.dumps(raw, default=str)),
        "data_root": str(root.resolve()),
        "from": start,
        "rows": design.rows,
        "pairs": None if pairs is None else str(pairs.resolve()),
    }
    if (folder / STUDY).is_file():
        known = json.loads((folder / STUDY).read_text("utf-8"))
        changed = [key for key, value in facts.items() if known.get(key) != value]
        if changed:
            raise UserError(f"{folder}: holds a study with another {', '.join(changed)}; choose another --output")
        return
    if folder.exists() and any(folder.iterdir()):
        raise UserError(f"{folder}: a study needs a new or empty folder, or its own; choose another --output")
    write_json(folder / STUDY, facts)


def _once(on_note: Callable[[str], None]) -> Callable[[str], None]:
    """The same, which passes a line on but the first time that it comes."""
    seen: set[str] = set()

    def note(line: str) -> None:
        if line not in seen:
            seen.add(line)
            on_note(line)

    return note
