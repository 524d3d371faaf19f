import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from polyhead.documents import Span
from polyhead.kinds.schemes import (
    EntitySpan,
    Scheme,
    best_sequence,
    forbidden_transitions,
    runs,
    tag_names,
    tags_from_spans,
)

TYPES = ("PER", "LOC")


def is_valid(tags: list[str]) -> bool:
    """Strict IOB2, said in its own words: I-X stands only right after B-X or I-X."""
    return all(
        not tag.startswith("I-") or before in (f"B-{tag[2:]}", tag)
        for before, tag in zip(["O", *tags], tags, strict=False)
    )


def score_matrix(types: int) -> st.SearchStrategy[np.ndarray]:
    finite = st.floats(-8, 8, allow_nan=False, width=32)
    return st.integers(0, 4).flatmap(lambda words: arrays(np.float32, (words, 2 * types + 1), elements=finite))


@st.composite
def annotated(draw: st.DrawFn) -> tuple[list[Span], list[EntitySpan]]:
    """Words with any gaps, and entities that fit them."""
    words: list[Span] = []
    end = 0
    for _ in range(draw(st.integers(0, 8))):
        start = end + draw(st.integers(0, 2))
        end = start + draw(st.integers(1, 4))
        words.append((start, end))
    spans: list[EntitySpan] = []
    position = 0
    while position < len(words):
        length = draw(st.integers(0, 3))
        last = min(position + length, len(words)) - 1
        if length:
            spans.append(EntitySpan(words[position][0], words[last][1], draw(st.sampled_from(TYPES))))
        position += max(1, length)
    return words, spans


def spans_of(tags: list[str], words: list[Span], scheme: Scheme) -> list[EntitySpan]:
    return [EntitySpan(words[first][0], words[last][1], name) for first, last, name in runs(tags, scheme)]


