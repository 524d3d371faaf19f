import re
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from polyhead.text.words import SPLITTERS, join_words, split_words

WHITE_SPACE = re.compile("[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")
"""The characters with Unicode's property White_Space."""

FAMILY = "👨\u200d👩\u200d👧\u200d👦"
TRICKY = "aZé5.,:'’-‐& \n\t\xa0\u3000\u0301\u200b\u200d\u2028\0\x1c\ufe0f\u20e3京한ไ👍🏽🇩🇪\u0600"
texts = st.text(alphabet=st.one_of(st.sampled_from(TRICKY), st.characters(codec="utf-8")), max_size=40)


def words_of(text: str) -> list[str]:
    return [text[start:end] for start, end in split_words(text)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The U.N. met, e.g. on A. Poe.", ["The", "U.N.", "met", ",", "e.g.", "on", "A", ".", "Poe", "."]),
        ("Tesla's AI-driven cars", ["Tesla", "'s", "AI-driven", "cars"]),
        ("Mara’s we'll You'RE", ["Mara", "’s", "we", "'ll", "You", "'RE"]),
        ("I'M it'd they've", ["I", "'M", "it", "'d", "they", "'ve"]),
        ("at 3.5% or 1,000.50 by 12:30.", ["at", "3.5", "%", "or", "1,000.50", "by", "12:30", "."]),
        ("1990s 3.5kg $20", ["1990s", "3.5kg", "$", "20"]),
        ("O'Neill and D’Arcy-Smith's", ["O'Neill", "and", "D’Arcy-Smith", "'s"]),
        ("R&D at AT&T", ["R&D", "at", "AT&T"]),
        ("dogs' -x- so--so", ["dogs", "'", "-", "x", "-", "so", "-", "-", "so"]),
        ("it's, 'quoted'", ["it", "'s", ",", "'", "quoted", "'"]),
        ("ab_cd (ef)", ["ab_cd", "(", "ef", ")"]),
        (f"{FAMILY}!🇩🇪🇫🇷👍🏽", [FAMILY, "!", "🇩🇪", "🇫🇷", "👍🏽"]),
        ("1\ufe0f\u20e3 go", ["1\ufe0f\u20e3", "go"]),
        ("cafe\u0301 \u0301x", ["cafe\u0301", "\u0301x"]),
        ("北京很大。テスト、한국어", ["北京很大", "。", "テスト", "、", "한국어"]),
        ("हिन्दी สวัสดี", ["हिन्दी", "สวัสดี"]),
        ("a\u200bb \u200b", ["a", "\u200b", "b", "\u200b"]),
        ("a\0b", ["a", "\0", "b"]),
        ("one\r\ntwo\xa0three\u3000four\u2028five", ["one", "two", "three", "four", "five"]),
        ("", []),
        (" \t\n", []),
    ],
)
def test_examples(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_a_clitic_after_an_abbreviation_is_a_word_of_its_own() -> None:
    assert words_of("the U.N.'s envoy") == ["the", "U.N.", "'s", "envoy"]


def test_no_grapheme_swallows_white_space() -> None:
    """U+0600 joins what follows it into one grapheme cluster, a space too."""
    assert words_of("\u0600 x") == ["\u0600", "x"]


@settings(max_examples=300, deadline=None)
@given(texts, st.sampled_from(sorted(SPLITTERS)))
@example("\u0600 x", "words")
@example("\u0301 \u0301", "unicode")
@example("\u0600 x", "characters")
@example("\ud800", "words")
def test_words_are_in_order_and_cover_all_but_white_space(text: str, splitter: str) -> None:
    spans = SPLITTERS[splitter](text)
    end = 0
    for span in spans:
        assert end <= span[0] < span[1]
        assert WHITE_SPACE.sub("", text[end : span[0]]) == "", "a character between two words is in none"
        assert not WHITE_SPACE.search(text[slice(*span)])
        end = span[1]
    assert WHITE_SPACE.sub("", text[end:]) == ""


@settings(max_examples=100, deadline=None)
@given(texts, st.sampled_from([" ", "\n", "  \t", "\u3000"]))
def test_white_space_around_a_text_only_moves_its_words(text: str, blank: str) -> None:
    shift = len(blank)
    moved = [(start + shift, end + shift) for start, end in split_words(text)]
    assert split_words(blank + text) == moved


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=8), max_size=8))
def test_joined_words_are_found_at_their_spans(words: list[str]) -> None:
    text, spans = join_words(words)
    assert text == " ".join(words)
    assert [text[start:end] for start, end in spans] == words
    assert all(after[0] == before[1] + 1 for before, after in pairwise(spans))


def test_the_default_splitter_is_known_by_its_name() -> None:
    assert SPLITTERS["words"] is split_words


@pytest.mark.parametrize(
    ("splitter", "words"),
    [
        ("whitespace", "The|quick|(“brown”)|fox|can’t|jump|32.3|feet,|right?|東京"),
        # the example of Unicode's annex 29, section 4.1, and two ideographs
        ("unicode", "The|quick|(|“|brown|”|)|fox|can’t|jump|32.3|feet|,|right|?|東|京"),
        ("characters", "|".join("Thequick(“brown”)foxcan’tjump32.3feet,right?東京")),
    ],
)
def test_other_splitters(splitter: str, words: str) -> None:
    text = "The quick (“brown”) fox can’t jump 32.3 feet, right? 東京"
    assert "|".join(text[start:end] for start, end in SPLITTERS[splitter](text)) == words


def test_characters_are_what_people_see_as_such() -> None:
    text = "e\u0301 👩\u200d👩\u200d👧\u3000x"
    assert [text[start:end] for start, end in SPLITTERS["characters"](text)] == ["e\u0301", "👩\u200d👩\u200d👧", "x"]
