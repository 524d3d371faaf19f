"""Examples as the one JSONL form that every reader's rows can be written in, and that ``jsonl`` reads back."""

from typing import Any

from polyhead.data.example import Example

WORDS = "words"


def as_row(example: Example) -> dict[str, Any]:
    """A row: ``text`` (or ``words``, where the file gave words), and each task's label under the task's name.

    Entities are ``{"start", "end", "type"}`` in characters of the text; of words, of the words joined by single spaces.
    """
    head: dict[str, Any] = {"text": example.text}
    if example.words is not None:
        head = {WORDS: [example.text[start:end] for start, end in example.words]}
    return {**head, **{name: _plain(gold) for name, gold in example.labels.items()}}


def _plain(gold: Any) -> Any:
    if isinstance(gold, str):
        return gold
    return [{"start": span.start, "end": span.end, "type": span.type} for span in gold]
