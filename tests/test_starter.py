"""The starter data: right offsets, no duplicates, no leaks between splits, balanced, and none of the six sentences."""

import json
import re
from collections import Counter
from itertools import combinations, pairwise
from typing import Any

import pytest

from polyhead.cli.quickstart import SENTENCES
from polyhead.kinds.schemes import EntitySpan, tags_from_spans
from polyhead.starter import FOLDER
from polyhead.text.words import split_words

SPLITS = ("train", "validation", "test")
ROWS: dict[str, list[dict[str, Any]]] = {
    split: [json.loads(line) for line in (FOLDER / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()]
    for split in SPLITS
}
ALL = [row for rows in ROWS.values() for row in rows]


def shingles(text: str) -> frozenset[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return frozenset(zip(words, words[1:], words[2:], strict=False))


def test_size_and_shares() -> None:
    assert len(ALL) >= 600
    for split, share in zip(SPLITS, (0.7, 0.15, 0.15), strict=True):
        assert len(ROWS[split]) / len(ALL) == pytest.approx(share, abs=0.02)


def test_balance() -> None:
    for key in ("topic", "sentiment"):
        counts = Counter(row[key] for row in ALL)
        assert len(counts) == {"topic": 4, "sentiment": 3}[key]
        assert max(counts.values()) <= 1.1 * min(counts.values())
    types = Counter(entity["type"] for row in ALL for entity in row["entities"])
    assert set(types) == {"PERSON", "LOC", "ORG", "DATE"}
    assert min(types.values()) >= 200


@pytest.mark.parametrize("split", SPLITS)
def test_offsets(split: str) -> None:
    for row in ROWS[split]:
        spans = [EntitySpan(each["start"], each["end"], each["type"]) for each in row["entities"]]
        for span, entity in zip(spans, row["entities"], strict=True):
            assert row["text"][span.start : span.end] == entity["text"], row
            assert entity["text"] == entity["text"].strip(), row
        assert all(left.end <= right.start for left, right in pairwise(spans)), row
        assert None not in tags_from_spans(spans, split_words(row["text"]), "iob2"), row


def test_no_duplicates_no_leaks_and_no_template() -> None:
    texts = [row["text"] for row in ALL] + list(SENTENCES)
    assert len({text.lower() for text in texts}) == len(texts)
    cut = [shingles(text) for text in texts]
    for (one, left), (two, right) in combinations(zip(texts, cut, strict=True), 2):
        assert len(left & right) <= 0.15 * max(1, len(left | right)), (one, two)


def test_sentences_begin_in_many_ways() -> None:
    openings = Counter(" ".join(row["text"].lower().split()[:2]) for row in ALL)
    assert max(openings.values()) <= 8
    assert len(openings) > 0.8 * len(ALL)
