import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from seqeval.metrics import f1_score as seqeval_f1
from seqeval.metrics import precision_score as seqeval_precision
from seqeval.metrics import recall_score as seqeval_recall
from seqeval.metrics.v1 import precision_recall_fscore_support
from seqeval.scheme import IOB2
from sklearn import metrics as sklearn_metrics

from polyhead.data.example import Example
from polyhead.documents import Document, Words
from polyhead.evaluation import Report, Scored, evaluate
from polyhead.evaluation.metrics import METRICS, metric, precision_recall_f1
from polyhead.evaluation.tallies import Classes, Spans, Tally, tally_of
from polyhead.kinds import KINDS, ClassificationTask, EntitySpan, TaggingTask, Task
from polyhead.kinds.schemes import runs, type_of
from polyhead.predictions import Classification, Tagging
from polyhead.text.words import join_words

TYPES = ("PER", "LOC", "ORG")
NER = TaggingTask(labels=TYPES)
TOPIC = ClassificationTask(labels=("a", "b", "c"))
NOTHING = Document("", {}, tokens=0)
STRICT = {"mode": "strict", "scheme": IOB2, "zero_division": 0}


def document(count: int, pieces: Sequence[int]) -> Document:
    text, spans = join_words([f"w{number}" for number in range(count)])
    index = np.repeat(np.arange(count), pieces).astype(np.int64)
    return Document(text, {"words": Words(spans, index, np.ones(count, dtype=np.int64))}, tokens=len(index))


def spans_of(tags: Sequence[str], doc: Document) -> list[EntitySpan]:
    spans = doc.words["words"].spans
    return [EntitySpan(spans[first][0], spans[last][1], name) for first, last, name in runs(tags, "iob2")]


def logits_for(doc: Document, tags: Sequence[str], task: TaggingTask = NER) -> np.ndarray:
    logits = np.zeros((doc.tokens, len(task.outputs)), dtype=np.float32)
    for tag, first in zip(tags, doc.words["words"].first, strict=True):
        if first >= 0:
            logits[first, task.outputs.index(tag)] = 9
    return logits


def tallied(task: Task, golds: Sequence[Any], predictions: Sequence[Any], documents: Sequence[Document]) -> Tally:
    tally = tally_of(task)
    for gold, prediction, document in zip(golds, predictions, documents, strict=True):
        tally.add(Example(document.text), gold, prediction, document, np.zeros(0, dtype=np.float32))
    return tally


def spans_total(
    task: Task, golds: Sequence[Any], predictions: Sequence[Tagging], documents: Sequence[Document]
) -> Spans:
    total = tallied(task, golds, predictions, documents).total()
    assert isinstance(total, Spans)
    return total


def counts_by_type(spans: Spans) -> dict[str, tuple[int, int, int]]:
    return {
        name: (right, predicted, gold)
        for name, (right, predicted, gold) in zip(spans.types, spans.spans.tolist(), strict=True)
    }


@dataclass(frozen=True)
class Corpus:
    """Texts with gold tags and predictions."""

    documents: list[Document]
    gold_tags: list[list[str]]
    golds: list[list[EntitySpan]]
    predictions: list[Tagging]

    @property
    def predicted_tags(self) -> list[list[str]]:
        return [[word.tag or "?" for word in prediction.words] for prediction in self.predictions]

    def metric(self, name: str) -> float:
        return metric(name, spans_total(NER, self.golds, self.predictions, self.documents))


def valid_tags(generator: random.Random, length: int, types: Sequence[str]) -> list[str]:
    tags: list[str] = []
    while len(tags) < length:
        choice = generator.choice(["O", "O", *types])
        if choice == "O":
            tags.append("O")
        else:
            tags += [f"B-{choice}", *[f"I-{choice}"] * generator.choice([0, 0, 1, 2])]
    return tags[:length]


