"""Metrics of label sets, numbers and ranks against scikit-learn, scipy and sentence-transformers; calibration."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator
from sklearn import metrics as sklearn_metrics

from polyhead.data.example import Example
from polyhead.documents import Document
from polyhead.evaluation import Scored, evaluate
from polyhead.evaluation.bootstrap import intervals, share_interval
from polyhead.evaluation.calibration import Reliability, best_threshold, fit_temperature, label_thresholds
from polyhead.evaluation.metrics import metric
from polyhead.evaluation.tallies import tally_of
from polyhead.kinds import ClassificationTask, MultilabelTask, PairsTask, RegressionTask, SimilarityTask, Task
from polyhead.kinds.base import Decisions

NOTHING = Document("text", {}, tokens=2)
LABELS = ("a", "b", "c", "d")


def tallied(task: Task, golds: Sequence[Any], logits: Sequence[np.ndarray], examples: Sequence[Example] = ()) -> Any:
    tally = tally_of(task)
    for index, (gold, own) in enumerate(zip(golds, logits, strict=True)):
        example = examples[index] if examples else Example("text", source=f"f:{index}")
        tally.add(example, gold, task.decode(own, NOTHING), NOTHING, own)
    return tally


def label_rows(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    gold = generator.random((rows, len(LABELS))) < [0.5, 0.2, 0.05, 0.3]
    scores = np.round(generator.normal(size=gold.shape) + gold, 1).astype(np.float32)  # with ties
    return gold, scores


@pytest.mark.parametrize("seed", range(5))
def test_label_metrics_are_scikit_learns(seed: int) -> None:
    gold, scores = label_rows(60, seed)
    task = MultilabelTask(labels=LABELS)
    golds = [tuple(np.asarray(LABELS)[row]) for row in gold]
    total = tallied(task, golds, list(scores)).total()
    predicted = scores >= 0
    there = gold.any(axis=0) | predicted.any(axis=0)
    options = {"average": "macro", "zero_division": 0.0, "labels": np.flatnonzero(there)}
    assert metric("f1_macro", total) == pytest.approx(sklearn_metrics.f1_score(gold, predicted, **options))
    assert metric("f1_micro", total) == pytest.approx(sklearn_metrics.f1_score(gold, predicted, average="micro"))
    assert metric("exact_match", total) == pytest.approx(sklearn_metrics.accuracy_score(gold, predicted))
    occurs = gold.any(axis=0)
    theirs = sklearn_metrics.average_precision_score(gold[:, occurs], scores[:, occurs], average="macro")
    assert metric("average_precision", total) == pytest.approx(theirs)


def test_a_resample_of_labels_is_the_same_rows_scored_anew() -> None:
    gold, scores = label_rows(40, 3)
    golds = [tuple(np.asarray(LABELS)[row]) for row in gold]
    task = MultilabelTask(labels=LABELS)
    counts = np.random.default_rng(1).multinomial(40, np.full(40, 1 / 40))
    whole = tallied(task, golds, list(scores)).totals()(counts)
    chosen = np.repeat(np.arange(40), counts)
    again = tallied(task, [golds[index] for index in chosen], list(scores[chosen])).total()
    for name in task.metrics:
        assert metric(name, whole) == pytest.approx(metric(name, again)), name


def test_labels_that_the_model_never_saw_cannot_be_found() -> None:
    task = MultilabelTask(labels=("a",))
    total = tallied(task, [("a", "new"), ()], [np.array([3.0]), np.array([-3.0])]).total()
    assert metric("f1_micro", total) == pytest.approx(2 / 3)
    assert metric("exact_match", total) == 0.5
    assert metric("average_precision", total) == 0.5


def test_numbers_are_scipys() -> None:
    generator = np.random.default_rng(0)
    gold = np.round(generator.uniform(0, 5, 50), 1)
    answers = np.clip(gold / 5 + generator.normal(size=50) / 5, 0, 1).astype(np.float32)
    task = RegressionTask(range=(0, 5))
    total = tallied(task, gold.tolist(), [row[None] for row in answers]).total()
    assert metric("spearman", total) == pytest.approx(stats.spearmanr(gold, answers).statistic)
    assert metric("pearson", total) == pytest.approx(stats.pearsonr(gold, 5 * answers).statistic)
    assert metric("mae", total) == pytest.approx(sklearn_metrics.mean_absolute_error(gold, 5 * answers))
    constant = tallied(task, [1.0, 2.0], [np.array([0.5]), np.array([0.5])]).total()
    assert metric("spearman", constant) == metric("pearson", constant) == 0


def test_ranks_are_sentence_transformers() -> None:
    generator = torch.Generator().manual_seed(2)
    vectors = torch.nn.functional.normalize(torch.randn(30, 3, 8, generator=generator), dim=-1).numpy()
    examples = [Example(f"q{row}", others=(f"p{row}", f"n{row}"), source=f"f:{row}") for row in range(30)]
    tally = tallied(PairsTask(), [3] * 30, list(vectors), examples)
    total = tally.total()
    known = {f"{kind}{row}": vectors[row, column] for row in range(30) for column, kind in enumerate("qpn")}
    theirs = InformationRetrievalEvaluator(
        queries={name: name for name in known if name[0] == "q"},
        corpus={name: name for name in known if name[0] != "q"},
        relevant_docs={f"q{row}": {f"p{row}"} for row in range(30)},
        mrr_at_k=[60], accuracy_at_k=[1, 3, 10],
    )  # fmt: skip

    class Lookup:
        similarity_fn_name = "cosine"

    lists = {"cosine": [[
        {"corpus_id": name, "score": float(known[f"q{row}"] @ known[name])} for name in known if name[0] != "q"
    ] for row in range(30)]}  # fmt: skip
    for own in lists["cosine"]:
        own.sort(key=lambda each: -each["score"])  # type: ignore[operator]
    found = theirs.compute_metrics(lists["cosine"])
    assert metric("mrr", total) == pytest.approx(found["mrr@k"][60])
    for most in (1, 3, 10):
        assert metric(f"accuracy_at_{most}", total) == pytest.approx(found["accuracy@k"][most])
    wrong = list(tally.mistakes("ranked"))
    assert len(wrong) == round(30 * (1 - metric("accuracy_at_1", total)))
    assert wrong[0].keys() == {"task", "source", "text", "gold", "predicted", "rank", "confidence"}


def test_a_candidate_with_the_positive_s_text_is_no_better() -> None:
    vectors = np.zeros((2, 2, 2), dtype=np.float32)
    vectors[:, :, 0] = 1
    examples = [Example("a", others=("b",)), Example("a", others=("b",))]
    assert metric("accuracy_at_1", tallied(PairsTask(), [2, 2], list(vectors), examples).total()) == 1


def test_the_calibration_error_is_its_definition() -> None:
    generator = np.random.default_rng(4)
    logits, targets = generator.normal(size=(500, 3)).astype(np.float32), generator.integers(0, 3, 500)
    found = Reliability()
    found.add(Decisions(logits[:200], targets[:200]), 0.7)
    found.add(Decisions(logits[200:], targets[200:]), 0.7)
    p = np.exp(logits / 0.7) / np.exp(logits / 0.7).sum(axis=1, keepdims=True)
    confidence, right = p.max(axis=1), p.argmax(axis=1) == targets
    bins = np.minimum((confidence * 15).astype(int), 14)
    wanted = sum(
        abs(right[bins == each].mean() - confidence[bins == each].mean()) * (bins == each).mean() for each in set(bins)
    )
    assert found.error == pytest.approx(wanted)


def test_the_temperature_brings_overconfident_scores_back() -> None:
    generator = np.random.default_rng(5)
    true = generator.normal(size=(4000, 3)).astype(np.float32)
    p = np.exp(true) / np.exp(true).sum(axis=1, keepdims=True)
    targets = np.array([generator.choice(3, p=row) for row in p])
    for factor in (3.0, 0.5):
        assert fit_temperature(Decisions(factor * true, targets)) == pytest.approx(factor, rel=0.1)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1, width=32), st.booleans()), min_size=1, max_size=30))
def test_no_threshold_has_a_better_f1(rows: list[tuple[float, bool]]) -> None:
    scores = np.array([score for score, _ in rows], dtype=np.float32)
    gold = np.array([right for _, right in rows])
    found = best_threshold(scores, gold)
    if not gold.any():
        assert found == 0.5
        return

    def f1(threshold: float) -> float:
        given = scores.astype(np.float64) >= threshold
        return float(2 * (given & gold).sum() / (given.sum() + gold.sum()))

    assert f1(found) >= max(f1(float(score)) for score in scores) - 1e-9


def test_thresholds_of_labels_with_few_rows_are_the_common_one() -> None:
    generator = np.random.default_rng(6)
    gold = generator.random((4000, 3)) < [0.5, 0.001, 0.0]
    odds = generator.normal(size=gold.shape) + 2 * gold - [0.0, 3.0, 3.0]
    scores = (1 / (1 + np.exp(-odds))).astype(np.float32)
    often, seldom, never = label_thresholds(scores, gold)
    common = best_threshold(scores.ravel(), gold.ravel())
    assert never == pytest.approx(common)
    assert often == pytest.approx(best_threshold(scores[:, 0], gold[:, 0]), abs=0.02)
    own = best_threshold(scores[:, 1], gold[:, 1])
    assert min(own, common) < seldom < max(own, common)


def test_rows_of_several_tasks_count_as_right_only_as_a_whole() -> None:
    tasks: dict[str, Task] = {"one": ClassificationTask(labels=("a", "b")), "two": MultilabelTask(labels=("x", "y")),
                              "number": RegressionTask(range=(0, 1))}  # fmt: skip
    yes, no = np.array([5.0, -5.0], dtype=np.float32), np.array([-5.0, 5.0], dtype=np.float32)
    number = np.array([0.9], dtype=np.float32)
    rows = [
        Scored(Example("t", {"one": "a", "two": ("x",)}), NOTHING, {"one": yes, "two": yes}),
        Scored(Example("t", {"one": "a", "two": ("x", "y")}), NOTHING, {"one": yes, "two": yes}),
        Scored(
            Example("t", {"one": "a", "two": (), "number": 0.1}), NOTHING, {"one": no, "two": yes - 9, "number": number}
        ),
        Scored(Example("t", {"one": "a", "number": 0.1}), NOTHING, {"one": no, "number": number}),
    ]  # fmt: skip
    wrong: list[dict[str, Any]] = []
    report = evaluate(tasks, rows, on_mistake=wrong.append, resamples=200)
    assert report.exact_rows == (1, 3)
    assert report.metrics()["exact_rows"] == pytest.approx(1 / 3)
    assert report.exact_interval is not None
    assert report.exact_interval[0] <= 1 / 3 <= report.exact_interval[1]
    assert [row["task"] for row in wrong] == ["two", "one", "number", "one", "number"]
    assert wrong[0]["gold"] == ["x", "y"]
    assert wrong[0]["predicted"] == ["x"]
    assert wrong[2]["off_by"] == pytest.approx(0.8)
    assert type(report).from_dict(report.as_dict()) == report


def test_a_similarity_far_from_what_people_said_is_a_mistake() -> None:
    task: dict[str, Task] = {"alike": SimilarityTask(range=(0, 5))}
    logits = np.array([0.9], dtype=np.float32)
    wrong: list[dict[str, Any]] = []
    rows = [Scored(Example("t", {"alike": gold}, others=("u",)), NOTHING, {"alike": logits}) for gold in (4.5, 1.0)]
    evaluate(task, rows, on_mistake=wrong.append)
    assert [(row["gold"], row["text_pair"]) for row in wrong] == [(1.0, "u")]
    assert wrong[0]["off_by"] == pytest.approx(0.7, abs=1e-6)
    assert "confidence" not in wrong[0]


def test_intervals_of_a_share_are_the_binomials() -> None:
    low, high = share_interval(80, 100, resamples=5000)
    half = 1.96 * math.sqrt(0.8 * 0.2 / 100)
    assert (low, high) == pytest.approx((0.8 - half, 0.8 + half), abs=0.02)
    tally = tallied(RegressionTask(range=(0, 1)), [0.1, 0.9, 0.4], [np.array([value]) for value in (0.2, 0.8, 0.4)])
    bounds = intervals(tally.totals(), tally.counts, ["mae"], resamples=300)["mae"]
    assert 0 <= bounds[0] <= 2 / 30 <= bounds[1] <= 0.1 + 1e-9
