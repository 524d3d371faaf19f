"""Files of one layout → data sets, and the tasks that several of them share."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from polyhead.errors import shown
from polyhead.kinds import label_order
from polyhead.recipe.guess.base import Fields, Layout, Look, Part, Reasoned, SetGuess, TaskGuess
from polyhead.recipe.guess.fields import read_with
from polyhead.recipe.guess.names import plain_name, without_split
from polyhead.recipe.guess.trial import tried

_NUMBERS = ("regression", "similarity")


def fits(look: Look, first: Look, fields: Fields) -> bool:
    """Whether a file is of the layout of another one, and has all the fields that are used of it."""
    same = look.form.format.value == first.form.format.value and _values(look.form.layout) == _values(first.form.layout)
    return same and fields.used <= look.fields


def set_name(paths: Sequence[Path], folder: Path, taken: Sequence[str]) -> str:
    """What the files' names have in common, their splits aside; or the folder's name."""
    stems = {without_split(path.name.partition(".")[0]) for path in paths}
    own = stems.pop() if len(stems) == 1 else ""
    return plain_name(own or folder.name, "data", taken)


def parts_of(
    fields: Fields, looks: Sequence[Look], splits: Mapping[Path, Reasoned]
) -> tuple[dict[str, list[Part]], dict[str, str]]:
    """Each split's files, and why: by the files' names, or by a field that says a row's split."""
    named = {splits[look.path].value for look in looks} != {"train"}
    if fields.splits and not named and (len(fields.splits[1]) > 1 or not all(look.whole for look in looks)):
        field, values = fields.splits
        marked: dict[str, list[Part]] = {
            split: [(look.path, {field: value}) for look in looks] for split, value in values.items()
        }
        return marked, {split: f"the field {shown(field)} says so" for split in values}
    parts: dict[str, list[Part]] = {}
    reasons: dict[str, str] = {}
    for look in looks:
        split, why = splits[look.path]
        parts.setdefault(split, []).append((look.path, {}))
        reasons.setdefault(split, why)
    return parts, reasons


def measured(task: TaskGuess, looks: Sequence[Look], layout: Layout) -> TaskGuess:
    """The task with the labels, or the range, of all the files."""
    for look in looks[1:]:
        found = tried(task, layout, read_with(layout, look.records))
        if isinstance(found, TaskGuess):
            task = _joined(task, found)
    return task


def add_tasks(each: SetGuess, tasks: dict[str, TaskGuess]) -> SetGuess:
    """The data set with its tasks by name: those that others have, too, and new ones, which are added to ``tasks``.

    Classes of which there is only one are none.
    """
    own: dict[str, TaskGuess] = {}
    learned = "train" in each.parts
    for task in each.fields.tasks:
        found = measured(task, each.looks, {**each.form.layout, **each.fields.layout})
        if found.kind == "classification" and len(found.labels) == 1 and each.whole:
            continue  # which may be of two files or more, one a class: only now can it be told
        name = next((name for name, known in tasks.items() if _is_same(known, found, learned=learned)), None)
        if name is None and not learned:
            continue
        if name is None:
            name = task.name if task.name not in tasks else plain_name(f"{task.name}-{each.name}", "label", tasks)
        tasks[name] = _joined(tasks[name], found) if name in tasks else found
        own[name] = found
    return replace(each, tasks=own)


def _is_same(known: TaskGuess, found: TaskGuess, *, learned: bool) -> bool:
    """Whether two data sets teach one task: their labels are the same ones, in fields of one name.

    Numbers and yes or no may mean anything; in a data set that is only tested they are taken to be the same.
    """
    if known.kind != found.kind or known.settings.get("pair") != found.settings.get("pair"):
        return False
    if known.kind == "pairs":
        return True
    if known.fields != found.fields or (known.kind in _NUMBERS and learned):
        return False
    one, other = set(known.labels), set(found.labels)
    telling = not all(label.strip("-").isdecimal() or label.lower() in ("true", "false", "yes", "no") for label in one)
    return 2 * len(one & other) >= min(len(one), len(other)) and (telling or not learned)


def _joined(one: TaskGuess, other: TaskGuess) -> TaskGuess:
    settings: dict[str, Any] = dict(one.settings)
    if "range" in settings:
        low, high = zip(settings["range"], other.settings["range"], strict=True)
        settings["range"] = [min(low), max(high)]
    several = isinstance(one.binding.get("label"), list)  # fields that are labels keep their order
    labels = one.labels if several else tuple(label_order({*one.labels, *other.labels}))
    return replace(one, settings=settings, labels=labels)


def _values(layout: Layout) -> dict[str, Any]:
    return {key: each.value for key, each in layout.items()}
