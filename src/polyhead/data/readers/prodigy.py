"""Prodigy's exports: JSONL with spans, a label, or the options that were accepted."""

from collections.abc import Iterable, Iterator
from typing import Literal

from polyhead.data.readers.base import Record
from polyhead.data.readers.jsonl import JsonlSource


class ProdigySource(JsonlSource):
    """Spans are in the field ``spans``, a class in ``label``; rows that were rejected or ignored are left out."""

    format: Literal["prodigy"] = "prodigy"  # type: ignore[assignment]

    def records(self, lines: Iterable[str], name: str, *, first: int = 1) -> Iterator[Record]:
        """A record a line."""
        for record in super().records(lines, name, first=first):
            answer = record.fields.get("answer", "accept")
            left_out = "" if answer == "accept" else f"whose answer is {answer}"
            fields = dict(record.fields)
            accepted = fields.get("accept")
            if isinstance(accepted, list):
                fields["label"] = accepted[0] if len(accepted) == 1 else accepted or None
            yield Record(fields, record.place, left_out=left_out)
