"""Validation errors as lines that a person can act on, each with its place in the file."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from polyhead.errors import shown
from polyhead.recipe.yaml import Place


class Faults:
    """Collects faults; ``path`` and ``lines`` say where each is."""

    def __init__(self, path: Path, lines: Mapping[Place, int], overridden: set[Place]) -> None:
        self.lines: list[str] = []
        self._path = path
        self._lines = lines
        self._overridden = overridden

    def add(self, place: Place, message: str) -> None:
        """Note one at ``place``, or at its nearest parent that stands in the file."""
        dotted = ".".join(place)
        if any(place[: len(each)] == each for each in self._overridden):
            self.lines.append(f"--{dotted}: {message}")
            return
        near = place
        while near and near not in self._lines:
            near = near[:-1]
        self.lines.append(f"{self._path}:{self._lines.get(near, 1)}: {dotted}: {message}")

    def has(self, place: Place) -> bool:
        """Whether the file has a key there."""
        return place in self._lines or place in self._overridden


def validate(model: type[BaseModel], value: Any) -> tuple[Any, list[tuple[Place, str]]]:
    """The parsed value, or ``None`` and its faults as (place below the value, message)."""
    try:
        return model.model_validate(value), []
    except ValidationError as error:
        found = dict(_messages(model, value, error))
        return None, list(found.items())


def _messages(model: type[BaseModel], value: Any, error: ValidationError) -> Iterator[tuple[Place, str]]:
    grouped: dict[Place, list[Any]] = {}
    for each in error.errors():
        grouped.setdefault(_real_place(each["loc"], value), []).append(each)
    for place, errors in grouped.items():
        first = errors[0]
        if first["type"] == "extra_forbidden":
            yield place, unknown_key(place[-1], list(model.model_fields))
        elif first["type"] == "missing":
            yield place, "this key is missing"
        else:
            rules = list(dict.fromkeys(each["msg"].removeprefix("Value error, ") for each in errors))
            found = "" if first["type"] == "value_error" else f"; found {shown(first['input'])}"
            yield place, "; or ".join(rule[:1].lower() + rule[1:] for rule in rules) + found


def _real_place(loc: Sequence[Any], value: Any) -> Place:
    """The part of pydantic's location that exists in the document; names of union members do not."""
    place: list[str] = []
    for key in loc:
        if isinstance(value, Mapping) and (key in value or str(key) in map(str, value)):
            value = next(item for name, item in value.items() if str(name) == str(key))
        elif isinstance(value, list | tuple) and isinstance(key, int) and key < len(value):
            value = value[key]
        elif key == loc[-1] and isinstance(value, Mapping):  # a missing key
            pass
        else:
            break
        place.append(str(key))
    return tuple(place)


def unknown_key(key: str, known: Sequence[str]) -> str:
    """A message for a key that is not known, with the nearest that is."""
    close = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"known are: {', '.join(known)}"
    return f"there is no such key; {hint}"
