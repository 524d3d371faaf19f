"""doccano's exports: JSONL with labels in one of its three spellings."""

from collections.abc import Iterable, Iterator
from typing import Literal

from polyhead.data.readers.base import Record
from polyhead.data.readers.jsonl import JsonlSource
from polyhead.errors import UserError, shown

_KEYS = ("label", "labels", "entities")


class DoccanoSource(JsonlSource):
    """Spans become the field ``spans``, a text's class the field ``label``."""

    format: Literal["doccano"] = "doccano"  # type: ignore[assignment]

    def records(self, lines: Iterable[str], name: str, *, first: int = 1) -> Iterator[Record]:
        """A record a line: ``[start, end, label]`` or ``{start_offset, end_offset, label}`` are spans, strings classes.

        Raises:
            UserError: a row has none of the three keys, or something else in it.
        """
        for record in super().records(lines, name, first=first):
            key = next((key for key in _KEYS if isinstance(record.fields.get(key), list)), None)
            if key is None:
                wanted = ", ".join(_KEYS)
                raise UserError(f"{record.place}: a doccano row has a list in one of {wanted}, found none")
            values = record.fields[key]
            if not values:
                yield Record({**record.fields, "spans": [], "label": None}, record.place)
            elif all(isinstance(value, str) for value in values):
                label = values[0] if len(values) == 1 else values
                yield Record({**record.fields, "label": label}, record.place)
            elif all(isinstance(value, list | dict) for value in values):
                yield Record({**record.fields, "spans": values}, record.place)
            else:
                raise UserError(f"{record.place}: {key} must hold spans or labels, found {shown(values)}")
