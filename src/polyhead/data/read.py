"""Files → examples."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from polyhead.data.example import Example
from polyhead.data.faults import FaultLog
from polyhead.data.gold import GOLD_READERS
from polyhead.data.readers import Record, Source
from polyhead.data.readers.markup import unmarked
from polyhead.data.stream import StreamedExamples
from polyhead.documents import Span
from polyhead.errors import UserError, shown
from polyhead.kinds import Task
from polyhead.text.words import join_words


def read(source: Source, tasks: Mapping[str, Task], *, root: Path, log: FaultLog) -> Sequence[Example]:
    """Every row of a source, in memory or, if it says so, in its file; faults and oddities go to ``log``.

    Raises:
        UserError: a file is missing, empty, not UTF-8 or not of its format.
    """
    if source.stream:
        return StreamedExamples(source, lambda records, log: _examples(source, records, tasks, log), root=root, log=log)
    examples: list[Example] = []
    for name in source.path:
        before = len(examples)
        examples.extend(_examples(source, source.read(root / name, name), tasks, log))
        log.stop()
        if len(examples) == before:
            raise UserError(f"{root / name}: the file has no rows")
    return examples


def _examples(source: Source, records: Iterable[Record], tasks: Mapping[str, Task], log: FaultLog) -> Iterator[Example]:
    for record in records:
        if record.left_out:
            log.oddity(f"rows {record.left_out}, left out", record.place)
            continue
        record = _without_markup(source, record, log)
        text, words = _text(source, record, log)
        if not text.strip():
            log.oddity("rows without text, left out", record.place)
            continue
        labels = {}
        for name, binding in source.tasks.items():
            gold = GOLD_READERS[tasks[name].kind](record, name, binding, text, words, log)
            if gold is not None:
                labels[name] = gold
        yield Example(text, labels, words, record.place)


def _without_markup(source: Source, record: Record, log: FaultLog) -> Record:
    """The record with the text and the spans that stand in brackets in its marked-up field."""
    if source.markup is None:
        return record
    marked = record.fields.get(source.markup)
    try:
        if not isinstance(marked, str):
            raise ValueError(f"found {shown(marked)}")
        text, spans = unmarked(marked)
    except ValueError as error:
        log.fault(f"{record.place}: {source.markup} must be text with entities as [type : text]; {error}")
        return replace(record, fields={**record.fields, source.text[0]: ""})
    return replace(record, fields={**record.fields, source.text[0]: text, "spans": spans})


def _text(source: Source, record: Record, log: FaultLog) -> tuple[str, list[Span] | None]:
    if record.words is not None:
        return join_words(record.words)
    parts = []
    for field in source.text:
        value = record.fields.get(field)
        if value is None and field not in record.fields:
            there = shown(", ".join(map(str, record.fields)), 120)
            log.fault(f"{record.place}: no field {shown(field)} for the text; there are: {there}")
        elif value is not None and not isinstance(value, str):
            log.fault(f"{record.place}: the text in {field} must be a string, found {shown(value)}")
        elif value:
            parts.append(value)
    return " ".join(parts), None
