"""A guess at a recipe → its commented YAML, and a few lines that tell it on a terminal."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from polyhead.data.lines import PACKED
from polyhead.data.readers import SOURCES
from polyhead.errors import shown
from polyhead.pretrained import DEFAULT_BACKBONE
from polyhead.printing import printable, size
from polyhead.recipe.commented import comment, flow, line
from polyhead.recipe.guess import RecipeGuess, SetGuess, TaskGuess
from polyhead.recipe.schema import SPLITS

LARGE = 10**9
"""Bytes from which on files stream."""
_SHARE = 0.1
_SHOWN_LABELS = 8
_LEFT_OUT = 12

_HEAD = """\
# Guessed by `polyhead init` from the first rows of the files; each guess has its reason beside it. When it is right:
#   polyhead check {recipe}
#   polyhead train {recipe}
# Every key there is stands in docs/recipe.md.
"""
_TRAINING = (
    ("epochs", 3, "times over the data"),
    ("batch_size", 32, "rows a step"),
    ("learning_rate", 5e-5, "of the backbone"),
    ("head_learning_rate", 1e-3, "of the heads, which begin from nothing"),
    ("seed", 13, "of all that is drawn at random"),
)


def draft(guess: RecipeGuess, recipe: Path) -> str:
    """The YAML of a recipe that will be written to ``recipe``: paths are relative to its folder."""
    return "\n".join(_lines(guess, recipe)) + "\n"


def _lines(guess: RecipeGuess, recipe: Path) -> Iterator[str]:
    yield _HEAD.format(recipe=printable(str(recipe)))
    yield "model:"
    yield from line(1, "backbone", DEFAULT_BACKBONE, "small and quick, of English; a folder or another name does, too")
    yield ""
    yield "tasks:"
    for name, task in guess.tasks.items():
        sets = [each for each in guess.sets if name in each.tasks]
        yield from _task(name, task, sets)
    yield ""
    yield "data:"
    for each in guess.sets:
        yield from _data_set(each, recipe)
    if guess.left_out:
        yield ""
        for path, why in guess.left_out.items():
            yield from comment(0, f"left out: {path}: {why}")
    yield ""
    yield "training:"
    for key, value, why in _TRAINING:
        yield from line(1, key, value, why)


def _task(name: str, task: TaskGuess, sets: Sequence[SetGuess]) -> Iterator[str]:
    yield f"  {flow(name)}:"
    own = sets[0].tasks[name]
    fields = f"{shown(', '.join(own.fields), 80)}: " if own.fields and "column" not in own.binding else ""
    yield from line(2, "kind", task.kind, f"{fields}{own.why}{'' if own.sure else ' (a guess: is it to be learned?)'}")
    reasons = {
        "pair": "its rows have two texts",
        "range": f"the lowest and the highest value {_seen(sets)}, rounded outwards",
        "scheme": "each word has a tag, none is O",
        "words": "more spans begin and end with words that are cut so",
    }
    for key, value in task.settings.items():
        yield from line(2, key, value, reasons[key])
    if not task.labels:
        return
    if all(each.whole for each in sets):
        yield from line(2, "labels", list(task.labels), f"all {len(task.labels):,} that occur in the files")
    else:
        yield from comment(2, f"labels: read from the training data; {_seen(sets)} there are {_some(task.labels)}")


def _data_set(each: SetGuess, recipe: Path) -> Iterator[str]:
    yield f"  {flow(each.name)}:"
    yield from line(2, "format", *each.form.format)
    for key, guessed in {**each.form.layout, **each.fields.layout}.items():
        yield from line(2, key, *guessed)
    yield from _stream(each)
    for split in SPLITS:
        if split in each.parts:
            yield from line(2, split, _files(each.parts[split], recipe), each.reasons[split])
        elif split == "validation" and "train" in each.parts:
            yield from line(2, split, _SHARE, "a share of train, as no file is named validation, valid or dev")
    yield "    tasks:"
    for name, task in each.tasks.items():
        yield f"      {flow(name)}: {flow(dict(task.binding))}"
    for name, why in list(each.fields.left_out.items())[:_LEFT_OUT]:
        yield from comment(2, f"left out: {shown(name)}: {why}")
    if len(each.fields.left_out) > _LEFT_OUT:
        yield from comment(2, f"left out: {len(each.fields.left_out) - _LEFT_OUT} more fields")


def _stream(each: SetGuess) -> Iterator[str]:
    """Rows of large files stay in them, where that can be done."""
    paths = [path for parts in each.parts.values() for path, _ in parts]
    total = sum(path.stat().st_size for path in paths if path.is_file())
    can = SOURCES[each.form.format.value].streams and not any(path.suffix in PACKED for path in paths)
    if total < LARGE or not can:
        return
    if "validation" in each.parts:
        yield from line(2, "stream", True, f"{size(total)}: rows stay in the files and are read when they are needed")
    else:
        yield from comment(
            2, f"{size(total)}: stream: true would leave the rows in the files; it needs a validation file"
        )


def _files(parts: Sequence[tuple[Path, Mapping[str, str]]], recipe: Path) -> Any:
    paths = [_relative(path, recipe) for path, _ in parts]
    path = paths[0] if len(paths) == 1 else paths
    return {"path": path, "where": dict(parts[0][1])} if parts[0][1] else path


def _relative(path: Path, recipe: Path) -> str:
    """The path from the recipe's folder; whole where there is none."""
    here = path.parent.resolve() / path.name if path.name not in ("", "..") else path.resolve()
    try:
        return Path(os.path.relpath(here, recipe.parent.resolve())).as_posix()
    except ValueError:  # another drive
        return here.as_posix()


def _seen(sets: Sequence[SetGuess]) -> str:
    return "in the files" if all(each.whole for each in sets) else "in the rows that were looked at"


def _some(labels: Sequence[str]) -> str:
    few = ", ".join(shown(label, 40) for label in labels[:_SHOWN_LABELS])
    more = f" and {len(labels) - _SHOWN_LABELS:,} more" if len(labels) > _SHOWN_LABELS else ""
    return f"{len(labels):,}: {few}{more}" if more else few


def told(guess: RecipeGuess) -> Iterator[str]:
    """The guess in short: a line for what each file, field and task was taken for."""
    for each in guess.sets:
        files = sum(len(parts) for parts in each.parts.values())
        counted = f"{files} {'files' if files > 1 else 'file'}"
        yield f"{each.name}: {each.form.format.value}, {counted}; {each.form.format.why}"
        for split in (split for split in SPLITS if split in each.parts):
            names = ", ".join(path.name for path, _ in each.parts[split])
            yield f"  {split}: {shown(names, 100)}, {each.reasons[split]}"
        for key, guessed in each.fields.layout.items():
            yield f"  {key}: {shown(guessed.value, 100)}, {guessed.why}"
        for name, task in each.tasks.items():
            labels = f", {len(guess.tasks[name].labels):,} labels" if task.labels else ""
            fields = f" from {shown(', '.join(task.fields), 80)}" if task.fields else ""
            yield f"  task {name}: {task.kind}{fields}{labels}; {task.why}{'' if task.sure else ' (a guess)'}"
        for name, why in each.fields.left_out.items():
            yield f"  left out {shown(name)}: {why}"
    for path, why in guess.left_out.items():
        yield f"left out {path}: {why}"
