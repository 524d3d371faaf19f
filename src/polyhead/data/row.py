"""A row on its way from its file's fields to gold labels, and how its fields are looked up."""

from collections.abc import Sequence
from dataclasses import dataclass

from polyhead.data.faults import FaultLog
from polyhead.data.readers import Binding, Record
from polyhead.documents import Span
from polyhead.errors import shown

Absent = None
"""What is returned for a row without a label."""


@dataclass(frozen=True, slots=True)
class Row:
    """A record, its text and words, its other texts, and where faults and oddities go."""

    record: Record
    text: str
    words: Sequence[Span] | None
    others: tuple[str, ...]
    log: FaultLog

    @property
    def place(self) -> str:
        """file:line."""
        return self.record.place

    def field(self, task: str, usual: str) -> str:
        """Where a task's labels stand if the recipe does not say: under its own name, or the format's usual one."""
        return usual if task not in self.record.fields and usual in self.record.fields else task

    def has(self, field: str, task: str) -> bool:
        """Whether the row has the field. A row may lack it: it is a fault only if no row of the source has it."""
        if field in self.record.fields:
            self.log.there(field)
            return True
        there = field_names(self.record)
        self.log.missing(field, f"{self.place}: no field {shown(field)} for task {task}; there are: {there}")
        return False

    def mapped(self, value: str, task: str, binding: Binding) -> str | None:
        """A label's name by way of the binding's map; one that is not in it is a fault."""
        if binding.labels is None:
            return value
        if value not in binding.labels:
            known = ", ".join(binding.labels)
            self.log.fault(f"{self.place}: task {task} maps the labels {known}; found {shown(value)}")
            return None
        return binding.labels[value]


def field_names(record: Record) -> str:
    """The record's fields, as a message lists them."""
    return shown(", ".join(map(str, record.fields)), 120)
