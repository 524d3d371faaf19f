"""A field over all rows that were looked at: what its values are, and what they are like."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Literal

from polyhead.data.readers import Record
from polyhead.data.readers.base import as_text

Shape = Literal["blank", "string", "number", "flag", "strings", "options", "spans", "other"]
"""``strings``: lists of labels or words; ``options``: labels → 1 or 0; ``spans``: entities."""

_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d{1,2})?")
_FLAGS = frozenset({"0", "1", "0.0", "1.0", "true", "false", "True", "False"})
_WIDE = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")  # few blanks or none
_MOST = 1e300


@dataclass(frozen=True, slots=True)
class Column:
    """A field's values that are not blank; ``counts`` says how often each single value occurs, as text."""

    name: str
    shape: Shape
    rows: int
    values: Sequence[Any]
    counts: Counter[str]

    @property
    def distinct(self) -> int:
        """How many different values there are."""
        return len(self.counts)

    @property
    def filled(self) -> bool:
        """Whether every row has a value."""
        return len(self.values) == self.rows

    @property
    def whole(self) -> bool:
        """Whether every number is a whole one."""
        return self.shape == "number" and all(float(value).is_integer() for value in self.values)

    @property
    def binary(self) -> bool:
        """Whether every row says 1 or 0, or true or false."""
        return self.filled and bool(self.counts) and _FLAGS.issuperset(self.counts)

    @property
    def pure(self) -> bool:
        """Whether every value is a string that is no number."""
        return self.shape == "string" and all(isinstance(value, str) for value in self.values)

    @property
    def words(self) -> float:
        """Words a string, on average; in scripts without blanks, half as many as characters."""
        strings = [value for value in self.values if isinstance(value, str)]
        return fmean(max(len(each.split()), len(_WIDE.findall(each)) / 2) for each in strings) if strings else 0.0

    @property
    def prose(self) -> bool:
        """Whether the values are like sentences: strings of several words, most of them different."""
        return self.shape == "string" and self.words >= 2.5 and 2 * self.distinct >= len(self.values)

    @property
    def few(self) -> bool:
        """Whether the values come again and again, as classes do."""
        return 2 * self.distinct <= len(self.values)


def columns(records: Sequence[Record]) -> tuple[dict[str, Column], frozenset[str]]:
    """The fields as columns, and the names of those that some rows lack; a value that is not there is a blank one."""
    names = dict.fromkeys(name for record in records for name in record.fields)
    found = {name: column(name, [record.fields.get(name) for record in records]) for name in names}
    return found, frozenset(name for name in names if any(name not in record.fields for record in records))


def without_blanks(text: str) -> bool:
    """Whether a text is mostly in a script that is written without blanks between words."""
    return 2 * len(_WIDE.findall(text)) > len(text)


def column(name: str, given: Sequence[Any]) -> Column:
    """The column of these values, one a row."""
    values = [value for value in given if value is not None and value != ""]
    shape = _shape(values)
    single = shape in ("string", "number", "flag")
    return Column(name, shape, len(given), values, Counter(as_text(value) for value in values) if single else Counter())


def _shape(values: Sequence[Any]) -> Shape:
    if not values or all(value in ([], {}) for value in values):
        return "blank"
    if all(isinstance(value, bool) for value in values):
        return "flag"
    if all(isinstance(value, str | bool | int | float) for value in values):
        return "number" if all(map(_is_number, values)) else "string"
    if all(isinstance(value, str) or _is_list_of_strings(value) for value in values):
        return "strings"
    if all(isinstance(value, Mapping) and all(map(_is_share, value.values())) for value in values):
        return "options"
    return "spans" if span_keys(values) is not None else "other"


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        return _NUMBER.fullmatch(value) is not None
    return not isinstance(value, bool) and -_MOST < value < _MOST


def _is_list_of_strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _is_share(value: Any) -> bool:
    return isinstance(value, bool | int | float) and 0 <= value <= 1


_KEYS = {
    "start": "start start_offset begin start_char start_idx startOffset from",
    "end": "end end_offset stop end_char end_idx endOffset to",
    "type": "type label tag entity_type entity_group entity category class name",
}
_USUAL = {"start": ("start", "start_offset"), "end": ("end", "end_offset"), "type": ("type", "label")}


def span_keys(values: Sequence[Any]) -> dict[str, str] | None:
    """Which keys of spans hold start, end and type, as far as these are not the usual ones; None if these are no spans.

    A value is a list of ``[start, end, type]`` or of mappings, or a mapping from types to spans.
    """
    if not all(isinstance(value, list | Mapping) for value in values):
        return None
    spans = [span for value in values for span in _spans(value)]
    if all(_is_triple(span) for span in spans):
        return {}
    if not all(isinstance(span, Mapping) for span in spans):
        return None
    found = {}
    for key, names in _KEYS.items():
        usual = any(all(name in span for span in spans) for name in _USUAL[key])
        if usual or (key != "type" and all(_is_pair(span.get("span")) for span in spans)):
            continue
        name = next((name for name in names.split() if all(name in span for span in spans)), None)
        if name is None:
            return None
        found[key] = name
    return found


def _spans(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    each = [(key, span) for key, spans in value.items() for span in (spans if isinstance(spans, list) else [spans])]
    return [{"type": key, **span} if isinstance(span, Mapping) else span for key, span in each]


def _is_triple(span: Any) -> bool:
    return isinstance(span, list) and len(span) == 3 and [type(each) for each in span] == [int, int, str]


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and [type(each) for each in value] == [int, int]
