"""Labelled examples for evaluating a saved model: by a recipe, or from one file."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from polyhead.data.example import Example, labelled_tasks
from polyhead.data.faults import FaultLog
from polyhead.data.labels import check_labels
from polyhead.data.survey import survey
from polyhead.errors import UserError, shown
from polyhead.kinds import Task
from polyhead.recipe.data import read_data
from polyhead.recipe.files import named_fields, read_file
from polyhead.recipe.load import load_recipe
from polyhead.recipe.schema import Recipe


def recipe_examples(
    path: Path, split: str, tasks: Mapping[str, Task], *, data_root: Path | None, count_unseen: bool
) -> tuple[list[Sequence[Example]], FaultLog]:
    """The rows of a recipe's split, data set by data set; ``tasks`` are the model's.

    Raises:
        UserError: the recipe has a task that the model lacks, no such split, or a gold label that the model never saw.
    """
    return split_examples(load_recipe(path, data_root=data_root), split, tasks, where=path, count_unseen=count_unseen)


def split_examples(
    recipe: Recipe, split: str, tasks: Mapping[str, Task], *, where: Path | str, count_unseen: bool
) -> tuple[list[Sequence[Example]], FaultLog]:
    """The same of a recipe that was read ``where``; labels that are counted as wrong are faults in the log.

    Raises:
        UserError: as ``recipe_examples``.
    """
    for name, task in recipe.tasks.items():
        if name not in tasks:
            raise UserError(f"{where}: the model has no head for task {name}; it has: {', '.join(tasks)}")
        if tasks[name].kind != task.kind:
            raise UserError(f"{where}: task {name} is {task.kind} here, but the model's head is {tasks[name].kind}")
    log = FaultLog()
    sets = [each.split(split) for each in read_data(recipe, tasks, log, [split]) if len(each.split(split))]
    if not sets:
        raise UserError(f"{where}: no data set has a {split} split; choose another --split")
    _check(chain.from_iterable(sets), tasks, log, count_unseen=count_unseen)
    return sets, log


def file_examples(
    path: Path,
    form: str | None,
    layout: Mapping[str, Any],
    fields: Sequence[str],
    tasks: Mapping[str, Task],
    *,
    count_unseen: bool,
) -> tuple[list[Sequence[Example]], FaultLog]:
    """The rows of one file, which is streamed where its format can be.

    ``layout`` are the source's settings. ``fields`` are NAME or NAME=FIELD; if there are none, every task that the file
    has under its own name.

    Raises:
        UserError: an unknown format, or what ``recipe_examples`` raises.
    """
    wanted = named_fields(fields or list(tasks))
    for name in wanted:
        if name not in tasks:
            raise UserError(f"--task: the model has no head {shown(name)}; it has: {', '.join(tasks)}")
    log = FaultLog()
    examples = read_file(path, form, layout, wanted, tasks, log, optional=not fields)
    if not labelled_tasks(examples):
        hint = "name its field: --task NAME=FIELD"
        raise UserError(f"{path}: no row has a label of {', '.join(wanted)}, under these names; {hint}")
    _check(examples, tasks, log, count_unseen=count_unseen)
    return [examples], log


def _check(examples: Iterable[Example], tasks: Mapping[str, Task], log: FaultLog, *, count_unseen: bool) -> None:
    found = survey(examples, tasks, log)
    check_labels(tasks, found, log)
    if not count_unseen:
        log.stop()
