"""Which fields are the text, its second text, or its words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from polyhead.errors import shown
from polyhead.recipe.guess.base import Choose, Layout, Reasoned
from polyhead.recipe.guess.columns import Column
from polyhead.recipe.guess.lines import is_marked
from polyhead.recipe.guess.names import TEXT, hints, is_id, is_negative, is_words, title_and_body, two_texts

_ALIKE = 1.6  # of two texts that are a pair, the longer ones are on average at most so much longer
_SHARED = 0.2  # and so many of their words are the same


@dataclass(frozen=True, slots=True)
class Texts:
    """The layout's ``text``, ``text_pair``, ``words`` or ``markup``; the fields that need no further look, and why."""

    layout: Layout
    left_out: Mapping[str, str]


def guess_texts(columns: Mapping[str, Column], choose: Choose, *, where: str) -> Texts | None:
    """What the rows' texts are; None if no field can be a text."""
    for each in columns.values():
        if each.pure and is_marked(each.values):
            return _marked(each, columns)
    if words := _words(columns):
        return words
    strings = [each for each in columns.values() if each.pure]
    strings.sort(key=lambda each: not hints(each.name, TEXT))
    named = two_texts(each.name for each in strings if each.words > 1)
    if named:
        why = f"{shown(named[0])} and {shown(named[1])} are named like two texts that belong together"
        return _pair(*named, why, columns)
    likely = sorted((each for each in strings if _score(each) > 0), key=_score, reverse=True)
    likely = likely or sorted(strings, key=lambda each: (each.distinct, each.words), reverse=True)[:1]
    if not likely:
        return None
    if joined := title_and_body(each.name for each in likely):
        return Texts({"text": Reasoned(joined, "two parts of one text, joined by a space")}, _unread(likely, joined))
    if both := _alike(likely):
        options = [f"{both[0]} and {both[1]} are two texts to be compared", *map(_told, likely)]
        chosen = choose(f"{where}: which field is the text?", options)
        if chosen == 0:
            why = f"{shown(both[0])} and {shown(both[1])} are of like length and share many words"
            return _pair(*both, why, columns)
        return _one(likely[chosen - 1], likely)
    sure = len(likely) == 1 or _score(likely[0]) - _score(likely[1]) >= 2
    return _one(likely[0 if sure else choose(f"{where}: which field is the text?", list(map(_told, likely)))], likely)


def _score(each: Column) -> float:
    """How much a field of strings is like the text; 0 if it is not."""
    exact, hinted = each.name.lower() in TEXT, hints(each.name, TEXT) and not is_id(each.name)
    if each.distinct < 2 or not (each.prose or (hinted and not each.few)):
        return 0.0
    return 4 * exact + 2 * hinted + min(each.words, 30) / 10 + each.distinct / len(each.values)


def _told(each: Column) -> str:
    return f"{each.name}: {each.words:.0f} words on average, such as {shown(each.values[0], 50)}"


def _one(chosen: Column, likely: Sequence[Column]) -> Texts:
    named = "named like a text, and " if hints(chosen.name, TEXT) else ""
    why = f"{named}holds strings of {chosen.words:.0f} words on average, {chosen.distinct:,} different ones"
    return Texts({"text": Reasoned(chosen.name, why)}, _unread(likely, [chosen.name]))


def _unread(likely: Sequence[Column], read: Sequence[str]) -> dict[str, str]:
    first = shown(read[0])
    return {
        each.name: f"a text as well; text: [{first}, …] would join them" for each in likely if each.name not in read
    }


def _pair(one: str, other: str, why: str, columns: Mapping[str, Column]) -> Texts:
    negatives = [name for name, each in columns.items() if is_negative(name) and each.shape in ("string", "strings")]
    second: Any = [other, *negatives] if negatives else other
    reason = "the text that belongs to it" + (", then those that do not" if negatives else "")
    layout = {"text": Reasoned(one, why), "text_pair": Reasoned(second, reason)}
    prose = [each for each in columns.values() if each.prose and each.name not in (one, other, *negatives)]
    return Texts(layout, {each.name: "a text beside the pair" for each in prose})


def _alike(likely: Sequence[Column]) -> tuple[str, str] | None:
    """Two fields of whose names nothing is known, but whose texts are of like length and share many words."""
    for one, other in combinations(likely, 2):
        longer, shorter = max(one.words, other.words), min(one.words, other.words)
        if hints(one.name, TEXT) or hints(other.name, TEXT) or not (one.filled and other.filled):
            continue
        if longer <= _ALIKE * shorter and _shared(one.values, other.values) >= _SHARED:
            names = {one.name, other.name}
            first, second = sorted(names, key=lambda name: (len(name), name))
            return first, second
    return None


def _shared(ones: Sequence[str], others: Sequence[str]) -> float:
    both = [(set(one.lower().split()), set(other.lower().split())) for one, other in zip(ones, others, strict=True)]
    return sum(len(one & other) / max(1, len(one | other)) for one, other in both) / max(1, len(both))


def _marked(marked: Column, columns: Mapping[str, Column]) -> Texts:
    why = "holds entities in brackets, [type : text]: it gives the text and its spans"
    others = [each for each in columns.values() if each.prose and each.name != marked.name]
    left_out = {each.name: f"the text is read from {shown(marked.name)}" for each in others}
    return Texts({"markup": Reasoned(marked.name, why)}, left_out)


def _words(columns: Mapping[str, Column]) -> Texts | None:
    """Words with their tags: fields of lists that are equally long in each row."""
    lists = [each for each in columns.values() if each.shape == "strings" and _are_lists(each)]
    parallel = [
        (one, other) for one in lists for other in lists if one is not other and _lengths(one) == _lengths(other)
    ]
    if not parallel and any(each.prose for each in columns.values()):
        return None
    candidates = [one for one, _ in parallel] or [each for each in lists if is_words(each.name)]
    if not candidates:
        return None
    chosen = max(candidates, key=lambda each: (is_words(each.name), _variety(each)))
    tags = next((other for one, other in parallel if one is chosen), None)
    why = f"lists of words, each as long as {shown(tags.name)}" if tags else "lists of words"
    others = [each for each in columns.values() if each.prose]
    left_out = {each.name: f"the text is read from {shown(chosen.name)}" for each in others}
    return Texts({"words": Reasoned(chosen.name, why)}, left_out)


def _are_lists(each: Column) -> bool:
    return each.filled and all(isinstance(value, list) for value in each.values) and any(each.values)


def _lengths(each: Column) -> list[int]:
    return [len(value) for value in each.values]


def _variety(each: Column) -> int:
    return len({word for value in each.values for word in value})