def all_known(tags: list[str | None]) -> list[str]:
    known = [tag for tag in tags if tag is not None]
    assert len(known) == len(tags)
    return known


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 2).flatmap(score_matrix))
def test_best_sequence_is_the_best_of_all_valid_ones(scores: np.ndarray) -> None:
    tags = tag_names(TYPES[: scores.shape[1] // 2], "iob2")
    best = best_sequence(scores, forbidden_transitions(tags, "iob2"))
    assert best.shape == (len(scores),)
    assert is_valid([tags[index] for index in best])
    totals = [
        sum(float(scores[position, index]) for position, index in enumerate(choice))
        for choice in itertools.product(range(len(tags)), repeat=len(scores))
        if is_valid([tags[index] for index in choice])
    ]
    found = sum(float(scores[position, index]) for position, index in enumerate(best))
    assert found == pytest.approx(max(totals), abs=1e-5)


def test_a_mistaken_start_is_mended_where_it_costs_least() -> None:
    """O I-PER is impossible: here a B-PER before it is cheaper than an O after it, there it is not."""
    forbidden = forbidden_transitions(tag_names(("PER",), "iob2"), "iob2")
    assert best_sequence(np.array([[1.0, 0.9, 0.0], [0.0, 0.0, 2.0]]), forbidden).tolist() == [1, 2]
    assert best_sequence(np.array([[9.0, 0.9, 0.0], [1.9, 0.0, 2.0]]), forbidden).tolist() == [0, 0]


def test_a_type_cannot_continue_another() -> None:
    tags = tag_names(TYPES, "iob2")
    scores = np.full((2, len(tags)), -9.0)
    scores[0, tags.index("B-PER")] = 0
    scores[1, tags.index("I-LOC")] = 0
    scores[1, tags.index("I-PER")] = -1
    best = best_sequence(scores, forbidden_transitions(tags, "iob2"))
    assert [tags[index] for index in best] == ["B-PER", "I-PER"]


@settings(max_examples=100, deadline=None)
@given(score_matrix(2))
def test_in_the_io_scheme_everything_may_follow_everything(scores: np.ndarray) -> None:
    tags = ("O", "A", "B", "C", "D")
    forbidden = forbidden_transitions(tags, "io")
    assert not forbidden.any()
    assert best_sequence(scores, forbidden).tolist() == scores.argmax(axis=1).tolist()


def test_types_that_begin_alike_are_kept_apart() -> None:
    tags = tag_names(("LOC", "LOC-X"), "iob2")
    forbidden = forbidden_transitions(tags, "iob2")
    assert forbidden.shape == (6, 5)
    allowed = {
        (["start", *tags][row], tags[column])
        for row, column in zip(*np.nonzero(~np.roll(forbidden, 1, axis=0)), strict=True)
        if tags[column].startswith("I-")
    }
    assert allowed == {("B-LOC", "I-LOC"), ("I-LOC", "I-LOC"), ("B-LOC-X", "I-LOC-X"), ("I-LOC-X", "I-LOC-X")}


def test_names_of_tags() -> None:
    assert tag_names(TYPES, "iob2") == ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
    assert tag_names(TYPES, "io") == ("O", "PER", "LOC")


@settings(max_examples=150, deadline=None)
@given(annotated())
def test_spans_to_tags_and_back(case: tuple[list[Span], list[EntitySpan]]) -> None:
    words, spans = case
    tags = all_known(tags_from_spans(spans, words, "iob2"))
    assert is_valid(tags)
    assert spans_of(tags, words, "iob2") == spans


@settings(max_examples=150, deadline=None)
@given(annotated())
def test_io_merges_neighbours_of_one_type_and_nothing_else(case: tuple[list[Span], list[EntitySpan]]) -> None:
    words, spans = case
    merged: list[EntitySpan] = []
    for span in spans:
        before = merged[-1] if merged else None
        touches = before is not None and not any(before.end <= start and end <= span.start for start, end in words)
        if before is not None and touches and before.type == span.type:
            merged[-1] = EntitySpan(before.start, span.end, span.type)
        else:
            merged.append(span)
    tags = all_known(tags_from_spans(spans, words, "io"))
    assert spans_of(tags, words, "io") == merged


@pytest.mark.parametrize(
    ("span", "tags"),
    [
        ((0, 2), [None, "O", "O"]),
        ((1, 3), [None, "O", "O"]),
        ((0, 5), [None, None, "O"]),
        ((2, 9), [None, None, None]),
        ((0, 4), [None, "O", "O"]),
        ((3, 7), ["O", None, "O"]),
    ],
)
def test_words_that_a_span_cuts_into_have_no_tag(span: Span, tags: list[str | None]) -> None:
    words = [(0, 3), (4, 7), (8, 11)]
    assert tags_from_spans([EntitySpan(*span, "PER")], words, "iob2") == tags
    assert tags_from_spans([EntitySpan(*span, "PER")], words, "io") == tags


def test_a_misaligned_span_leaves_the_others_alone() -> None:
    words = [(0, 3), (4, 7), (8, 11)]
    spans = [EntitySpan(0, 2, "PER"), EntitySpan(4, 11, "LOC")]
    assert tags_from_spans(spans, words, "iob2") == [None, "B-LOC", "I-LOC"]


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ("O O", []),
        ("I-PER I-PER O", [(0, 1, "PER")]),
        ("B-PER B-PER", [(0, 0, "PER"), (1, 1, "PER")]),
        ("B-PER I-LOC I-LOC", [(0, 0, "PER"), (1, 2, "LOC")]),
        ("B-PER O I-PER", [(0, 0, "PER"), (2, 2, "PER")]),
        ("I-PER B-PER I-PER", [(0, 0, "PER"), (1, 2, "PER")]),
    ],
)
def test_runs_read_iob1_too(tags: str, found: list[tuple[int, int, str]]) -> None:
    assert runs(tags.split(), "iob2") == found


def test_runs_of_io() -> None:
    assert runs(["PER", "PER", "O", "PER", "LOC"], "io") == [(0, 1, "PER"), (3, 3, "PER"), (4, 4, "LOC")]
