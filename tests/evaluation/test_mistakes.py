"""Errors by kind, the rows that hold them, and intervals by the bootstrap."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyhead.data.example import Example
from polyhead.documents import Document
from polyhead.evaluation.bootstrap import intervals
from polyhead.evaluation.mistakes import ERROR_KINDS, by_confidence, mistake, span_errors
from polyhead.evaluation.tallies import tally_of
from polyhead.kinds import ClassificationTask, EntitySpan, TaggingTask
from polyhead.predictions import Classification, Entity, LabelScore, Tagging, WordTag

TOPIC = ClassificationTask(labels=("a", "b"))
NO_LOGITS = np.zeros(0, dtype=np.float32)
NOTHING = Document("", {}, tokens=0)


def spans(*given: tuple[int, int, str]) -> list[EntitySpan]:
    return [EntitySpan(*each) for each in given]


@pytest.mark.parametrize(
    ("gold", "predicted", "kinds"),
    [
        ([(0, 4, "PER")], [(0, 4, "PER")], []),
        ([(0, 4, "PER")], [(0, 4, "LOC")], ["type"]),
        ([(0, 4, "PER")], [(0, 9, "PER")], ["boundary"]),
        ([(0, 4, "PER")], [(2, 9, "LOC")], ["type"]),
        ([(0, 4, "PER")], [], ["missed"]),
        ([], [(0, 4, "PER")], ["invented"]),
        ([(0, 4, "PER")], [(4, 9, "PER")], ["missed", "invented"]),
        ([(0, 4, "PER"), (5, 9, "PER")], [(0, 9, "PER")], ["boundary", "missed"]),
        ([(0, 9, "PER")], [(0, 4, "PER"), (5, 9, "LOC")], ["boundary", "invented"]),
        ([(0, 9, "PER")], [(0, 4, "LOC"), (5, 9, "PER")], ["boundary", "invented"]),
        ([(0, 4, "PER"), (5, 9, "LOC")], [(0, 4, "LOC"), (5, 9, "LOC")], ["type"]),
    ],
)
def test_kinds_of_errors(
    gold: list[tuple[int, int, str]], predicted: list[tuple[int, int, str]], kinds: list[str]
) -> None:
    assert sorted(error.kind for error in span_errors(spans(*gold), spans(*predicted))) == sorted(kinds)


SPANS = st.lists(
    st.builds(lambda start, length, name: EntitySpan(start, start + length, name), st.integers(0, 30),
              st.integers(1, 6), st.sampled_from(["PER", "LOC"])), max_size=8, unique=True,
)  # fmt: skip


@given(SPANS, SPANS)
def test_every_wrong_span_is_in_exactly_one_error(gold: list[EntitySpan], predicted: list[EntitySpan]) -> None:
    errors = span_errors(gold, predicted)
    golds = [error.gold for error in errors if error.gold]
    predictions = [error.predicted for error in errors if error.predicted]
    assert sorted(golds) == sorted(set(gold) - set(predicted))
    assert sorted(predictions) == sorted(set(predicted) - set(gold))
    for error in errors:
        assert error.kind in ERROR_KINDS
        assert (error.kind == "missed") == (error.predicted is None)
        assert (error.kind == "invented") == (error.gold is None)
        if error.gold and error.predicted:
            assert error.gold.start < error.predicted.end
            assert error.predicted.start < error.gold.end
            assert (error.kind == "boundary") == (error.gold.type == error.predicted.type)


def test_rows_that_went_wrong_say_how_sure_the_model_was() -> None:
    answer = Classification("a", 0.9, (LabelScore("a", 0.9), LabelScore("b", 0.1)))
    example = Example("text", {"topic": "b"}, source="f:3")
    assert mistake("topic", TOPIC, example, "a", answer) is None
    row = mistake("topic", TOPIC, example, "b", answer)
    assert row == {
        "task": "topic", "source": "f:3", "text": "text", "gold": "b", "predicted": "a", "confidence": 0.9
    }  # fmt: skip
    words = (WordTag("Ada", "O", 0.7, 0, 3), WordTag("met", "O", 0.9, 4, 7), WordTag("Bo", "B-LOC", 0.6, 8, 10))
    tagging = Tagging((Entity("LOC", 0.6, "Bo", 8, 10),), words)
    found = mistake(
        "ner",
        TaggingTask(labels=("PER", "LOC")),
        Example("Ada met Bo", source="f:4"),
        spans((0, 3, "PER"), (8, 10, "PER")),
        tagging,
    )
    assert found is not None
    assert [(each["kind"], each["confidence"]) for each in found["errors"]] == [("missed", 0.7), ("type", 0.6)]
    assert found["errors"][1]["predicted"] == {"type": "LOC", "start": 8, "end": 10, "text": "Bo"}
    assert found["confidence"] == 0.7
    assert row is not None
    assert by_confidence([found, row]) == [row, found]


def accuracy_bounds(right: int, wrong: int) -> tuple[float, float]:
    tally = tally_of(TOPIC)
    for gold, count in (("a", right), ("b", wrong)):
        for _ in range(count):
            tally.add(Example("text"), gold, Classification("a", 1.0, ()), NOTHING, NO_LOGITS)
    return intervals(tally.totals(), tally.counts, ["accuracy"])["accuracy"]


@pytest.mark.parametrize(("right", "wrong"), [(90, 10), (500, 500), (9, 1)])
def test_the_interval_of_an_accuracy_is_that_of_a_share(right: int, wrong: int) -> None:
    """The normal approximation of the binomial (Wald), which the percentile bootstrap comes to for large samples."""
    total = right + wrong
    share = right / total
    half = 1.96 * np.sqrt(share * (1 - share) / total)
    low, high = accuracy_bounds(right, wrong)
    assert low == pytest.approx(max(0, share - half), abs=0.02 if total >= 100 else 0.1)
    assert high == pytest.approx(min(1, share + half), abs=0.02 if total >= 100 else 0.1)
    assert low <= share <= high


def test_intervals_equal_drawing_rows_one_by_one() -> None:
    """Texts with the same outcome are drawn together; that must be the same as drawing texts with replacement."""
    task = TaggingTask(labels=("PER", "LOC"))
    generator = random.Random(1)
    rows = []
    for _ in range(60):
        gold = spans((0, 3, generator.choice(["PER", "LOC"]))) if generator.random() < 0.7 else []
        tag = generator.choice(["O", "B-PER", "B-LOC"])
        entities = () if tag == "O" else (Entity(tag[2:], 1.0, "Ada", 0, 3),)
        rows.append((gold, Tagging(entities, (WordTag("Ada", tag, 1.0, 0, 3),))))
    from polyhead.documents import Words
    from polyhead.evaluation.metrics import metric

    doc = Document("Ada", {"words": Words([(0, 3)], np.array([0]), np.array([1]))}, tokens=1)

    def scored(chosen: list[int]) -> float:
        tally = tally_of(task)
        for index in chosen:
            tally.add(Example("Ada"), *rows[index], doc, NO_LOGITS)
        return metric("span_f1", tally.total())

    whole = tally_of(task)
    for row in rows:
        whole.add(Example("Ada"), *row, doc, NO_LOGITS)
    bounds = intervals(whole.totals(), whole.counts, ["span_f1"], resamples=2000)["span_f1"]
    drawn = [scored([generator.randrange(60) for _ in range(60)]) for _ in range(2000)]
    assert bounds == pytest.approx(np.percentile(drawn, [2.5, 97.5]), abs=0.02)


def test_intervals_are_seeded() -> None:
    assert accuracy_bounds(30, 10) == accuracy_bounds(30, 10)
