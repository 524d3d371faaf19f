"""A row's fields → the gold labels of its tasks, checked; one function a kind of task.

Each takes a row, the task's name and declaration, and where its labels stand. It returns what the task calls ``Gold``,
or ``Absent`` for a row without a label.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from polyhead.data.readers import Binding
from polyhead.data.readers.base import as_text
from polyhead.data.row import Absent, Row
from polyhead.data.spans import entity_spans
from polyhead.errors import shown
from polyhead.kinds import NumberTask, Task


def class_label(row: Row, name: str, task: Task, binding: Binding) -> str | None:
    """The label's name, by way of the binding's map."""
    found = _value(row, name, binding)
    if found is None:
        return Absent
    field, value = found
    if isinstance(value, list | dict):
        row.log.fault(f"{row.place}: {field} must be one label for task {name}, found {shown(value)}")
        return Absent
    return row.mapped(as_text(value), name, binding)


def label_list(row: Row, name: str, task: Task, binding: Binding) -> tuple[str, ...] | None:
    """Several labels: from a list, a mapping from labels to 1 or 0, a cell with separators, or a field for each."""
    if binding.label and len(binding.label) > 1:
        return _from_fields(row, name, binding.label)
    field = (binding.label or (row.field(name, "label"),))[0]
    if not row.has(field, name):
        return () if binding.empty_if_missing else Absent
    value = row.record.fields[field]
    if isinstance(value, str) and binding.separator:
        value = [part for each in value.split(binding.separator) if (part := each.strip())]
    elif isinstance(value, Mapping):
        value = [label for label, holds in value.items() if _holds(holds)]
    elif value is None or value == "":
        return Absent
    elif not isinstance(value, list):
        value = [value]
    if any(each is None or isinstance(each, list | dict) for each in value):
        row.log.fault(f"{row.place}: {field} must be a list of labels for task {name}, found {shown(value)}")
        return Absent
    labels = [row.mapped(as_text(each), name, binding) for each in value]
    return tuple(dict.fromkeys(label for label in labels if label))


def _from_fields(row: Row, name: str, fields: tuple[str, ...]) -> tuple[str, ...] | None:
    """The labels whose own fields say that the row has them."""
    there = [row.has(field, name) for field in fields]  # each that is missing is told
    if not all(there):
        return Absent
    values = {field: row.record.fields[field] for field in fields}
    wrong = next((field for field, value in values.items() if as_text(value) not in _YES_OR_NO), None)
    if wrong is not None:
        found = shown(values[wrong])
        row.log.fault(f"{row.place}: {wrong} must be 1 or 0 (or true or false) for task {name}, found {found}")
        return Absent
    return tuple(field for field, value in values.items() if _YES_OR_NO[as_text(value)])


_YES_OR_NO = {"1": True, "0": False, "1.0": True, "0.0": False, "true": True, "false": False, "True": True,
              "False": False}  # fmt: skip


def _holds(value: Any) -> bool:
    return isinstance(value, int | float) and value >= 0.5


def number(row: Row, name: str, task: Task, binding: Binding) -> float | None:
    """A number in the task's range."""
    assert isinstance(task, NumberTask)
    found = _value(row, name, binding)
    if found is None:
        return Absent
    field, given = found
    try:
        value = math.nan if isinstance(given, bool | list | dict) else float(given)
    except (ValueError, OverflowError):
        value = math.nan
    low, high = task.range
    if not low <= value <= high:
        wanted = f"a number from {low:g} to {high:g}, as the task's range says"
        row.log.fault(f"{row.place}: {field} must be {wanted}, for task {name}; found {shown(given)}")
        return Absent
    return value


def text_count(row: Row, name: str, task: Task, binding: Binding) -> int | None:
    """How many texts the row has: all there is to know of texts that belong together."""
    if not row.others:
        row.log.fault(
            f"{row.place}: task {name} needs two texts or more a row; name their fields in text and text_pair"
        )
        return Absent
    return 1 + len(row.others)


def _value(row: Row, name: str, binding: Binding) -> tuple[str, Any] | None:
    """The field of a task's label, and what is in it, if anything is."""
    field = (binding.label or (row.field(name, "label"),))[0]
    if not row.has(field, name):
        return None
    value = row.record.fields[field]
    return None if value is None or value == "" else (field, value)


GOLD_READERS: dict[str, Callable[[Row, str, Any, Binding], Any]] = {
    "classification": class_label,
    "multilabel": label_list,
    "regression": number,
    "similarity": number,
    "pairs": text_count,
    "tagging": entity_spans,
}
