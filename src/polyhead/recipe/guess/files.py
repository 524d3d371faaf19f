"""Which files belong together, and which split each is: by their names and their folders."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from polyhead.errors import UserError
from polyhead.recipe.guess.base import Reasoned
from polyhead.recipe.guess.formats import ENDINGS, ending, folder_format
from polyhead.recipe.guess.names import split_in, words_in

_DEEPEST = 3
ORDER = ("train", "", "validation", "test")
"""Splits in the order in which their files are looked at; "" where nothing says what a file is."""


def found_files(paths: Iterable[Path]) -> list[Path]:
    """The files, each once, those in folders included.

    Raises:
        UserError: a path does not exist, or a folder holds no data.
    """
    files: dict[Path, None] = {}
    for path in paths:
        if not path.exists():
            raise UserError(f"{path}: no such file or folder")
        inside = [path] if path.is_file() else list(_inside(path, _DEEPEST))
        if not inside:
            raise UserError(f"{path}: holds no data files; their names end in {', '.join(sorted(ENDINGS))}")
        files.update(dict.fromkeys(inside))
    return list(files)


def _inside(folder: Path, deep: int) -> Iterator[Path]:
    """Data files of a folder and the folders in it, and folders that are read like files."""
    if folder_format(folder):
        yield folder
        return
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_file() and (ending(path) in ENDINGS or split_in(ending(path))):
            yield path
        elif path.is_dir() and deep:
            yield from _inside(path, deep - 1)


def place_of(path: Path) -> tuple[Path, Reasoned]:
    """The folder that a file shares with those that belong to it, and the split that names speak of, if any."""
    folder = path.resolve().parent
    if split := split_in(path.name):
        return folder, Reasoned(split, "its name says so")
    if split := split_in(folder.name) if len(words_in(folder.name)) == 1 else None:
        return folder.parent, Reasoned(split, "its folder's name says so")
    return folder, Reasoned("", "")


def as_splits(places: Sequence[Reasoned]) -> list[Reasoned]:
    """A split for each file: train, where nothing says otherwise and where nothing would be train at all."""
    first = min((ORDER.index(place.value) for place in places), default=0)
    if first > 1:
        why = f"no file is named train, so the {ORDER[first]} file is learned from"
        return [Reasoned("train", why) if place.value == ORDER[first] else place for place in places]
    train = any(place.value == "train" for place in places)
    why = "no other split is in its name" if train else "nothing in its name says another split"
    return [place if place.value else Reasoned("train", why) for place in places]
