"""Validation errors as lines that a person can act on, each with its place in the file."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

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
        if self._is_overridden(place):
            line = f"--{dotted}: {message}"
        else:
            near = place
            while near and near not in self._lines:
                near = near[:-1]
            line = f"{self._path}:{self._lines.get(near, 1)}: {dotted}: {message}"
        if line not in self.lines:  # splits share what their data set says
            self.lines.append(line)

    def _is_overridden(self, place: Place) -> bool:
        """Whether the command line gave this key, or brought it about by giving one below it."""
        below = any(place[: len(each)] == each for each in self._overridden)
        return below or (place not in self._lines and any(each[: len(place)] == place for each in self._overridden))

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
        grouped.setdefault(_real_place(each["loc"], value, missing=each["type"] == "missing"), []).append(each)
    for place, errors in grouped.items():
        if any(len(other) > len(place) and other[: len(place)] == place for other in grouped):
            continue  # of the shapes that a value may have, speak of the one that it nearly has
        first = errors[0]
        if first["type"] == "extra_forbidden":
            yield place, unknown_key(place[-1], list(_model_at(model, place[:-1]).model_fields))
        elif first["type"] == "missing":
            yield place, "this key is missing"
        else:
            rules = list(dict.fromkeys(each["msg"].removeprefix("Value error, ") for each in errors))
            found = "" if first["type"] == "value_error" else f"; found {shown(first['input'])}"
            yield place, "; or ".join(rule[:1].lower() + rule[1:] for rule in rules) + found


def _real_place(loc: Sequence[Any], value: Any, *, missing: bool) -> Place:
    """The part of pydantic's location that stands in the document: not the names of classes that it tried."""
    place: list[str] = []
    for position, key in enumerate(loc):
        if isinstance(value, Mapping) and str(key) in map(str, value):
            value = next(item for name, item in value.items() if str(name) == str(key))
        elif isinstance(value, list | tuple) and isinstance(key, int) and key < len(value):
            value = value[key]
        elif not (missing and position == len(loc) - 1):
            continue
        place.append(str(key))
    return tuple(place)


def _model_at(model: type[BaseModel], place: Place) -> type[BaseModel]:
    """The settings that stand at ``place`` below ``model``; keys of mappings lead on."""
    for key in place:
        field = model.model_fields.get(key)
        if field is not None:
            model = next(_models(field.annotation), model)
    return model


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for each in get_args(annotation):
        yield from _models(each)


def unknown_key(key: str, known: Sequence[str]) -> str:
    """A message for a key that is not known, with the nearest that is."""
    close = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"known are: {', '.join(known)}"
    return f"there is no such key; {hint}"
