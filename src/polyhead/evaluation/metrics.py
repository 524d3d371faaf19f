"""Metrics: pure functions of totals, each under the name that recipes and logs use."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from polyhead.evaluation.tallies import Classes, LabelSets, Numbers, Ranks, Spans
from polyhead.kinds.base import FloatArray


def accuracy(classes: Classes) -> float:
    """The share of texts whose label is right."""
    total = classes.matrix.sum()
    return float(np.trace(classes.matrix) / total) if total else 0.0


def f1_macro(classes: Classes) -> float:
    """The mean over labels of F1, each label alike; labels that neither occur nor are predicted do not count."""
    gold, predicted = classes.matrix.sum(axis=1), classes.matrix.sum(axis=0)
    there = gold + predicted > 0
    f1 = 2 * np.diag(classes.matrix)[there] / (gold + predicted)[there]
    return float(f1.mean()) if len(f1) else 0.0


def f1_micro(classes: Classes) -> float:
    """F1 over all decisions together; with one label a text it equals the accuracy."""
    return accuracy(classes)


def matthews(classes: Classes) -> float:
    """Matthews correlation of any number of classes (Gorodkin, 2004): 1 is perfect, 0 is chance or one class alone."""
    matrix = classes.matrix.astype(float)
    gold, predicted, total = matrix.sum(axis=1), matrix.sum(axis=0), matrix.sum()
    spread = (total**2 - predicted @ predicted) * (total**2 - gold @ gold)
    return float((np.trace(matrix) * total - gold @ predicted) / np.sqrt(spread)) if spread > 0 else 0.0


def label_f1_micro(labels: LabelSets) -> float:
    """F1 over the decisions of all labels together."""
    return precision_recall_f1(*labels.decisions.sum(axis=0).tolist())[2]


def label_f1_macro(labels: LabelSets) -> float:
    """The mean over labels of F1; labels that neither occur nor are predicted do not count."""
    counts = [each for each in labels.decisions.tolist() if each[1] or each[2]]
    return float(np.mean([precision_recall_f1(*each)[2] for each in counts])) if counts else 0.0


def average_precision(labels: LabelSets) -> float:
    """The mean over the labels that occur of the average precision of their scores."""
    known = labels.precisions[~np.isnan(labels.precisions)]
    return float(known.mean()) if len(known) else 0.0


def exact_match(labels: LabelSets) -> float:
    """The share of rows whose labels are all right."""
    right, total = labels.rows
    return right / total if total else 0.0


def mae(numbers: Numbers) -> float:
    """The mean absolute error."""
    return float(np.abs(numbers.gold - numbers.predicted).mean())


def pearson(numbers: Numbers) -> float:
    """Pearson's correlation; 0 where one side is constant."""
    return correlation(numbers.gold, numbers.predicted)


def spearman(numbers: Numbers) -> float:
    """Spearman's rank correlation, ties sharing their rank; 0 where one side is constant."""
    from scipy.stats import rankdata

    return correlation(rankdata(numbers.gold), rankdata(numbers.predicted))


def correlation(left: FloatArray, right: FloatArray) -> float:
    """Pearson's correlation; 0 where one side is constant. *Shapes:* (rows,) both."""
    left, right = left - left.mean(), right - right.mean()
    spread = float(np.sqrt((left @ left) * (right @ right)))
    return float(left @ right) / spread if spread > 0 else 0.0


def mrr(ranks: Ranks) -> float:
    """The mean reciprocal rank of each anchor's positive among all candidates."""
    return float((1 / ranks.ranks).mean())


def accuracy_at(most: int) -> Callable[[Ranks], float]:
    """The share of anchors whose positive is among the first ``most`` candidates."""
    return lambda ranks: float((ranks.ranks <= most).mean())


def precision_recall_f1(right: int, predicted: int, gold: int) -> tuple[float, float, float]:
    """Precision, recall and their harmonic mean; 0 where there is nothing to divide by."""
    precision = right / predicted if predicted else 0.0
    recall = right / gold if gold else 0.0
    return precision, recall, 2 * right / (predicted + gold) if predicted + gold else 0.0


def _total(spans: Spans) -> tuple[float, float, float]:
    right, predicted, gold = spans.spans.sum(axis=0).tolist()
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
    counts = [each for each in spans.spans.tolist() if each[1] or each[2]]
    return float(np.mean([precision_recall_f1(*each)[2] for each in counts])) if counts else 0.0


def token_accuracy(spans: Spans) -> float:
    """The share of words whose tag is right, in the head's scheme."""
    right, total = spans.words
    return right / total if total else 0.0


def piece_accuracy(spans: Spans) -> float:
    """The share of sub-word pieces whose word's entity type is right, prefixes aside (``B-PER`` is ``I-PER``)."""
    right, total = spans.pieces
    return right / total if total else 0.0


METRICS: Mapping[type, Mapping[str, Callable[[Any], float]]] = {
    Classes: {"accuracy": accuracy, "f1_macro": f1_macro, "f1_micro": f1_micro, "matthews": matthews},
    LabelSets: {
        "f1_micro": label_f1_micro,
        "f1_macro": label_f1_macro,
        "average_precision": average_precision,
        "exact_match": exact_match,
    },
    Numbers: {"spearman": spearman, "pearson": pearson, "mae": mae},
    Ranks: {"mrr": mrr, **{f"accuracy_at_{most}": accuracy_at(most) for most in (1, 3, 10)}},
    Spans: {
        "span_f1": span_f1,
        "span_precision": span_precision,
        "span_recall": span_recall,
        "span_f1_macro": span_f1_macro,
        "token_accuracy": token_accuracy,
        "piece_accuracy": piece_accuracy,
    },
}


def metric(name: str, total: Any) -> float:
    """The metric of that name."""
    return METRICS[type(total)][name](total)
