"""A text on its way through the model, as plain values: its words, and which token stands for which word."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Span = tuple[int, int]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Words:
    """The words of a text as one splitter cuts it, or as they were given.

    ``spans`` are characters of the text, in order; ``index`` (tokens,) says which word each token belongs to, −1 for
    none; ``shapes`` (words,) are indices into ``polyhead.text.shapes.SHAPES``.
    """

    spans: Sequence[Span]
    index: IntArray
    shapes: IntArray

    @cached_property
    def first(self) -> IntArray:
        """The position of each word's first token, −1 for a word without one. *Shape:* (words,)."""
        first = np.full(len(self.spans), -1, dtype=np.int64)
        found, position = np.unique(self.index, return_index=True)
        real = found >= 0
        first[found[real]] = position[real]
        return first

    @cached_property
    def read(self) -> int:
        """How many words come up to and including the last one with a token."""
        return int(self.index.max(initial=-1)) + 1

    @cached_property
    def pieces(self) -> IntArray:
        """How many tokens each word has. *Shape:* (words,)."""
        return np.bincount(self.index[self.index >= 0], minlength=len(self.spans)).astype(np.int64)

    @cached_property
    def token_shapes(self) -> IntArray:
        """The shape of the word that each token belongs to, 0 for none. *Shape:* (tokens,)."""
        if not len(self.spans):
            return np.zeros_like(self.index)
        return np.where(self.index >= 0, self.shapes[np.maximum(self.index, 0)], 0)


@dataclass(frozen=True)
class Document:
    """A text, and its words under the name of each splitter that was asked for.

    ``truncated`` says that the text was longer than the limit: its ``tokens`` are those that are read.
    ``others_truncated`` counts the other texts of its row that were, ``others_tokens`` what was read of them.
    """

    text: str
    words: Mapping[str, Words]
    tokens: int
    truncated: bool = False
    others_truncated: int = 0
    others_tokens: int = 0

    @property
    def read_tokens(self) -> int:
        """Tokens of all the row's texts that were read."""
        return self.tokens + self.others_tokens

    @property
    def cut_texts(self) -> int:
        """How many of the row's texts were longer than the limit."""
        return self.truncated + self.others_truncated

    @property
    def cut_words(self) -> int:
        """How many words are beyond the length limit, as the splitter that cuts most words has it."""
        if not self.truncated:
            return 0
        return max((len(words.spans) - words.read for words in self.words.values()), default=0)
