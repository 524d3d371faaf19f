"""A row's entities → gold spans: from tags, where the row has words, else from character spans; every fault counted."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

from polyhead.data.readers import Binding
from polyhead.data.row import Absent, Row
from polyhead.errors import shown
from polyhead.kinds import EntitySpan, Task
from polyhead.kinds.schemes import OUTSIDE, Scheme, runs

Spans = tuple[EntitySpan, ...]


def entity_spans(row: Row, name: str, task: Task, binding: Binding) -> Spans | None:
    """Entities from tags, where the row has words, else from character spans."""
    fields = row.record.fields
    field = binding.spans or row.field(name, "spans")
    if row.words is not None and not _holds_spans(fields.get(field)):
        return _from_tags(row, name, binding, row.words)
    if not row.has(field, name):
        return () if binding.empty_if_missing else Absent
    value = fields[field]
    if value is None:
        return Absent
    if isinstance(value, Mapping):  # a type → one span, or several
        value = [
            {"type": key, **each} if isinstance(each, Mapping) else each
            for key, spans in value.items()
            for each in (spans if isinstance(spans, list) else [spans])
        ]
    if not isinstance(value, list):
        row.log.fault(f"{row.place}: {field} must be a list of spans for task {name}, found {shown(value)}")
        return Absent
    found = [_span(each, row, name, binding) for each in value]
    return _without_overlaps([span for span in found if span], row)


def _from_tags(row: Row, name: str, binding: Binding, words: Sequence[tuple[int, int]]) -> Spans | None:
    fields = row.record.fields
    column = str(-1 if binding.column is None else binding.column)
    usual = column if column in fields or binding.column is not None else row.field(name, "tags")
    field = binding.tags or binding.spans or usual
    tags = fields.get(field)
    if not row.has(field, name) or tags is None:
        return Absent
    if not isinstance(tags, list) or len(tags) != len(words):
        found = shown(tags)
        row.log.fault(f"{row.place}: task {name} needs a tag for each word in {shown(field)}; found {found}")
        return Absent
    read = _read_scheme([str(tag) for tag in tags])
    if isinstance(read, str):
        row.log.fault(f"{row.place}: tags of task {name} must be O, or TYPE, or all with a prefix; found {shown(read)}")
        return Absent
    scheme, known = read
    spans = []
    for first, last, label in runs(known, scheme):
        mapped = row.mapped(label, name, binding)
        if mapped:
            spans.append(EntitySpan(words[first][0], words[last][1], mapped))
    return tuple(spans)


# BIOES and BILOU say with their own letters what IOB2 says with two.
_PREFIXES = {"B": "B", "I": "I", "E": "I", "L": "I", "S": "B", "U": "B"}


def _read_scheme(tags: Sequence[str]) -> tuple[Scheme, list[str]] | str:
    """The tags as IOB2, or, where none has a prefix, as plain types; the tag that is neither, where there is one."""
    prefixed = [len(tag) > 2 and tag[1] == "-" and tag[0] in _PREFIXES for tag in tags]
    wrong = [
        tag
        for tag, has in zip(tags, prefixed, strict=True)
        if not tag or (any(prefixed) and not has and tag != OUTSIDE)
    ]
    if wrong:
        return wrong[0]
    if not any(prefixed):
        return "io", list(tags)
    return "iob2", [_PREFIXES[tag[0]] + tag[1:] if has else tag for tag, has in zip(tags, prefixed, strict=True)]


def _span(value: Any, row: Row, name: str, binding: Binding) -> EntitySpan | None:
    keys = (
        (binding.start,) if binding.start else ("start", "start_offset"),
        (binding.end,) if binding.end else ("end", "end_offset"),
        (binding.type,) if binding.type else ("type", "label"),
    )
    if isinstance(value, list) and len(value) == 3:
        value = dict(zip((names[0] for names in keys), value, strict=True))
    if not isinstance(value, Mapping):
        row.log.fault(
            f"{row.place}: a span of task {name} must be an object or [start, end, type], found {shown(value)}"
        )
        return None
    both = value.get("span")
    if isinstance(both, list) and len(both) == 2:
        value = {**value, keys[0][0]: both[0], keys[1][0]: both[1]}
    start, end, label = (next((value[key] for key in names if key in value), None) for names in keys)
    if not _is_offset(start) or not _is_offset(end) or not (isinstance(label, str) and label):
        wanted = " and ".join("/".join(names) for names in keys)
        row.log.fault(f"{row.place}: a span of task {name} must have {wanted}, found {shown(value)}")
        return None
    place = f"{row.place}: {shown(value)}"
    if not 0 <= start < end <= len(row.text):
        row.log.oddity(f"{name}: spans out of range, left out", f"{place} in a text of {len(row.text)} characters")
        return None
    quoted, there = value.get("text"), row.text[start:end]
    if isinstance(quoted, str) and quoted != there:
        row.log.oddity(f"{name}: spans whose text is elsewhere, left out", f"{place}, but there stands {shown(there)}")
        return None
    mapped = row.mapped(label, name, binding)
    return EntitySpan(start, end, mapped) if mapped else None


def _holds_spans(value: Any) -> bool:
    """Whether a row's value holds spans, not tags."""
    return isinstance(value, Mapping) or (
        isinstance(value, list) and not (value and all(isinstance(each, str) for each in value))
    )


def _is_offset(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _without_overlaps(spans: list[EntitySpan], row: Row) -> Spans:
    """In order, and of two that overlap only the first, the longer one if both start together."""
    kept: list[EntitySpan] = []
    for span in sorted(set(spans), key=lambda span: (span.start, -span.end, span.type)):
        if kept and span.start < kept[-1].end:
            quoted = shown(row.text[span.start : span.end])
            row.log.oddity("overlapping spans, the later left out", f"{row.place}: {quoted} at {span.start}-{span.end}")
            continue
        kept.append(span)
    return tuple(kept)
