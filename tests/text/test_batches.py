import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from polyhead.documents import Document, IntArray, Span
from polyhead.text.batches import pad, token_budget_batches
from polyhead.text.encoding import Encoding, document

PAD = 99


def encoding(*ids: int, offsets: tuple[Span, ...] = (), prompt: int = 0) -> Encoding:
    return Encoding(ids=ids, offsets=offsets, prompt_tokens=prompt)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(0, 40), max_size=60), st.integers(1, 100), st.one_of(st.none(), st.integers(1, 8)))
def test_every_row_is_in_one_batch_and_the_budget_holds(
    lengths: list[int], max_tokens: int, max_rows: int | None
) -> None:
    batches = token_budget_batches(lengths, max_tokens=max_tokens, max_rows=max_rows)
    rows = [int(row) for batch in batches for row in batch]
    assert sorted(rows) == list(range(len(lengths)))
    assert [lengths[row] for row in rows] == sorted(lengths, reverse=True)
    for batch in batches:
        width = max(lengths[row] for row in batch)
        assert len(batch) == 1 or len(batch) * width <= max_tokens
        assert max_rows is None or len(batch) <= max_rows


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 40), max_size=60), st.integers(1, 100), st.one_of(st.none(), st.integers(1, 8)))
def test_a_batch_ends_where_it_is_full_or_where_that_saves_padding(
    lengths: list[int], max_tokens: int, max_rows: int | None
) -> None:
    batches = token_budget_batches(lengths, max_tokens=max_tokens, max_rows=max_rows)
    worth = max_tokens // 6
    for batch, after in itertools.pairwise(batches):
        width, rest = lengths[batch[0]], [lengths[row] for part in batches for row in part]
        room = min(max(1, max_tokens // width), max_rows or len(lengths))
        left = min(room, len(rest) - sum(map(len, batches[: _place(batches, batch)]))) - len(batch)
        assert len(batch) == room or (width - lengths[after[0]]) * left > worth
    for batch in batches:
        for position, row in enumerate(batch):
            assert (lengths[batch[0]] - lengths[row]) * (len(batch) - position) <= worth


def _place(batches: list[IntArray], batch: IntArray) -> int:
    return next(number for number, each in enumerate(batches) if each is batch)


def test_few_long_texts_and_many_short_ones_are_batches_of_their_own() -> None:
    batches = token_budget_batches([60, 2, 3, 2, 3, 2, 58], max_tokens=600)
    assert [batch.tolist() for batch in batches] == [[0, 6], [2, 4, 1, 3, 5]]


def test_where_padding_costs_little_what_fits_without_it_is_one_batch() -> None:
    lengths = [60, 2, 3, 2, 3, 2, 58]
    assert [each.tolist() for each in token_budget_batches(lengths, max_tokens=150, unpads=True)] == [
        [0, 6, 2, 4, 1, 3, 5]
    ]
    apart = token_budget_batches(lengths, max_tokens=150)
    assert len(apart) > 1
    for more in ({"max_rows": 6}, {"max_tokens": 129}):
        given = {"max_tokens": 150, **more}
        assert len(token_budget_batches(lengths, unpads=True, **given)) > 1
    one_long = [100, *[1] * 49]  # 149 tokens, 5,000 places
    assert len(token_budget_batches(one_long, max_tokens=150, unpads=True)) > 1
    assert token_budget_batches([], max_tokens=10, unpads=True) == []


def test_widths_are_multiples_within_the_limit() -> None:
    for longest, multiple, limit, width in ((3, 8, 16, 8), (8, 8, 16, 8), (9, 8, 12, 12), (9, 8, 0, 9), (0, 8, 16, 0)):
        padded = pad([encoding(*range(longest)), encoding(1)][: 1 + bool(longest)], pad_id=PAD, multiple=multiple,
                     limit=limit)  # fmt: skip
        assert padded.input_ids.shape[1] == width
        assert padded.attention_mask.sum(axis=1).tolist()[0] == longest


def test_rows_of_one_length_keep_their_order() -> None:
    batches = token_budget_batches([5, 7, 5, 7, 5], max_tokens=14)
    assert [batch.tolist() for batch in batches] == [[1, 3], [0, 2], [4]]


def test_a_text_over_the_budget_is_a_batch_of_its_own() -> None:
    assert [batch.tolist() for batch in token_budget_batches([3, 50, 3], max_tokens=10)] == [[1], [0, 2]]


def test_no_rows_no_batches() -> None:
    assert token_budget_batches([], max_tokens=10) == []


def test_padding_is_on_the_right_and_masked() -> None:
    padded = pad([encoding(1, 2, 3), encoding(4), encoding()], pad_id=PAD)
    assert padded.input_ids.tolist() == [[1, 2, 3], [4, PAD, PAD], [PAD, PAD, PAD]]
    assert padded.attention_mask.tolist() == [[1, 1, 1], [1, 0, 0], [0, 0, 0]]
    assert padded.pooling_mask.tolist() == padded.attention_mask.tolist()
    assert padded.input_ids.dtype == padded.attention_mask.dtype == np.int64
    assert padded.words == {}


def test_nothing_padded_is_an_empty_matrix() -> None:
    assert pad([], pad_id=PAD).input_ids.shape == (0, 0)


def test_the_prompt_is_pooled_unless_told_otherwise() -> None:
    encodings = [encoding(1, 2, 3, 4, prompt=2), encoding(1, 2, 3, prompt=2)]
    assert pad(encodings, pad_id=PAD).pooling_mask.tolist() == [[1, 1, 1, 1], [1, 1, 1, 0]]
    without = pad(encodings, pad_id=PAD, pool_prompt=False)
    assert without.pooling_mask.tolist() == [[0, 0, 1, 1], [0, 0, 1, 0]]
    assert without.attention_mask.tolist() == [[1, 1, 1, 1], [1, 1, 1, 0]]


def test_words_are_padded_beside_their_tokens() -> None:
    encodings = [
        encoding(1, 5, 6, 2, offsets=((0, 0), (0, 3), (4, 7), (0, 0))),
        encoding(1, 7, offsets=((0, 0), (0, 2))),
    ]
    documents: list[Document] = [
        document(text, each, splitters=["words"]) for text, each in zip(["Ada ran", "ok"], encodings, strict=True)
    ]
    words = pad(encodings, documents, pad_id=PAD).words["words"]
    assert words.index.tolist() == [[-1, 0, 1, -1], [-1, 0, -1, -1]]
    first, second = documents[0].words["words"].shapes.tolist()
    assert words.shapes.tolist() == [[0, first, second, 0], [0, documents[1].words["words"].shapes[0], 0, 0]]
