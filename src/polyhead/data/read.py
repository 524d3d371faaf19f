"""Files → examples."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from polyhead.data.example import Example
from polyhead.data.faults import FaultLog
from polyhead.data.gold import GOLD_READERS
from polyhead.data.readers import Record, Source
from polyhead.documents import Span
from polyhead.errors import UserError, shown
from polyhead.kinds import Task
from polyhead.text.words import join_words


def read(source: Source, tasks: Mapping[str, Task], *, root: Path, log: FaultLog) -> list[Example]:
    """Every row of a source; faults and oddities go to ``log``.

    Raises:
        UserError: a file is missing, empty, not UTF-8 or not of its format.
    """
    examples: list[Example] = []
    for name in source.path:
        path = root / name
        before = len(examples)
        with source.open(path) as file:
            try:
                examples.extend(_examples(source, source.records(file, name), tasks, log))
            except UnicodeDecodeError as error:
                found = f"{error.object[error.start]:#04x}"
                raise UserError(f"{name}:{_bad_line(path)}: must be UTF-8 text, found byte {found}") from None
        log.stop()
        if len(examples) == before:
            raise UserError(f"{path}: the file has no rows")
    return examples


def _bad_line(path: Path) -> int:
    """The first line that is not UTF-8."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                return number
    return 1


def _examples(source: Source, records: Iterator[Record], tasks: Mapping[str, Task], log: FaultLog) -> Iterator[Example]:
    for record in records:
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
