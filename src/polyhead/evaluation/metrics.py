"""Metrics: pure functions of gold and predicted values, each under the name that recipes and logs use."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, matthews_corrcoef

from polyhead.evaluation.compare import Classes, Spans, type_of


def accuracy(classes: Classes) -> float:
    """The share of texts whose label is right."""
    return float(accuracy_score(classes.gold, classes.predicted))


def f1_macro(classes: Classes) -> float:
    """The mean over labels of F1, each label alike; labels that neither occur nor are predicted do not count."""
    return float(f1_score(classes.gold, classes.predicted, average="macro", zero_division=0))


def f1_micro(classes: Classes) -> float:
    """F1 over all decisions together; with one label a text it equals the accuracy."""
    return float(f1_score(classes.gold, classes.predicted, average="micro", zero_division=0))


def matthews(classes: Classes) -> float:
    """Matthews correlation: 1 is perfect, 0 is chance."""
    if len({*classes.gold, *classes.predicted}) < 2:
        return 0.0  # one class alone correlates with nothing; scikit-learn says so, with a warning
    return float(matthews_corrcoef(classes.gold, classes.predicted))


def confusion(classes: Classes) -> NDArray[np.int64]:
    """How often each gold label (row) was answered by each label (column)."""
    matrix: NDArray[np.int64] = confusion_matrix(classes.gold, classes.predicted, labels=list(classes.labels))
    return matrix


def counts_by_type(spans: Spans) -> dict[str, tuple[int, int, int]]:
    """Each type's number of right, predicted and gold spans. A span is right if both ends and the type are."""
    counts = {}
    for name in spans.types:
        pairs = [
            ({span for span in gold if span.type == name}, {span for span in predicted if span.type == name})
            for gold, predicted in zip(spans.gold, spans.predicted, strict=True)
        ]
        right = sum(len(gold & predicted) for gold, predicted in pairs)
        counts[name] = (right, sum(len(predicted) for _, predicted in pairs), sum(len(gold) for gold, _ in pairs))
    return counts


def precision_recall_f1(right: int, predicted: int, gold: int) -> tuple[float, float, float]:
    """Precision, recall and their harmonic mean; 0 where there is nothing to divide by."""
    precision = right / predicted if predicted else 0.0
    recall = right / gold if gold else 0.0
    return precision, recall, 2 * right / (predicted + gold) if predicted + gold else 0.0


def _total(spans: Spans) -> tuple[float, float, float]:
    right, predicted, gold = np.sum([*counts_by_type(spans).values(), (0, 0, 0)], axis=0).tolist()
    return precision_recall_f1(right, predicted, gold)


def span_precision(spans: Spans) -> float:
    """The share of predicted spans that are right (micro; seqeval, strict IOB2)."""
    return _total(spans)[0]


def span_recall(spans: Spans) -> float:
    """The share of gold spans that were found (micro; seqeval, strict IOB2)."""
    return _total(spans)[1]


def span_f1(spans: Spans) -> float:
    """F1 over exact spans (micro; seqeval, strict IOB2)."""
    return _total(spans)[2]


def span_f1_macro(spans: Spans) -> float:
    """The mean over types of span F1; types that neither occur nor are predicted do not count."""
    counts = [each for each in counts_by_type(spans).values() if each[1] or each[2]]
    return float(np.mean([precision_recall_f1(*each)[2] for each in counts])) if counts else 0.0


def _tag_pairs(spans: Spans) -> Iterator[tuple[str, str, int]]:
    """Gold tag, predicted tag and number of pieces of every word with a known tag."""
    rows = zip(spans.gold_tags, spans.predicted_tags, spans.pieces, strict=True)
    for gold_tags, predicted_tags, pieces in rows:
        for gold, predicted, count in zip(gold_tags, predicted_tags, pieces, strict=True):
            if gold is not None:
                yield gold, predicted, int(count)


def token_accuracy(spans: Spans) -> float:
    """The share of words whose tag is right, in the head's scheme."""
    right = [gold == predicted for gold, predicted, _ in _tag_pairs(spans)]
    return float(np.mean(right)) if right else 0.0


def piece_accuracy(spans: Spans) -> float:
    """The share of sub-word pieces whose word's entity type is right, prefixes aside (``B-PER`` is ``I-PER``)."""
    pairs = list(_tag_pairs(spans))
    total = sum(count for _, _, count in pairs)
    right = sum(count for gold, predicted, count in pairs if type_of(gold) == type_of(predicted))
    return right / total if total else 0.0


METRICS: Mapping[str, Callable[[Any], float]] = {
    function.__name__: function
    for function in (
        accuracy,
        f1_macro,
        f1_micro,
        matthews,
        span_f1,
        span_precision,
        span_recall,
        span_f1_macro,
        token_accuracy,
        piece_accuracy,
    )
}
