"""Tagging schemes: entity spans to one tag a word and back, and the best valid sequence of tags.

``iob2``: B-TYPE begins an entity, I-TYPE continues it. ``io``: TYPE alone, so touching entities of one type merge.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from polyhead.documents import IntArray, Span

Scheme = Literal["iob2", "io"]
OUTSIDE = "O"


class EntitySpan(NamedTuple):
    """An entity by character offsets, ``end`` exclusive."""

    start: int
    end: int
    type: str


def tag_names(types: Sequence[str], scheme: Scheme) -> tuple[str, ...]:
    """The tags of a scheme, ``O`` first."""
    if scheme == "io":
        return (OUTSIDE, *types)
    return (OUTSIDE, *(f"{prefix}-{name}" for name in types for prefix in "BI"))


def type_of(tag: str | None) -> str | None:
    """A tag's entity type, ``O`` for none: ``B-PER`` → ``PER``; ``PER`` stays, as does an unread word's ``None``."""
    return tag if tag is None or tag == OUTSIDE or tag[1:2] != "-" or tag[0] not in "BI" else tag[2:]


def tags_from_spans(spans: Sequence[EntitySpan], words: Sequence[Span], scheme: Scheme) -> list[str | None]:
    """One tag a word; ``None`` for words that a span cuts into, whose tag therefore cannot be said."""
    tags: list[str | None] = [OUTSIDE] * len(words)
    starts = {start: position for position, (start, _) in enumerate(words)}
    ends = {end: position for position, (_, end) in enumerate(words)}
    for span in spans:
        first, last = starts.get(span.start), ends.get(span.end)
        if first is None or last is None:
            for position, (start, end) in enumerate(words):
                if start < span.end and end > span.start:
                    tags[position] = None
            continue
        for position in range(first, last + 1):
            prefix = "" if scheme == "io" else "B-" if position == first else "I-"
            tags[position] = prefix + span.type
    return tags


def runs(tags: Sequence[str], scheme: Scheme) -> list[tuple[int, int, str]]:
    """Entities as (first word, last word, type), in order. An I- that continues nothing begins an entity."""
    found: list[tuple[int, int, str]] = []
    for position, tag in enumerate(tags):
        if tag == OUTSIDE:
            continue
        prefix, name = ("I", tag) if scheme == "io" else (tag[0], tag[2:])
        previous = found[-1] if found else None
        if prefix == "I" and previous and previous[1] == position - 1 and previous[2] == name:
            found[-1] = (previous[0], position, name)
        else:
            found.append((position, position, name))
    return found


@lru_cache(maxsize=64)
def forbidden_transitions(tags: tuple[str, ...], scheme: Scheme) -> NDArray[np.bool_]:
    """Which tag may not follow which. *Shape:* (tags + 1, tags); the last row stands for the start of the text."""
    forbidden = np.zeros((len(tags) + 1, len(tags)), dtype=bool)
    if scheme == "iob2":
        for column, tag in enumerate(tags):
            if tag.startswith("I-"):
                allowed = [row for row, before in enumerate(tags) if before[2:] == tag[2:] and before != OUTSIDE]
                forbidden[:, column] = True
                forbidden[allowed, column] = False
    return forbidden


def best_sequence(scores: NDArray[np.floating], forbidden: NDArray[np.bool_]) -> IntArray:
    """The valid sequence of tags with the greatest sum of scores (Viterbi, 1967). *Shapes:* (words, tags) → (words,).

    Where the best tag of each word already makes a valid sequence, that is the answer.
    """
    best: IntArray = scores.argmax(axis=1).astype(np.int64)
    if not len(best) or not forbidden[np.concatenate(([-1], best[:-1])), best].any():
        return best
    penalty = np.where(forbidden, -np.inf, 0.0)
    total = scores[0] + penalty[-1]
    back = np.zeros(scores.shape, dtype=np.int64)
    for position in range(1, len(scores)):
        step = total[:, None] + penalty[:-1]
        back[position] = step.argmax(axis=0)
        total = step.max(axis=0) + scores[position]
    best[-1] = total.argmax()
    for position in range(len(scores) - 1, 0, -1):
        best[position - 1] = back[position, best[position]]
    return best
