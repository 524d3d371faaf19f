"""Data files → a guess at their recipe: formats, splits, texts and tasks, each with its reason. Nothing is written."""

from collections.abc import Sequence
from pathlib import Path

from polyhead.errors import UserError
from polyhead.recipe.guess.base import Choose, Fields, Look, RecipeGuess, SetGuess, TaskGuess, likeliest
from polyhead.recipe.guess.fields import guess_fields
from polyhead.recipe.guess.files import ORDER, as_splits, found_files, place_of
from polyhead.recipe.guess.formats import look
from polyhead.recipe.guess.groups import add_tasks, fits, parts_of, set_name

__all__ = ["Choose", "RecipeGuess", "SetGuess", "TaskGuess", "guess", "likeliest"]

_SHOWN = 5
_NOT_LEARNED = "it has labels of no task that there is training data for"
_ONE_LABEL = "each row has the same label"


def guess(paths: Sequence[Path], choose: Choose = likeliest) -> RecipeGuess:
    """What the recipe of these files, or of those in these folders, would be; ``choose`` is asked what is uncertain.

    Raises:
        UserError: a file is missing, empty or wrong, with its line; or there is nothing in them to be learned.
    """
    files = found_files(paths)
    places = [place_of(path) for path in files]
    splits = dict(zip(files, as_splits([split for _, split in places]), strict=True))
    folders = {path: folder for path, (folder, _) in zip(files, places, strict=True)}
    groups: list[tuple[Path, list[Look], Fields]] = []
    left_out: dict[Path, str] = {}
    for path in sorted(files, key=lambda path: ORDER.index(splits[path].value)):
        found = look(path, choose)
        mates = (looks for folder, looks, fields in groups if folder == folders[path] and fits(found, looks[0], fields))
        if joined := next(mates, None):
            joined.append(found)
            continue
        fields = guess_fields(found, choose)
        if isinstance(fields, str):
            left_out[path] = fields
        else:
            groups.append((folders[path], [found], fields))
    sets: list[SetGuess] = []
    tasks: dict[str, TaskGuess] = {}
    for folder, looks, fields in groups:
        own = [each.path for each in looks]
        name = set_name(own, folder, [each.name for each in sets])
        made = add_tasks(SetGuess(name, looks, fields, *parts_of(fields, looks, splits), {}), tasks)
        if made.tasks:
            sets.append(made)
        else:
            left_out.update(dict.fromkeys(own, _ONE_LABEL if "train" in made.parts else _NOT_LEARNED))
    if not sets:
        lines = [f"{path}: nothing to be learned here: {why}" for path, why in left_out.items()]
        more = [f"and {len(lines) - _SHOWN:,} more such files"] if len(lines) > _SHOWN else []
        raise UserError(*lines[:_SHOWN], *more)
    return RecipeGuess(sets, tasks, left_out)
