from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from polyhead.documents import Span, Words
from polyhead.text.encoding import Encoding, document, word_index
from polyhead.text.shapes import SHAPES
from polyhead.text.words import join_words, split_words

SPECIAL = (0, 0)


def encoding(*offsets: Span, truncated: bool = False) -> Encoding:
    return Encoding(ids=range(len(offsets)), offsets=offsets, truncated=truncated)


@dataclass(frozen=True)
class Pieces:
    """Words cut into tokens, and what the cut says: the word of each token."""

    words: list[Span]
    encoding: Encoding
    index: list[int]


@st.composite
def pieces(draw: st.DrawFn) -> Pieces:
    """Words in order, each cut into any number of tokens (none at all, too), between special tokens, cut short."""
    words: list[Span] = []
    offsets: list[Span] = [SPECIAL]
    index = [-1]
    position = 0
    for number in range(draw(st.integers(0, 5))):
        start = position + draw(st.integers(0, 2))
        length = draw(st.integers(1, 5))
        position = start + length
        words.append((start, position))
        if draw(st.integers(0, 4)) == 0:
            continue
        cuts = sorted(draw(st.sets(st.integers(1, length - 1)))) if length > 1 else []
        bounds = [0, *cuts, length]
        for left, right in pairwise(bounds):
            offsets.append((start + left, start + right))
            index.append(number)
    kept = draw(st.integers(1, len(offsets)))
    offsets, index = [*offsets[:kept], SPECIAL], [*index[:kept], -1]
    return Pieces(words, encoding(*offsets), index)


@settings(max_examples=150, deadline=None)
@given(pieces())
def test_each_token_finds_its_word(cut: Pieces) -> None:
    assert word_index(cut.encoding, cut.words).tolist() == cut.index


@settings(max_examples=150, deadline=None)
@given(pieces())
def test_first_and_pieces_say_the_same_as_the_index(cut: Pieces) -> None:
    words = Words(cut.words, word_index(cut.encoding, cut.words), np.ones(len(cut.words), dtype=np.int64))
    numbers = range(len(cut.words))
    assert words.first.tolist() == [cut.index.index(word) if word in cut.index else -1 for word in numbers]
    assert words.pieces.tolist() == [cut.index.count(word) for word in numbers]
    assert words.token_shapes.tolist() == [0 if word < 0 else 1 for word in cut.index]


def test_a_token_that_begins_with_a_blank_belongs_to_the_word_after_it() -> None:
    assert word_index(encoding((0, 3), (3, 7)), [(0, 3), (4, 7)]).tolist() == [0, 1]


def test_a_token_over_two_words_belongs_to_the_first() -> None:
    words = [(0, 2), (2, 4), (4, 6)]
    assert word_index(encoding((0, 4), (4, 6)), words).tolist() == [0, 2]


def test_a_token_between_words_belongs_to_none() -> None:
    assert word_index(encoding(SPECIAL, (0, 2), (2, 3), (3, 5), SPECIAL), [(0, 2), (3, 5)]).tolist() == [
        -1,
        0,
        -1,
        1,
        -1,
    ]


def test_without_words_or_without_tokens_there_is_nothing_to_find() -> None:
    assert word_index(encoding(SPECIAL, (0, 2)), []).tolist() == [-1, -1]
    assert word_index(encoding(), [(0, 2)]).tolist() == []


def test_token_shapes_are_those_of_the_words() -> None:
    text = "Ada read 42"
    cut = document(text, encoding(SPECIAL, (0, 1), (1, 3), (4, 8), (9, 11), SPECIAL), splitters=["words"])
    names = [SHAPES[shape] for shape in cut.words["words"].token_shapes]
    assert names == ["none", "title", "title", "lower", "digit", "none"]


def test_token_shapes_without_words() -> None:
    cut = document(" ", encoding(SPECIAL, SPECIAL), splitters=["words"])
    assert cut.words["words"].token_shapes.tolist() == [0, 0]
    assert cut.words["words"].first.shape == cut.words["words"].pieces.shape == (0,)


def test_a_document_is_cut_by_its_splitters() -> None:
    text = "Ada's cat"
    cut = document(text, encoding(SPECIAL, (0, 3), (3, 5), (6, 9), truncated=True), splitters=["words"])
    assert list(cut.words["words"].spans) == split_words(text) == [(0, 3), (3, 5), (6, 9)]
    assert cut.words["words"].index.tolist() == [-1, 0, 1, 2]
    assert (cut.text, cut.tokens, cut.truncated) == (text, 4, True)


def test_given_words_are_taken_as_they_are() -> None:
    text, spans = join_words(["Ada's", "cat"])
    cut = document(text, encoding(SPECIAL, (0, 3), (3, 5), (6, 9)), splitters=["words"], words=spans)
    assert list(cut.words["words"].spans) == [(0, 5), (6, 9)]
    assert cut.words["words"].index.tolist() == [-1, 0, 0, 1]


def test_no_splitter_no_words() -> None:
    assert document("Ada", encoding((0, 3))).words == {}


def test_words_cut_off_by_the_length_limit_have_no_token() -> None:
    words = document("Ada met Bo", encoding(SPECIAL, (0, 3), SPECIAL), splitters=["words"]).words["words"]
    assert words.first.tolist() == [1, -1, -1]
    assert words.pieces.tolist() == [1, 0, 0]
