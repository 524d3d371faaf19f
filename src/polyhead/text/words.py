"""Word splitters: what cuts raw text into the words that a tagging head labels.

A splitter is a pure function from a text to character spans. Its name stands in the head's config, so that training
and prediction use the same one. Spans never overlap, never hold white space, and come in order.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import regex

from polyhead.documents import Span

WordSplitter = Callable[[str], list[Span]]

# One alternative a line, the first that fits wins:
#   U.N., e.g., U.S.-led    a full stop belongs to an abbreviation of single letters
#   Tesla | 's              a clitic is a word of its own, as in the Penn Treebank
#   3.5, 1,000, 12:30       inner . , : between digits
#   AI-driven, O'Neill      hyphens and apostrophes join
#   anything else           a grapheme cluster each (a flag or a family of emoji is one word)
_WORDS = regex.compile(
    r"""
      (?:\p{L}\.){2,}(?:-[\w\p{M}]+)*
    | (?<=\w|\p{L}\.)['’](?:s|S|re|RE|ve|VE|ll|LL|d|D|m|M)(?!\w)
    | \d+(?:[.,:]\d+)+\w*
    | [\w\p{M}]+(?:[-‐'’&](?!(?<=['’])(?:s|S|re|RE|ve|VE|ll|LL|d|D|m|M)(?!\w))[\w\p{M}]+)*
    | (?P<rest>(?!\s)\X)
    """,
    regex.VERBOSE,
)

_SOLID = regex.compile(r"\S+")
_BOUNDARY = regex.compile(r"(?w)\b")
_CLUSTER = regex.compile(r"\X")


def split_words(text: str) -> list[Span]:
    """The default splitter: close to how English corpora such as CoNLL-2003 are cut, and sane on any script."""
    spans: list[Span] = []
    for match in _WORDS.finditer(text):
        if match["rest"] is None:
            spans.append(match.span())
        else:  # a few clusters hold a blank (an Arabic number sign and the space behind it)
            spans.extend(part.span() for part in _SOLID.finditer(text, *match.span()))
    return spans


def split_whitespace(text: str) -> list[Span]:
    """What stands between blanks: for text that is tokenized already."""
    return [match.span() for match in _SOLID.finditer(text)]


def split_unicode(text: str) -> list[Span]:
    """Unicode's default word boundaries (UAX #29): no language in particular."""
    edges = [match.start() for match in _BOUNDARY.finditer(text)]
    return [part.span() for start, end in pairwise(edges) for part in _SOLID.finditer(text, start, end)]


def split_characters(text: str) -> list[Span]:
    """A grapheme cluster each, but for blanks: for languages that are written without spaces."""
    return [part.span() for match in _CLUSTER.finditer(text) for part in _SOLID.finditer(text, *match.span())]


SPLITTERS: dict[str, WordSplitter] = {
    "words": split_words,
    "whitespace": split_whitespace,
    "unicode": split_unicode,
    "characters": split_characters,
}


def join_words(words: Sequence[str]) -> tuple[str, list[Span]]:
    """A list of words as one text, joined by single spaces, and each word's span in it."""
    spans: list[Span] = []
    start = 0
    for word in words:
        spans.append((start, start + len(word)))
        start += len(word) + 1
    return " ".join(words), spans
