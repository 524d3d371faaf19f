"""spaCy's simple training form as JSON: a list of ``[text, {"entities": [[start, end, label]], "cats": {…}}]``."""

from collections.abc import Iterable, Iterator
from typing import Literal

from polyhead.data.readers.base import Record
from polyhead.data.readers.json import JsonSource, parsed_list
from polyhead.errors import UserError, shown


class SpacySource(JsonSource):
    """Entities become the field ``spans``; the category of at least 0.5, the field ``label``."""

    format: Literal["spacy"] = "spacy"  # type: ignore[assignment]

    def records(self, lines: Iterable[str], name: str, *, first: int = 1) -> Iterator[Record]:
        """A record a pair.

        Raises:
            UserError: a row is no pair of a text and an object.
        """
        for number, row in enumerate(parsed_list(lines, name), start=1):
            place = f"{name}:row {number}"
            if not (isinstance(row, list) and len(row) == 2 and isinstance(row[0], str) and isinstance(row[1], dict)):
                raise UserError(f"{place}: must be [text, {{entities, cats}}], found {shown(row)}")
            text, given = row
            fields = {"text": text, "spans": given.get("entities")}
            cats = given.get("cats")
            if isinstance(cats, dict):
                chosen = [label for label, value in cats.items() if isinstance(value, int | float) and value >= 0.5]
                fields["label"] = chosen[0] if len(chosen) == 1 else chosen or None
            yield Record(fields, place)
