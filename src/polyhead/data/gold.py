"""A row's fields → the gold labels of its tasks, checked; one function a kind of task."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeGuard

from polyhead.data.faults import FaultLog
from polyhead.data.readers import Binding, Record
from polyhead.documents import Span
from polyhead.errors import shown
from polyhead.kinds import EntitySpan
from polyhead.kinds.schemes import OUTSIDE, Scheme, runs

Absent = None
"""What these functions return for a row without a label."""


def class_label(record: Record, task: str, binding: Binding, text: str, words: Any, log: FaultLog) -> str | None:
    """The label's name, by way of the binding's map."""
    field = binding.label or _field(record, task, "label")
    if field not in record.fields:
        log.fault(f"{record.place}: no field {shown(field)} for task {task}; there are: {_names(record)}")
        return Absent
    value = record.fields[field]
    if value is None or value == "":
        return Absent
    if isinstance(value, list | dict):
        log.fault(f"{record.place}: {field} must be one label for task {task}, found {shown(value)}")
        return Absent
    return _mapped(str(value).lower() if isinstance(value, bool) else str(value), record, task, binding, log)


def entity_spans(
    record: Record, task: str, binding: Binding, text: str, words: Sequence[Span] | None, log: FaultLog
) -> tuple[EntitySpan, ...] | None:
    """Entities from tags, where the row has words, else from character spans."""
    field = binding.spans or _field(record, task, "spans")
    if words is not None and not _holds_spans(record.fields.get(field)):
        return _from_tags(record, task, binding, words, log)
    if field not in record.fields:
        log.fault(f"{record.place}: no field {shown(field)} for task {task}; there are: {_names(record)}")
        return Absent
    value = record.fields[field]
    if value is None:
        return Absent
    if not isinstance(value, list):
        log.fault(f"{record.place}: {field} must be a list of spans for task {task}, found {shown(value)}")
        return Absent
    found = [_span(each, record, task, binding, text, log) for each in value]
    return _without_overlaps([span for span in found if span], record, text, log)


GOLD_READERS: dict[str, Callable[..., Any]] = {"classification": class_label, "tagging": entity_spans}


def _from_tags(
    record: Record, task: str, binding: Binding, words: Sequence[Span], log: FaultLog
) -> tuple[EntitySpan, ...] | None:
    column = str(-1 if binding.column is None else binding.column)
    usual = column if column in record.fields else _field(record, task, "tags")
    field = binding.tags or binding.spans or usual
    tags = record.fields.get(field)
    if tags is None and field in record.fields:
        return Absent
    if not isinstance(tags, list) or len(tags) != len(words):
        log.fault(
            f"{record.place}: task {task} needs a tag for each word in {shown(field)}; there are: {_names(record)}"
        )
        return Absent
    read = _read_scheme([str(tag) for tag in tags])
    if isinstance(read, str):
        log.fault(f"{record.place}: tags of task {task} must be O, or TYPE, or all with a prefix; found {shown(read)}")
        return Absent
    scheme, known = read
    spans = []
    for first, last, name in runs(known, scheme):
        mapped = _mapped(name, record, task, binding, log)
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


def _span(value: Any, record: Record, task: str, binding: Binding, text: str, log: FaultLog) -> EntitySpan | None:
    keys = (
        (binding.start,) if binding.start else ("start", "start_offset"),
        (binding.end,) if binding.end else ("end", "end_offset"),
        (binding.type,) if binding.type else ("type", "label"),
    )
    if isinstance(value, list) and len(value) == 3:
        value = dict(zip((names[0] for names in keys), value, strict=True))
    if not isinstance(value, Mapping):
        log.fault(
            f"{record.place}: a span of task {task} must be an object or [start, end, type], found {shown(value)}"
        )
        return None
    start, end, name = (next((value[key] for key in names if key in value), None) for names in keys)
    if not _is_offset(start) or not _is_offset(end) or not (isinstance(name, str) and name):
        wanted = " and ".join("/".join(names) for names in keys)
        log.fault(f"{record.place}: a span of task {task} must have {wanted}, found {shown(value)}")
        return None
    place = f"{record.place}: {shown(value)}"
    if not 0 <= start < end <= len(text):
        log.oddity(f"{task}: spans out of range, left out", f"{place} in a text of {len(text)} characters")
        return None
    quoted = value.get("text")
    if isinstance(quoted, str) and quoted != text[start:end]:
        log.oddity(
            f"{task}: spans whose text is elsewhere, left out", f"{place}, but there stands {shown(text[start:end])}"
        )
        return None
    mapped = _mapped(name, record, task, binding, log)
    return EntitySpan(start, end, mapped) if mapped else None


def _field(record: Record, task: str, usual: str) -> str:
    """Where a task's labels stand if the recipe does not say: under its own name, or under the format's usual one."""
    return usual if task not in record.fields and usual in record.fields else task


def _holds_spans(value: Any) -> bool:
    """Whether a row's value is a list of spans, not of tags."""
    return isinstance(value, list) and not (value and all(isinstance(each, str) for each in value))


def _is_offset(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _without_overlaps(spans: list[EntitySpan], record: Record, text: str, log: FaultLog) -> tuple[EntitySpan, ...]:
    """In order, and of two that overlap only the first, the longer one if both start together."""
    kept: list[EntitySpan] = []
    for span in sorted(set(spans), key=lambda span: (span.start, -span.end, span.type)):
        if kept and span.start < kept[-1].end:
            quoted = shown(text[span.start : span.end])
            log.oddity("overlapping spans, the later left out", f"{record.place}: {quoted} at {span.start}-{span.end}")
            continue
        kept.append(span)
    return tuple(kept)


def _mapped(value: str, record: Record, task: str, binding: Binding, log: FaultLog) -> str | None:
    if binding.labels is None:
        return value
    if value not in binding.labels:
        known = ", ".join(binding.labels)
        log.fault(f"{record.place}: task {task} maps the labels {known}; found {shown(value)}")
        return None
    return binding.labels[value]


def _names(record: Record) -> str:
    return shown(", ".join(map(str, record.fields)), 120)
