"""One tokenized text, and the step from tokens to words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from polyhead.documents import Document, IntArray, Span, Words
from polyhead.text.shapes import word_shapes
from polyhead.text.words import SPLITTERS


@dataclass(frozen=True, slots=True)
class Encoding:
    """A text as token ids.

    ``offsets`` are characters of the text, without its prompt; (0, 0) for special tokens and the prompt's.
    ``prompt_tokens`` counts leading tokens that stand for the prompt; ``truncated`` says that the text was longer.
    """

    ids: Sequence[int]
    offsets: Sequence[Span] = ()
    prompt_tokens: int = 0
    truncated: bool = False

    def __len__(self) -> int:
        return len(self.ids)


def word_index(encoding: Encoding, words: Sequence[Span]) -> IntArray:
    """Which word each token belongs to, −1 for none. *Shape:* (tokens,).

    A token belongs to the first word that it overlaps; tokens that overlap none (special ones, blanks) to none.
    """
    index = np.full(len(encoding), -1, dtype=np.int64)
    if not words or not len(encoding):
        return index
    starts, ends = np.asarray(words, dtype=np.int64).T
    tokens = np.asarray(encoding.offsets, dtype=np.int64)
    candidate = np.searchsorted(ends, tokens[:, 0], side="right")
    inside = np.minimum(candidate, len(words) - 1)
    overlaps = (candidate < len(words)) & (starts[inside] < tokens[:, 1]) & (tokens[:, 1] > tokens[:, 0])
    return np.where(overlaps, inside, index)


def document(
    text: str, encoding: Encoding, *, splitters: Iterable[str] = (), words: Sequence[Span] | None = None
) -> Document:
    """The text with its words: the given ones under every splitter's name, else as each splitter cuts it."""
    cut: dict[str, Words] = {}
    for name in splitters:
        spans = SPLITTERS[name](text) if words is None else words
        shapes = np.asarray(word_shapes(text, spans), dtype=np.int64)
        cut[name] = Words(spans, word_index(encoding, spans), shapes)
    return Document(text, cut, tokens=len(encoding), truncated=encoding.truncated)
