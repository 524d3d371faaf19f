"""What users give, as texts: strings, or lists of words that are taken as they are."""

from collections.abc import Sequence

from polyhead.documents import Span
from polyhead.errors import UserError, shown
from polyhead.text.words import join_words

Text = str | Sequence[str]
"""A text, or a list of words that is taken as it is."""


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


def texts_and_words(inputs: Sequence[Text]) -> tuple[list[str], list[Sequence[Span] | None]]:
    """Texts, and the spans of the words of those inputs that are word lists, ``None`` for the others.

    Raises:
        UserError: something else is among them.
    """
    texts: list[str] = []
    words: list[Sequence[Span] | None] = []
    for index, each in enumerate(inputs):
        if isinstance(each, str):
            texts.append(each)
            words.append(None)
        elif isinstance(each, Sequence) and all(isinstance(word, str) for word in each):
            text, spans = join_words(each)
            texts.append(text)
            words.append(spans)
        else:
            raise UserError(f"inputs[{index}]: must be a text or a list of words, found {shown(each)}")
    return texts, words
