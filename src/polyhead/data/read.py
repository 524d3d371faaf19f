"""Files → examples."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from polyhead.data.example import Example
from polyhead.data.faults import FaultLog
from polyhead.data.gold import GOLD_READERS
from polyhead.data.readers import Record, Source
from polyhead.data.readers.base import as_text
from polyhead.data.readers.markup import unmarked
from polyhead.data.row import Row, field_names
from polyhead.data.stream import StreamedExamples
from polyhead.data.vectors import Vectors
from polyhead.documents import Span
from polyhead.errors import UserError, shown
from polyhead.kinds import Task
from polyhead.text.words import join_words


def read(
    source: Source, tasks: Mapping[str, Task], *, root: Path, log: FaultLog, optional: bool = False
) -> Sequence[Example]:
    """Every row of a source, in memory or, if it says so, in its file; faults and oddities go to ``log``.

    A row may lack the field of a task's labels; that no row has it is a fault, unless the fields are ``optional``.

    Raises:
        UserError: a file is missing, empty, not UTF-8 or not of its format.
    """
    if source.stream:
        streamed = StreamedExamples(
            source, lambda records, log: _examples(source, records, tasks, log), root=root, log=log
        )
        log.end_of_source(optional=optional)
        log.stop()
        return streamed
    examples: list[Example] = []
    vectors = Vectors(source.vectors, root) if source.vectors else None
    for name in source.path:
        before = len(examples)
        examples.extend(_examples(source, source.read(root / name, name), tasks, log, vectors))
        log.stop()
        if len(examples) == before:
            log.end_of_source()
            log.stop()
            which = f" of {source.where}" if source.where else ""
            raise UserError(f"{root / name}: the file has no rows{which}")
    log.end_of_source(optional=optional)
    log.stop()
    if vectors:
        vectors.finish()
    return examples


def _examples(
    source: Source,
    records: Iterable[Record],
    tasks: Mapping[str, Task],
    log: FaultLog,
    vectors: Vectors | None = None,
) -> Iterator[Example]:
    for record in records:
        vector = vectors.of(record) if vectors else None
        if record.left_out:
            log.oddity(f"rows {record.left_out}, left out", record.place)
            continue
        if not _is_wanted(source, record, log):
            continue
        record = _without_markup(source, record, log)
        if vectors:  # a text is welcome, but not needed
            record = replace(record, fields={**dict.fromkeys(source.text), **record.fields})
        text, words = _text(source, record, log)
        others = _others(source, record, log)
        if not (text.strip() or vectors) or (source.text_pair and not (others and others[0].strip())):
            log.oddity("rows without text, left out", record.place)
            continue
        row = Row(record, text, words, tuple(each for each in others if each.strip()), log)
        labels = {}
        for name, binding in source.tasks.items():
            gold = GOLD_READERS[tasks[name].kind](row, name, tasks[name], binding)
            if gold is not None:
                labels[name] = gold
        yield Example(text, labels, words, record.place, row.others, vector)


def _is_wanted(source: Source, record: Record, log: FaultLog) -> bool:
    """Whether the row has the values that the source asks for."""
    for field in source.where:
        if field in record.fields:
            log.there(field)
        else:
            log.missing(field, f"{record.place}: no field {shown(field)} for where; there are: {field_names(record)}")
    return all(as_text(record.fields.get(field)) == value for field, value in source.where.items())


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
    parts = [_string(field, record, log) for field in source.text]
    return " ".join(part for part in parts if part), None


def _others(source: Source, record: Record, log: FaultLog) -> list[str]:
    """The other texts; a field with a list holds several."""
    found: list[str] = []
    for field in source.text_pair:
        value = record.fields.get(field)
        if isinstance(value, list) and all(isinstance(each, str) for each in value):
            found += value
        else:
            found.append(_string(field, record, log))
    return found


def _string(field: str, record: Record, log: FaultLog) -> str:
    """The text in a field, empty where there is none."""
    value = record.fields.get(field)
    if value is None and field not in record.fields:
        log.fault(f"{record.place}: no field {shown(field)} for the text; there are: {field_names(record)}")
    elif value is not None and not isinstance(value, str):
        log.fault(f"{record.place}: the text in {field} must be a string, found {shown(value)}")
    return value if isinstance(value, str) else ""