def corpus(seed: int, *, noise: float) -> Corpus:
    """Random valid gold tags; logits that follow them, but for a share of words where they ask for any tag at all."""
    generator = random.Random(seed)
    types = TYPES[: generator.randint(1, 3)]
    documents, gold_tags, predictions = [], [], []
    for _ in range(generator.randint(1, 12)):
        length = generator.randint(1, 9)
        doc = document(length, [generator.randint(1, 3) for _ in range(length)])
        tags = valid_tags(generator, length, types)
        wanted = [generator.choice(NER.outputs) if generator.random() < noise else tag for tag in tags]
        jitter = np.random.default_rng(seed).normal(size=(doc.tokens, len(NER.outputs))).astype(np.float32)
        documents.append(doc)
        gold_tags.append(tags)
        predictions.append(NER.decode(logits_for(doc, wanted) + jitter, doc))
    golds = [spans_of(tags, doc) for tags, doc in zip(gold_tags, documents, strict=True)]
    return Corpus(documents, gold_tags, golds, predictions)


SEEDS = [(seed, noise) for seed in range(12) for noise in (0.0, 0.3, 1.0)]


@pytest.mark.parametrize(("seed", "noise"), SEEDS)
def test_span_metrics_equal_seqeval(seed: int, noise: float) -> None:
    made = corpus(seed, noise=noise)
    pair = (made.gold_tags, made.predicted_tags)
    assert made.metric("span_f1") == pytest.approx(seqeval_f1(*pair, **STRICT))
    assert made.metric("span_precision") == pytest.approx(seqeval_precision(*pair, **STRICT))
    assert made.metric("span_recall") == pytest.approx(seqeval_recall(*pair, **STRICT))
    assert made.metric("span_f1_macro") == pytest.approx(seqeval_f1(*pair, average="macro", **STRICT))


@pytest.mark.parametrize(("seed", "noise"), SEEDS)
def test_scores_by_type_equal_seqeval(seed: int, noise: float) -> None:
    made = corpus(seed, noise=noise)
    pair = (made.gold_tags, made.predicted_tags)
    compared = spans_total(NER, made.golds, made.predictions, made.documents)
    found = {name: (*precision_recall_f1(*counts), counts[2]) for name, counts in counts_by_type(compared).items()}
    present = sorted({tag[2:] for rows in pair for tags in rows for tag in tags if tag != "O"})
    theirs = precision_recall_fscore_support(*pair, average=None, scheme=IOB2, zero_division=0)
    for position, name in enumerate(present):
        assert found[name] == pytest.approx([float(column[position]) for column in theirs])
    assert {name for name, scores in found.items() if scores != (0, 0, 0, 0)} <= set(present)


def test_noise_is_neither_perfect_nor_hopeless() -> None:
    """The comparisons above would say nothing if every score were 0 or 1."""
    scores = [corpus(seed, noise=0.3).metric("span_f1") for seed in range(12)]
    assert sum(0.05 < score < 0.95 for score in scores) >= 8


@pytest.mark.parametrize(("seed", "noise"), SEEDS)
def test_token_accuracy_equals_sklearn(seed: int, noise: float) -> None:
    made = corpus(seed, noise=noise)
    flat = [[tag for tags in rows for tag in tags] for rows in (made.gold_tags, made.predicted_tags)]
    assert made.metric("token_accuracy") == pytest.approx(sklearn_metrics.accuracy_score(*flat))


def by_hand(gold: str, predicted: str, pieces: Sequence[int], task: TaggingTask = NER) -> dict[str, float]:
    """All metrics of one text whose gold and predicted tags are written out."""
    doc = document(len(pieces), pieces)
    prediction = task.decode(logits_for(doc, predicted.split(), task), doc)
    assert [word.tag for word in prediction.words] == predicted.split()
    if task.scheme == "io":
        found = runs(gold.split(), "io")
        spans = doc.words["words"].spans
        golds = [EntitySpan(spans[first][0], spans[last][1], name) for first, last, name in found]
    else:
        golds = spans_of(gold.split(), doc)
    compared = spans_total(task, [golds], [prediction], [doc])
    return {name: metric(name, compared) for name in task.metrics}


def test_piece_accuracy_weighs_words_by_their_pieces_and_ignores_prefixes() -> None:
    scores = by_hand("B-PER I-PER O B-LOC", "B-PER B-PER O B-ORG", [1, 2, 3, 4])
    assert scores["piece_accuracy"] == pytest.approx((1 + 2 + 3) / 10)
    assert scores["token_accuracy"] == pytest.approx(2 / 4)
    assert scores["span_f1"] == 0


