import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polyhead.text.shapes import SHAPES, word_shape, word_shapes
from polyhead.text.words import split_words


def shapes_of(text: str) -> list[str]:
    return [SHAPES[index] for index in word_shapes(text, split_words(text))]


@pytest.mark.parametrize(
    ("word", "shape"),
    [
        ("river", "lower"),
        ("River", "title"),
        ("A", "title"),
        ("O'neill", "title"),
        ("O'Neill", "mixed"),
        ("iPod", "mixed"),
        ("NATO", "upper"),
        ("U.N.", "upper"),
        ("ÉCOLE", "upper"),
        ("école", "lower"),
        ("Straße", "title"),
        ("12:30", "digit"),
        ("3rd", "lower"),
        ("B2B", "upper"),
        ("!", "other"),
        ("\u200b", "other"),
        ("", "other"),
    ],
)
def test_shape_of_a_word_in_a_common_sentence(word: str, shape: str) -> None:
    assert SHAPES[word_shape(word, False)] == shape


def test_words_of_a_sentence_in_capitals_have_a_shape_of_their_own() -> None:
    assert shapes_of("PORT CLOSED, 12 SHIPS WAIT!") == [
        "capitals",
        "capitals",
        "other",
        "digit",
        "capitals",
        "capitals",
        "other",
    ]


def test_one_lower_case_letter_makes_it_a_common_sentence() -> None:
    assert shapes_of("PORT CLOSED by ICE") == ["upper", "upper", "lower", "upper"]


def test_a_single_word_is_no_sentence_in_capitals() -> None:
    assert shapes_of("NATO") == ["upper"]


def test_the_first_shape_is_kept_for_tokens_of_no_word() -> None:
    assert SHAPES[0] == "none"


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=30))
def test_every_word_has_a_shape_that_is_not_none(text: str) -> None:
    words = split_words(text)
    shapes = word_shapes(text, words)
    assert len(shapes) == len(words)
    assert all(0 < shape < len(SHAPES) for shape in shapes)
