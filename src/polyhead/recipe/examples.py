"""Labelled examples for evaluating a saved model: by a recipe, or from one file."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path

from polyhead.data.example import Example
from polyhead.data.faults import FaultLog
from polyhead.data.labels import check_labels
from polyhead.data.read import read
from polyhead.data.readers import SOURCES
from polyhead.data.survey import survey
from polyhead.errors import UserError, shown
from polyhead.kinds import Task
from polyhead.recipe.data import read_data
from polyhead.recipe.faults import validate
from polyhead.recipe.load import load_recipe


def recipe_examples(
    path: Path, split: str, tasks: Mapping[str, Task], *, data_root: Path | None, count_unseen: bool
) -> tuple[list[Sequence[Example]], FaultLog]:
    """The rows of a recipe's split, data set by data set; ``tasks`` are the model's.

    Raises:
        UserError: the recipe has a task that the model lacks, no such split, or a gold label that the model never saw.
    """
    recipe = load_recipe(path, data_root=data_root)
    for name, task in recipe.tasks.items():
        if name not in tasks:
            raise UserError(f"{path}: the model has no head for task {name}; it has: {', '.join(tasks)}")
        if tasks[name].kind != task.kind:
            raise UserError(f"{path}: task {name} is {task.kind} here, but the model's head is {tasks[name].kind}")
    log = FaultLog()
    sets = [each.split(split) for each in read_data(recipe, tasks, log, [split]) if len(each.split(split))]
    if not sets:
        raise UserError(f"{path}: no data set has a {split} split; choose another --split")
    _check(chain.from_iterable(sets), tasks, log, count_unseen=count_unseen)
    return sets, log


def file_examples(
    path: Path,
    form: str | None,
    text: Sequence[str],
    fields: Sequence[str],
    tasks: Mapping[str, Task],
    *,
    count_unseen: bool,
) -> tuple[list[Sequence[Example]], FaultLog]:
    """The rows of one file, which is streamed where its format can be.

    ``fields`` are NAME or NAME=FIELD; every task under its own name if there are none.

    Raises:
        UserError: an unknown format, or what ``recipe_examples`` raises.
    """
    form = form or {".jsonl": "jsonl", ".json": "json", ".csv": "csv", ".tsv": "tsv", ".conll": "conll"}.get(
        path.suffix
    )
    if form not in SOURCES:
        raise UserError(f"--format: must be one of {', '.join(SOURCES)}; found {shown(form)}")
    bindings = {}
    for each in fields or list(tasks):
        name, equals, field = each.partition("=")
        if name not in tasks:
            raise UserError(f"--task: the model has no head {shown(name)}; it has: {', '.join(tasks)}")
        bindings[name] = _binding(tasks[name], form, field) if equals else {}
    settings = {
        "format": form,
        "stream": SOURCES[form].streams,
        "path": str(path.resolve()),
        "tasks": bindings,
        **({"text": list(text)} if text else {}),
    }
    source, faults = validate(SOURCES[form], settings)
    if source is None:
        raise UserError(*(f"{'.'.join(place)}: {message}" for place, message in faults))
    log = FaultLog()
    examples = read(source, tasks, root=Path("/"), log=log)
    _check(examples, tasks, log, count_unseen=count_unseen)
    return [examples], log


def _binding(task: Task, form: str, field: str) -> dict[str, str | int]:
    if form == "conll":
        if not field.lstrip("-").isdecimal():
            raise UserError(f"--task: in conll files a task's labels are a column's number, found {shown(field)}")
        return {"column": int(field)}
    return {"label": field} if task.level == "sentence" else {"spans": field}


def _check(examples: Iterable[Example], tasks: Mapping[str, Task], log: FaultLog, *, count_unseen: bool) -> None:
    found = survey(examples, tasks, log)
    if not count_unseen:
        check_labels(tasks, found, log)
        log.stop()
