"""Answers over all of a word's pieces: transformers' own aggregation is the reference."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import TokenClassificationPipeline
from transformers.pipelines.token_classification import AggregationStrategy

from polyhead.documents import Document, Words
from polyhead.kinds import TaggingTask
from polyhead.kinds.base import FloatArray, softmax
from polyhead.serving.scores import over_pieces

TASK = TaggingTask(labels=("A", "B"), scheme="io")


def document(pieces: list[int]) -> Document:
    """A text of words with so many pieces each, between two tokens of no word."""
    index = np.concatenate([[-1], np.repeat(np.arange(len(pieces)), pieces), [-1]]).astype(np.int64)
    spans = [(2 * number, 2 * number + 1) for number in range(len(pieces))]
    words = Words(spans, index, np.zeros(len(pieces), dtype=np.int64))
    return Document("a " * len(pieces), {TASK.words: words}, tokens=len(index))


def theirs(rows: FloatArray, strategy: str) -> tuple[str, float]:
    """What transformers' pipeline says of a word with these probabilities. *Shape:* (pieces, tags)."""
    pipeline: Any = SimpleNamespace(
        tokenizer=SimpleNamespace(convert_tokens_to_string=" ".join),
        model=SimpleNamespace(config=SimpleNamespace(id2label=dict(enumerate(TASK.outputs)))),
    )
    pieces = [{"word": "a", "scores": row, "start": 0, "end": 1} for row in rows]
    found = TokenClassificationPipeline.aggregate_word(pipeline, pieces, AggregationStrategy(strategy))
    return found["entity"], float(found["score"])


@pytest.mark.parametrize("strategy", ["first", "average", "max"])
@given(
    pieces=st.lists(st.integers(0, 4), max_size=5), seed=st.integers(0, 2**31), temperature=st.sampled_from([1.0, 2.5])
)
@settings(deadline=None, max_examples=60)
def test_words_are_answered_as_by_transformers(strategy: str, pieces: list[int], seed: int, temperature: float) -> None:
    task, own = TASK.model_copy(update={"temperature": temperature}), document(pieces)
    logits = np.random.default_rng(seed).normal(size=(own.tokens, len(task.outputs))).astype(np.float32)
    before = logits.copy()
    answer = task.decode(over_pieces(task, logits, own, strategy), own)
    assert np.array_equal(logits, before)
    index = own.words[task.words].index
    assert len(answer.words) == len(pieces)
    for number, count in enumerate(pieces):
        if count:
            tag, score = theirs(softmax(logits[index == number] / temperature), strategy)
            assert answer.words[number].tag == tag
            assert answer.words[number].score == pytest.approx(score, abs=1e-5)
