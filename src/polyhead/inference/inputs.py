"""What users give, as examples without labels: texts, lists of words that are taken as they are, and pairs of texts."""

from collections.abc import Mapping, Sequence
from typing import Any

from polyhead.data.example import Example
from polyhead.errors import UserError, shown
from polyhead.text.words import join_words

Text = str | Sequence[str] | Mapping[str, str]
"""A text, a list of words, or ``{"text": …, "text_pair": …}``."""

_PAIR = {"text", "text_pair"}


def only_texts(inputs: str | Sequence[str]) -> list[str]:
    """A list of strings, where nothing else will do.

    Raises:
        UserError: something else is among them.
    """
    texts = [inputs] if isinstance(inputs, str) else list(inputs)
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise UserError(f"inputs[{index}]: must be a text, found {shown(text)}")
    return texts


def as_examples(inputs: Text | Sequence[Text]) -> list[Example]:
    """Each input as an example.

    Raises:
        UserError: something else is among them.
    """
    listed: Sequence[Any] = [inputs] if isinstance(inputs, str | Mapping) else inputs
    return [_example(each, index) for index, each in enumerate(listed)]


def _example(value: Any, index: int) -> Example:
    if isinstance(value, str):
        return Example(value)
    if isinstance(value, Mapping):
        if set(value) != _PAIR or not all(isinstance(each, str) for each in value.values()):
            raise UserError(f"inputs[{index}]: a pair has two texts, text and text_pair; found {shown(dict(value))}")
        return Example(value["text"], others=(value["text_pair"],))
    if isinstance(value, Sequence) and all(isinstance(word, str) for word in value):
        text, spans = join_words(value)
        return Example(text, words=spans)
    raise UserError(f"inputs[{index}]: must be a text, a list of words, or a pair of texts; found {shown(value)}")
