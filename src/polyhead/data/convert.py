"""Examples as the one JSONL form that every reader's rows can be written in, and that ``jsonl`` reads back."""

from typing import Any

from polyhead.data.example import Example

WORDS = "words"


def as_row(example: Example) -> dict[str, Any]:
    """A row: ``text`` (or ``words``, where the file gave words), and each task's label under the task's name.

    ``text_pair`` is the second text, or a list where there are more. Several labels are a list of names, numbers are
    numbers. Entities are ``{"start", "end", "type"}`` in characters of the text; of words, of the words joined by
    single spaces.
    """
    words = example.word_texts
    head: dict[str, Any] = {"text": example.text} if words is None else {WORDS: words}
    if example.others:
        head["text_pair"] = example.others[0] if len(example.others) == 1 else list(example.others)
    return {**head, **{name: _plain(gold) for name, gold in example.labels.items()}}


def _plain(gold: Any) -> Any:
    if isinstance(gold, str | float):
        return gold
    return [
        each if isinstance(each, str) else {"start": each.start, "end": each.end, "type": each.type} for each in gold
    ]
