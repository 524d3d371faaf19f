"""What went wrong: the errors of a tagging by kind, and the rows that hold an error, for people to look at."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from polyhead.data.example import Example
from polyhead.kinds import EntitySpan, NumberTask, Task
from polyhead.predictions import Classification, Multilabel, Regression, Similarity, Tagging, TaskPrediction

ERROR_KINDS = ("boundary", "type", "missed", "invented")

CHOOSING = frozenset({"classification", "multilabel", "tagging"})
"""The kinds whose answers are right or wrong."""

_FAR = 0.1


@dataclass(frozen=True, slots=True)
class SpanError:
    """A gold span and what was predicted in its place; one of both is ``None`` where it was missed or invented."""

    kind: str
    gold: EntitySpan | None
    predicted: EntitySpan | None


def span_errors(gold: Collection[EntitySpan], predicted: Collection[EntitySpan]) -> list[SpanError]:
    """Every span that is not in both, each in one error.

    *type*: the type is wrong, at the same place or one that overlaps. *boundary*: the type is right and the places
    overlap. *missed*, *invented*: nothing overlaps on the other side, or what does already answers for another span.
    Pairs are made in this order: same place; overlap with the same type; overlap; from left to right.
    """
    golds = sorted(set(gold) - set(predicted))
    predictions = sorted(set(predicted) - set(gold))
    errors: list[SpanError] = []
    for pair_of in (_same_place, _same_type, _overlap):
        for one in list(golds):
            other = next((each for each in predictions if pair_of(one, each)), None)
            if other is not None:
                errors.append(SpanError("boundary" if one.type == other.type else "type", one, other))
                golds.remove(one)
                predictions.remove(other)
    errors += [SpanError("missed", one, None) for one in golds]
    errors += [SpanError("invented", None, other) for other in predictions]
    return sorted(errors, key=lambda error: (error.gold or error.predicted or EntitySpan(0, 0, "")).start)


def _overlap(one: EntitySpan, other: EntitySpan) -> bool:
    return one.start < other.end and other.start < one.end


def _same_type(one: EntitySpan, other: EntitySpan) -> bool:
    return _overlap(one, other) and one.type == other.type


def _same_place(one: EntitySpan, other: EntitySpan) -> bool:
    return (one.start, one.end) == (other.start, other.end)


def mistake(name: str, task: Task, example: Example, gold: Any, prediction: TaskPrediction) -> dict[str, Any] | None:
    """A row of the file of errors, ``None`` where the prediction is right.

    ``confidence`` is what the model gave its wrong answer: the label's probability; of several labels that of the
    surest wrong decision; for spans the highest score of a wrong entity, or of the tags of the words that it missed.
    Numbers have none, but ``off_by``: how far off the answer is, as a share of the range (a tenth of it at least).
    Texts that belong together are right or wrong only among all others: see ``RankTally``.
    """
    row: dict[str, Any] = {"task": name, "source": example.source, "text": example.text}
    row |= {"text_pair": example.others[0]} if example.others and task.level == "pair" else {}
    if isinstance(prediction, Classification):
        if prediction.label == gold:
            return None
        return {**row, "gold": gold, "predicted": prediction.label, "confidence": prediction.score}
    if isinstance(prediction, Multilabel):
        given = [each.label for each in prediction.labels]
        scores = {each.label: each.score for each in prediction.scores}
        wrong = [
            scores.get(label, 0.0) if label in given else 1 - scores.get(label, 0.0) for label in {*gold} ^ {*given}
        ]
        return {**row, "gold": list(gold), "predicted": given, "confidence": max(wrong)} if wrong else None
    if isinstance(prediction, Regression | Similarity):
        return _far_off(row, task, gold, prediction)
    predicted = {EntitySpan(each.start, each.end, each.entity_group): each.score for each in prediction.entities}
    errors = span_errors(gold, predicted)
    if not errors:
        return None
    found = [_described(error, example.text, prediction, predicted) for error in errors]
    return {**row, "errors": found, "confidence": max(each["confidence"] for each in found)}


def _far_off(
    row: dict[str, Any], task: Task, gold: float, prediction: Regression | Similarity
) -> dict[str, Any] | None:
    if not isinstance(task, NumberTask):
        return None
    low, high = task.range
    if isinstance(prediction, Regression):
        answer = prediction.value
        off = abs(answer - gold) / (high - low)
    else:  # a cosine of 0 or less is not alike at all
        answer = prediction.score
        off = abs(max(answer, 0.0) - (gold - low) / (high - low))
    return {**row, "gold": gold, "predicted": answer, "off_by": off} if off >= _FAR else None


def _described(error: SpanError, text: str, prediction: Tagging, scores: Mapping[EntitySpan, float]) -> dict[str, Any]:
    if error.predicted is not None:
        confidence = scores[error.predicted]
    else:
        assert error.gold is not None
        start, end = error.gold.start, error.gold.end
        missed = [word.score for word in prediction.words if word.start < end and start < word.end]
        confidence = sum(missed) / len(missed) if missed else 0.0
    spans = {"gold": _span(error.gold, text), "predicted": _span(error.predicted, text)}
    return {"kind": error.kind, **spans, "confidence": confidence}


def _span(span: EntitySpan | None, text: str) -> dict[str, Any] | None:
    return span and {"type": span.type, "start": span.start, "end": span.end, "text": text[span.start : span.end]}


def by_confidence(mistakes: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The errors that the model was surest of first; of numbers, those that are farthest off."""
    return sorted(mistakes, key=lambda row: -row.get("off_by", row.get("confidence", 0.0)))
