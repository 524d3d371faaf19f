"""Bracket markup: ``wake me up at [time : five am]`` → the text, and its spans."""

import re
from typing import Any

_BRACKET = re.compile(r"\[\s*([^\[\]:]+?)\s*:\s*([^\[\]]*?)\s*\]")


def unmarked(marked: str) -> tuple[str, list[dict[str, Any]]]:
    """The text without its markup, and a span for each bracket.

    Raises:
        ValueError: a bracket is open, nested, empty or without a type.
    """
    parts: list[str] = []
    spans: list[dict[str, Any]] = []
    length = last = 0
    for match in _BRACKET.finditer(marked):
        between, (label, inside) = marked[last : match.start()], match.groups()
        if not inside:
            raise ValueError(f"nothing stands in {match.group()!r}")
        parts += [between, inside]
        start = length + len(between)
        length = start + len(inside)
        spans.append({"start": start, "end": length, "type": label})
        last = match.end()
    parts.append(marked[last:])
    if any(bracket in part for part in (parts[::2]) for bracket in "[]"):
        raise ValueError("a bracket is open, nested, or without a type and a colon")
    return "".join(parts), spans
