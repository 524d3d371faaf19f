"""Running a study's jobs one after the other; what is done is not done again."""

import shutil
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from polyhead.data.pairs import read_pairs
from polyhead.errors import UserError
from polyhead.folder.files import read_json
from polyhead.folder.lock import alone
from polyhead.recipe import Recipe, load_recipe
from polyhead.recipe.schema import SPLITS
from polyhead.recipe.start import begin
from polyhead.study.design import Design, Job, jobs, left_out
from polyhead.study.facts import facts_of, remember
from polyhead.study.job import RESULT, Setting
from polyhead.study.process import in_process
from polyhead.training import Interrupted, check_settings

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
    on_fault: Callable[[str], None] = lambda line: None,
) -> list[dict[str, Any]]:
    """Do every job of ``design`` below ``folder``, and give what came of them; ``done`` is told so after each.

    ``on_note`` is told what is odd about the data, test labels that no training row has among it, and what is kept on
    the disk. A job that fails is told to ``progress``, what was wrong with it to ``on_fault``, a line each; it is
    tried again when the study is run again, and the others are done.

    Raises:
        UserError: the recipe, a plan, the model to begin with, the device or the pairs are wrong; the folder holds
            another study, or another process is at work in it; or every job failed.
        Interrupted: SIGINT or SIGTERM came; a training that was under way is saved.
    """
    loaded = load_recipe(recipe, data_root=data_root)
    if not any("test" in {*each.sources, *each.shares} for each in loaded.data.values()):
        raise UserError(f"{recipe}: a study reports on test data, and no data set has a test split")
    if pairs is not None:
        read_pairs(pairs)
    planned = jobs(design, loaded.tasks)
    recipes = [  # what is wrong with a setting is said now, and once
        (job, load_recipe(recipe, overrides=job.overrides(design.rows, loaded.data), data_root=data_root))
        for job in planned
        if job.task is None and job.seed == planned[0].seed
    ]
    lines, facts = _looked_at(loaded, recipes, design.rows, start=start, pairs=pairs, device=device)
    note = _once(on_note)
    for line in (*left_out(design, loaded.training.plan), *lines):
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
    with alone(folder), _terminated_as_interrupted():
        remember(folder, facts)
        return _all(planned, setting, folder, progress, done, note, on_fault)


def _all(
    planned: Sequence[Job],
    setting: Setting,
    folder: Path,
    progress: Progress,
    done: Callable[[list[dict[str, Any]]], None],
    on_note: Callable[[str], None],
    on_fault: Callable[[str], None],
) -> list[dict[str, Any]]:
    faults: list[str] = []
    for number, job in enumerate(planned, 1):
        place = folder / "runs" / job.folder

        def told(doing: str, share: float, job: Job = job, number: int = number) -> None:
            progress(job, number, len(planned), doing, share)

        if _result(place) is None:
            try:
                lines = in_process(job, setting, place, told, on_note)
            except KeyboardInterrupt:
                raise Interrupted(f"interrupted; what is done is in {folder}: run the same command to go on") from None
            faults += lines
            if lines:
                for line in lines:
                    on_fault(line)
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
    return [each for job in planned for each in _result(folder / "runs" / job.folder) or ()]


def _result(place: Path) -> list[dict[str, Any]] | None:
    """What came of a job; None where it is not done, or its file is damaged, so that it is done again."""
    try:
        found = read_json(place / RESULT).get("results")
    except UserError:
        return None
    return found if isinstance(found, list) and all(isinstance(each, dict) for each in found) else None


def _looked_at(
    loaded: Recipe,
    recipes: Sequence[tuple[Job, Recipe]],
    rows: int | None,
    *,
    start: str | None,
    pairs: Path | None,
    device: str | None,
) -> tuple[list[str], dict[str, Any]]:
    """What is odd about the data, and what the study is of; what is wrong with a file, a model or a plan is said now.

    Raises:
        UserError: something is.
    """
    _, data, pretrained = begin(loaded, start, splits=SPLITS, strict=False)
    for job, each in recipes:
        if not job.frozen and _same_model(each, loaded):
            with _naming(job):
                check_settings(pretrained, data.sets, each.training, device, data.keeping)
    lines = [*data.log.lines(), *(f"counted as wrong: {fault}" for fault in data.log.faults())]
    return lines, facts_of(loaded, pretrained, start=start, rows=rows, pairs=pairs)


def _same_model(recipe: Recipe, base: Recipe) -> bool:
    """Whether a job's recipe has the model, the tasks and the data of the study's, so that these stand for its own."""
    return (recipe.model, recipe.tasks, recipe.data, recipe.embedding) == (
        base.model,
        base.tasks,
        base.data,
        base.embedding,
    )


@contextmanager
def _naming(job: Job) -> Iterator[None]:
    """What is wrong in the block is the job's plan's."""
    try:
        yield
    except UserError as error:
        raise UserError(*(f"{job.plan}: {fault}" for fault in error.faults)) from None


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """SIGTERM is as Ctrl-C in the block: what is under way is saved."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _once(on_note: Callable[[str], None]) -> Callable[[str], None]:
    """The same, which passes a line on but the first time that it comes."""
    seen: set[str] = set()

    def note(line: str) -> None:
        if line not in seen:
            seen.add(line)
            on_note(line)

    return note
