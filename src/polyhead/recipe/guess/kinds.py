"""What a field can teach: the kind of its task, and how its labels are written; or why it is left out."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from polyhead.errors import shown
from polyhead.recipe.guess.columns import Column, span_keys
from polyhead.recipe.guess.names import LABEL, SCORE, hints, is_id, is_main_label, named_aside

MOST_NUMBERS = 20
"""Different whole numbers up to which they are classes."""
_MOST_LABELS = 1000
_SMALL = 20  # rows below which nothing can be told from how many values are different
_LONGEST = 8.0  # words a label, on average
_SEPARATORS = "|;,"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of task for a field; ``sure`` if the field's name or its values leave little doubt."""

    kind: str
    why: str
    binding: Mapping[str, Any] = field(default_factory=dict)
    sure: bool = True


def kind_of(each: Column, *, pair: bool, by_name: bool = True) -> Kind | str:
    """The kind, or why the field is left out; ``by_name`` if its name may be why."""
    label = {"label": each.name}
    match each.shape:
        case "blank":
            return "it is empty"
        case "spans":
            keys = span_keys(each.values) or {}
            return Kind("tagging", "its values are spans: start, end and type", {"spans": each.name, **keys})
        case "strings" | "options" if by_name and (aside := named_aside(each.name)):
            return f"it is named like {aside}"
        case "strings":
            return Kind("multilabel", "its values are lists of labels", label)
        case "options":
            return Kind("multilabel", "its values map labels to 1 or 0", label)
        case "other":
            return "its values are nested, in no form that labels have"
        case "number":
            return _of_numbers(each, pair=pair, by_name=by_name)
        case _:
            return _of_strings(each, by_name=by_name)


def _of_numbers(each: Column, *, pair: bool, by_name: bool) -> Kind | str:
    many = f"{each.distinct:,} different numbers in {each.rows:,} rows"
    hinted = hints(each.name, LABEL | SCORE)
    sure = hinted and not is_id(each.name)
    if each.distinct == 1 and not is_main_label(each.name):
        return f"its only value is {shown(next(iter(each.counts)), 40)}"
    counted = hints(each.name, SCORE) or (hinted and each.rows <= _SMALL)
    if each.whole and each.filled and each.distinct == each.rows and not counted:
        return "all different and never blank: it looks like an id"
    if by_name and (aside := named_aside(each.name)):
        return f"it is named like {aside}"
    scored = pair and hints(each.name, SCORE)
    few = each.few or (is_main_label(each.name) and each.rows <= _SMALL)
    if each.whole and each.distinct <= MOST_NUMBERS and few and not scored:
        return Kind("classification", f"{each.distinct:,} different whole numbers in {each.rows:,} rows are classes",
                    {"label": each.name}, sure)  # fmt: skip
    if pair:
        return Kind("similarity", f"two texts and a number, {many}", {"label": each.name}, sure)
    return Kind("regression", many, {"label": each.name}, sure)


def _of_strings(each: Column, *, by_name: bool) -> Kind | str:
    hinted = hints(each.name, LABEL)
    different = f"{each.distinct:,} different strings in {each.rows:,} rows"
    if each.distinct == 1 and not is_main_label(each.name):
        return f"its only value is {shown(next(iter(each.counts)), 40)}"
    if separator := _separator(each):
        why = f"its cells hold several labels, parted by {separator}"
        return Kind("multilabel", why, {"label": each.name, "separator": separator}, hinted)
    small = hinted and each.rows <= _SMALL
    if each.filled and each.distinct == each.rows and not small:
        return "all different and never blank: it looks like an id"
    if by_name and (aside := named_aside(each.name)):
        return f"it is named like {aside}"
    if each.words > _LONGEST:
        return f"its strings are too long for labels: {each.words:.0f} words on average"
    if each.distinct > _MOST_LABELS or not (each.few or small or (hinted and each.distinct < len(each.values) / 1.2)):
        return f"{different} are too many for classes"
    return Kind("classification", f"{different} are classes", {"label": each.name}, hinted)


def _separator(each: Column) -> str | None:
    """What parts the labels in a field's cells: its parts come again in other cells, alone or among others."""
    if each.shape != "string":
        return None
    for separator in _SEPARATORS:
        cells = {cell: {part.strip() for part in cell.split(separator)} - {""} for cell in each.counts}
        several = sum(each.counts[cell] for cell, parts in cells.items() if len(parts) > 1)
        found = Counter(part for parts in cells.values() for part in parts)
        longest = max((len(part.split()) for part in found), default=0)
        again = sum(found.values()) > len(found) <= len(cells)
        if again and 20 * several >= len(each.values) and longest <= _LONGEST:
            return separator
    return None


def rounded_outwards(low: float, high: float) -> list[float]:
    """A range that holds both, its ends multiples of a power of ten: 0.2 and 4.8 → 0 and 5."""
    step = 10.0 ** math.floor(math.log10(high - low))
    ends = [math.floor(low / step) * step, math.ceil(high / step) * step]
    neat = [float(f"{end:.12g}") for end in ends]
    kept = [min(neat[0], low), max(neat[1], high)]
    return [int(end) if end.is_integer() and abs(end) < 1e15 else end for end in map(float, kept)]
