"""The tables behind metrics, as plain values."""

from collections.abc import Mapping, Sequence
from typing import Any

from polyhead.documents import IntArray
from polyhead.evaluation.metrics import precision_recall_f1
from polyhead.evaluation.mistakes import ERROR_KINDS
from polyhead.evaluation.tallies import Classes, LabelSets, Spans


def details_of(total: Any) -> dict[str, Any]:
    """A confusion matrix; scores by entity type, and errors by kind; scores by label; nothing for numbers and ranks."""
    if isinstance(total, Classes):
        return {"labels": list(total.labels), "confusion": total.matrix.tolist()}
    if isinstance(total, LabelSets):
        return {"scores": _scores(total.labels, total.decisions)}
    if isinstance(total, Spans):
        errors = dict(zip(ERROR_KINDS, total.errors.tolist(), strict=True))
        words = {"unseen_words": total.unseen_words, "cut_words": total.cut_words}
        return {"types": _scores(total.types, total.spans), "errors": errors, **words}
    return {}


def _scores(names: Sequence[str], counts: IntArray) -> Mapping[str, Mapping[str, float]]:
    """Precision, recall and F1 from right, predicted and gold occurrences. *Shape:* (names, 3)."""
    found = {}
    for name, (right, predicted, gold) in zip(names, counts.tolist(), strict=True):
        precision, recall, f1 = precision_recall_f1(right, predicted, gold)
        found[name] = {"precision": precision, "recall": recall, "f1": f1, "gold": gold, "predicted": predicted}
    return found