def test_words_without_pieces_do_not_weigh() -> None:
    scores = by_hand("B-PER O", "B-LOC O", [3, 0])
    assert scores["piece_accuracy"] == 0
    assert scores["token_accuracy"] == pytest.approx(1 / 2)


def test_pieces_in_the_io_scheme() -> None:
    """A type may look like a prefix: I is none here."""
    task = TaggingTask(labels=("PER", "I"), scheme="io")
    scores = by_hand("PER PER O I", "PER O O I", [1, 2, 3, 4], task)
    assert scores["piece_accuracy"] == pytest.approx(8 / 10)
    assert scores["token_accuracy"] == pytest.approx(3 / 4)
    assert scores["span_f1"] == pytest.approx(1 / 2)


def test_a_span_is_right_only_if_both_ends_and_the_type_are() -> None:
    scores = by_hand("B-PER I-PER O B-LOC O B-ORG", "B-PER O O B-LOC O B-PER", [1] * 6)
    assert scores["span_precision"] == scores["span_recall"] == pytest.approx(1 / 3)
    assert scores["span_f1_macro"] == pytest.approx((0 + 1 + 0) / 3)


def test_nothing_to_find_and_nothing_found() -> None:
    scores = by_hand("O O", "O O", [1, 1])
    assert scores == {
        "span_f1": 0,
        "span_precision": 0,
        "span_recall": 0,
        "span_f1_macro": 0,
        "token_accuracy": 1,
        "piece_accuracy": 1,
    }


def test_a_misaligned_gold_span_counts_as_not_found_and_its_words_are_left_out() -> None:
    doc = document(3, [1, 1, 1])
    gold = [EntitySpan(0, 2, "PER"), EntitySpan(3, 4, "LOC")]
    prediction = NER.decode(logits_for(doc, ["B-PER", "O", "B-LOC"]), doc)
    compared = spans_total(NER, [gold], [prediction], [doc])
    assert metric("span_recall", compared) == pytest.approx(1 / 2)
    assert metric("span_precision", compared) == pytest.approx(1 / 2)
    assert metric("token_accuracy", compared) == pytest.approx(1 / 2), "w1 is left out, w0 is right, w2 is wrong"


def test_an_unseen_type_is_a_span_that_was_not_found() -> None:
    doc = document(2, [1, 1])
    prediction = NER.decode(logits_for(doc, ["B-PER", "O"]), doc)
    compared = spans_total(NER, [[EntitySpan(0, 2, "PER"), EntitySpan(3, 5, "GOD")]], [prediction], [doc])
    assert compared.types == [*TYPES, "GOD"]
    assert metric("span_recall", compared) == pytest.approx(1 / 2)
    assert counts_by_type(compared)["GOD"] == (0, 0, 1)


@pytest.mark.parametrize(("tag", "name"), [("O", "O"), ("B-PER", "PER"), ("I-X-Y", "X-Y"), ("PER", "PER"), ("I", "I")])
def test_type_of_a_tag(tag: str, name: str) -> None:
    assert type_of(tag) == name


def classes(gold: Sequence[str], predicted: Sequence[str]) -> Classes:
    predictions = [Classification(label, 1.0, ()) for label in predicted]
    total = tallied(TOPIC, gold, predictions, [NOTHING] * len(predictions)).total()
    assert isinstance(total, Classes)
    return total


