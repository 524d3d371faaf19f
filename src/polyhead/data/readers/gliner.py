"""GLiNER's JSON: words, and spans by the *inclusive* numbers of their first and last word."""

from collections.abc import Iterable, Iterator
from typing import Literal

from polyhead.data.readers.base import Record
from polyhead.data.readers.json import JsonSource, parsed_list
from polyhead.errors import UserError, shown
from polyhead.text.words import join_words


class GlinerSource(JsonSource):
    """``tokenized_text`` becomes the words, ``ner`` the field ``spans``, by characters of the joined words."""

    format: Literal["gliner"] = "gliner"  # type: ignore[assignment]

    def records(self, lines: Iterable[str], name: str, *, first: int = 1) -> Iterator[Record]:
        """A record an object.

        Raises:
            UserError: a row has no such words, or a span is beyond them.
        """
        for number, row in enumerate(parsed_list(lines, name), start=1):
            place = f"{name}:row {number}"
            words = row.get("tokenized_text") if isinstance(row, dict) else None
            if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
                raise UserError(f"{place}: tokenized_text must be a list of words, found {shown(words)}")
            _, offsets = join_words(words)
            spans = []
            given = row.get("ner") or []
            if not isinstance(given, list):
                raise UserError(f"{place}: ner must be a list of spans, found {shown(given)}")
            for span in given:
                if not (isinstance(span, list) and len(span) == 3 and all(isinstance(each, int) for each in span[:2])):
                    raise UserError(f"{place}: a span must be [first word, last word, type], found {shown(span)}")
                begin, last, label = span
                if not 0 <= begin <= last < len(words):
                    raise UserError(f"{place}: the span {shown(span)} is beyond the {len(words)} words")
                spans.append({"start": offsets[begin][0], "end": offsets[last][1], "type": label})
            others = {key: value for key, value in row.items() if key != "ner"}  # whose numbers are words
            yield Record({**others, "spans": spans}, place, words)
