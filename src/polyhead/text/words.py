"""Word splitters: what cuts raw text into the words that a tagging head labels.

A splitter is a pure function from a text to character spans. Its name stands in the head's config, so that training
and prediction use the same one. Spans never overlap, never hold white space, and come in order.
"""

from collections.abc import Callable, Sequence

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


def split_words(text: str) -> list[Span]:
    """The default splitter: close to how English corpora such as CoNLL-2003 are cut, and sane on any script."""
    spans: list[Span] = []
    for match in _WORDS.finditer(text):
        if match["rest"] is None:
            spans.append(match.span())
        else:  # a few clusters hold a blank (an Arabic number sign and the space behind it)
            spans.extend(part.span() for part in _SOLID.finditer(text, *match.span()))
    return spans


SPLITTERS: dict[str, WordSplitter] = {"words": split_words}


def join_words(words: Sequence[str]) -> tuple[str, list[Span]]:
    """A list of words as one text, joined by single spaces, and each word's span in it."""
    spans: list[Span] = []
    start = 0
    for word in words:
        spans.append((start, start + len(word)))
        start += len(word) + 1
    return " ".join(words), spans
