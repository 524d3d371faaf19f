"""Word shapes: what the letters of a word look like, for heads on backbones whose tokenizer lower-cases."""

from collections.abc import Sequence
from functools import lru_cache

from polyhead.documents import Span

SHAPES = ("none", "lower", "title", "upper", "mixed", "digit", "other", "capitals")
"""Index 0 is for tokens of no word; ``capitals`` is an upper-case word in a sentence without lower-case letters."""

_ID = {name: index for index, name in enumerate(SHAPES)}


@lru_cache(maxsize=65_536)  # most words of a text were seen before
def word_shape(word: str, in_capitals: bool) -> int:
    """The index into ``SHAPES`` of one word; ``in_capitals`` says that its whole sentence is upper case."""
    letters = [character for character in word if character.isalpha()]
    if not letters:
        return _ID["digit"] if any(character.isdigit() for character in word) else _ID["other"]
    upper = [character.isupper() for character in letters]
    if not any(upper):
        return _ID["lower"]
    if in_capitals:
        return _ID["capitals"]
    if upper[0] and not any(upper[1:]):
        return _ID["title"]
    return _ID["upper"] if all(upper) else _ID["mixed"]


def word_shapes(text: str, words: Sequence[Span]) -> list[int]:
    """The shape of each word of ``text``."""
    in_capitals = text.isupper() and len(words) > 1
    return [word_shape(text[start:end], in_capitals) for start, end in words]
