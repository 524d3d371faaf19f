"""YAML whose keys have comments: each value safe on its line, whatever characters are in it."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from polyhead.printing import printable

_WIDTH = 116


def line(depth: int, key: str, value: Any, why: str) -> Iterator[str]:
    """A key with its value, and why: beside it where there is room, else above it; long lists go over several lines."""
    indent, text = "  " * depth, f"{key}: {flow(value)}"
    why = printable(why, 400)
    if len(indent) + len(text) + len(why) + 4 <= _WIDTH and why:
        yield f"{indent}{text}  # {why}"
        return
    yield from comment(depth, why)
    if len(indent) + len(text) <= _WIDTH or not isinstance(value, list):
        yield indent + text
        return
    items = [flow(item) for item in value]
    row = f"{indent}{key}: [{items[0]}"
    for item in items[1:]:
        if len(row) + len(item) + 3 > _WIDTH:
            yield f"{row},"
            row = f"{indent}  {item}"
        else:
            row += f", {item}"
    yield f"{row}]"


def comment(depth: int, text: str) -> Iterator[str]:
    """A comment, over as many lines as it needs."""
    indent = "  " * depth
    for each in textwrap.wrap(printable(text, 600), _WIDTH - len(indent) - 2, break_on_hyphens=False):
        yield f"{indent}# {each}"


def flow(value: Any) -> str:
    """A value as YAML on one line, whatever characters its strings hold; it may stand in lists and be a key."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{flow(key)}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    style = '"' if isinstance(value, str) and not value.isprintable() else None
    text: str = yaml.safe_dump([value], default_flow_style=True, default_style=style, allow_unicode=True, width=10**9)
    return text.strip()[1:-1]
