"""YAML with the line of every key, so that a fault can say where it is."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from polyhead.errors import UserError, shown

Place = tuple[str, ...]
"""A path of keys; list items are keys by their number."""


_MOST_KEYS = 20_000


class Located(NamedTuple):
    """A document, and the line of each of its keys."""

    value: Any
    lines: Mapping[Place, int]


def read_yaml(path: Path) -> Located:
    """Parse a file.

    Raises:
        UserError: it is missing, is no YAML, repeats a key, or nests too deeply.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read as UTF-8 text ({shown(str(error))})") from None
    try:
        loader = yaml.SafeLoader(io.StringIO(text))
        node = loader.get_single_node()
        lines: dict[Place, int] = {}
        if node is not None:
            _walk(node, (), lines, path)
        value = loader.construct_document(node) if node is not None else None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        problem = getattr(error, "problem", None) or str(error).split("\n")[0]
        raise UserError(f"{where}: no readable YAML: {shown(problem, 120)}") from None
    return Located(value, lines)


def _walk(node: yaml.Node, place: Place, lines: dict[Place, int], path: Path) -> None:
    lines.setdefault(place, node.start_mark.line + 1)
    if len(lines) > _MOST_KEYS:
        raise UserError(f"{path}: a recipe has at most {_MOST_KEYS:,} keys, aliases written out")
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(getattr(key, "value", key))
            if name in seen:
                raise UserError(f"{path}:{key.start_mark.line + 1}: the key {shown(name)} stands here twice")
            seen.add(name)
            lines[(*place, name)] = key.start_mark.line + 1
            _walk(value, (*place, name), lines, path)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _walk(value, (*place, str(index)), lines, path)