@pytest.mark.parametrize("seed", range(8))
def test_class_metrics_equal_their_definitions(seed: int) -> None:
    generator = random.Random(seed)
    gold = generator.choices("abc", weights=[5, 2, 1], k=40)
    predicted = [label if generator.random() < 0.6 else generator.choice("abc") for label in gold]
    compared = classes(gold, predicted)
    pairs = list(zip(gold, predicted, strict=True))
    right = sum(mine == theirs for mine, theirs in pairs)
    f1 = {
        label: 2 * pairs.count((label, label)) / (gold.count(label) + predicted.count(label))
        for label in set(gold) | set(predicted)
    }
    ids = ["abc".index(label) for label in gold], ["abc".index(label) for label in predicted]
    assert metric("accuracy", compared) == metric("f1_micro", compared) == pytest.approx(right / 40)
    assert metric("f1_macro", compared) == pytest.approx(sum(f1.values()) / len(f1))
    assert metric("f1_macro", compared) == pytest.approx(sklearn_metrics.f1_score(*ids, average="macro"))
    assert metric("matthews", compared) == pytest.approx(sklearn_metrics.matthews_corrcoef(*ids))
    assert compared.matrix.tolist() == [[pairs.count((row, column)) for column in "abc"] for row in "abc"]


def test_gold_labels_that_the_model_never_saw_are_wrong() -> None:
    compared = classes(["a", "z", "y", "b"], ["a", "a", "b", "b"])
    assert compared.labels == ["a", "b", "c", "y", "z"]
    assert metric("accuracy", compared) == pytest.approx(2 / 4)
    assert metric("f1_micro", compared) == pytest.approx(2 / 4)
    assert metric("f1_macro", compared) == pytest.approx((2 / 3 + 2 / 3 + 0 + 0) / 4)
    assert compared.matrix[4].tolist() == [1, 0, 0, 0, 0]


def test_labels_that_neither_occur_nor_are_predicted_do_not_count() -> None:
    assert metric("f1_macro", classes(["a", "b"], ["a", "b"])) == 1


def test_data_of_one_class_is_scored_without_a_warning() -> None:
    """Warnings are errors here; a user would see them between the lines of a training."""
    compared = classes(["a", "a"], ["a", "a"])
    assert {name: metric(name, compared) for name in TOPIC.metrics} == {
        "accuracy": 1,
        "f1_macro": 1,
        "f1_micro": 1,
        "matthews": 0,
    }


def test_every_metric_of_every_kind_is_known() -> None:
    known = {name for metrics in METRICS.values() for name in metrics}
    assert {name for kind in KINDS.values() for name in kind.metrics} == known


def report(tasks: dict[str, Task]) -> Report:
    """Three texts, the second without a topic, the third without entities' labels."""
    doc = document(2, [1, 1])
    cut = Document(doc.text, doc.words, doc.tokens, truncated=True)
    examples = [
        Example(doc.text, {"topic": "a", "ner": [EntitySpan(0, 2, "PER")]}),
        Example(doc.text, {"ner": []}),
        Example(doc.text, {"topic": "b"}),
    ]
    topics = np.eye(3, dtype=np.float32)
    tags = [["B-PER", "O"], ["O", "B-LOC"], ["O", "O"]]
    answers = [
        Scored(example, each, {"topic": topics[0], "ner": logits_for(doc, row)})
        for example, each, row in zip(examples, [doc, cut, doc], tags, strict=True)
    ]
    return evaluate(tasks, answers)


def test_each_task_is_scored_on_the_rows_that_have_its_labels() -> None:
    found = report({"topic": TOPIC, "ner": NER, "other": TOPIC})
    assert {name: task.rows for name, task in found.tasks.items()} == {"topic": 2, "ner": 2}
    assert list(found.skipped) == ["other"]
    assert found.truncated == 1
    assert found.metrics()["topic.accuracy"] == pytest.approx(1 / 2)
    assert found.metrics()["ner.span_precision"] == pytest.approx(1 / 2)
    assert found.metrics()["ner.span_recall"] == 1


def test_details_hold_the_tables() -> None:
    rows = report({"topic": TOPIC, "ner": NER}).as_dict()["tasks"]
    assert rows["topic"]["labels"] == ["a", "b", "c"]
    assert rows["topic"]["confusion"] == [[1, 0, 0], [1, 0, 0], [0, 0, 0]]
    assert rows["ner"]["types"]["PER"] == {"precision": 1, "recall": 1, "f1": 1, "gold": 1, "predicted": 1}
    assert rows["ner"]["types"]["LOC"] == {"precision": 0, "recall": 0, "f1": 0, "gold": 0, "predicted": 1}
    assert rows["ner"]["unseen_words"] == 0
