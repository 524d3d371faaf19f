"""External classifiers on a frozen encoder: scikit-learn's logistic regression and nearest neighbours.

They are fitted on what the encoder gives of the training rows (embeddings; for tagging, the state of each word's first
token), and give what a head of the task would, so that they are scored in the very same way.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from polyhead.api import Polyhead
from polyhead.data.example import Example
from polyhead.evaluation import Report, Scored, evaluate
from polyhead.inference.predictor import Row
from polyhead.kinds import IGNORED, MultilabelTask, RegressionTask, Task
from polyhead.kinds.base import FloatArray

REGRESSION, NEIGHBOURS = "logistic regression", "nearest neighbours"
Scores = Callable[[FloatArray], FloatArray]
_PENALTIES, _NEIGHBOURS = (0.1, 1.0, 10.0), (1, 5, 15, 45)
_MOST = 20_000
"""Words of the training rows that are neighbours; brute force over more takes long."""


class Frozen:
    """The texts of every split as the encoder sees them, each read once."""

    def __init__(self, model: Polyhead, splits: Mapping[str, Sequence[Example]]) -> None:
        self._model = model
        self._rows = {split: list(self._read(examples)) for split, examples in splits.items()}

    def _read(self, examples: Sequence[Example]) -> Iterator[tuple[Example, Row, Row | None]]:
        tagging = [name for name, task in self._model.tasks.items() if task.level == "token"]
        heads = list(self._model.tasks)
        labelled = [each for each in examples if each.labels]
        rows = self._model.predictor.rows(labelled, tasks=heads, token_states=bool(tagging))
        seconds = [Example(each.others[0]) for each in labelled if each.others]
        others = iter(self._model.predictor.rows(seconds))
        for example, row in zip(labelled, rows, strict=True):
            yield example, row, next(others) if example.others else None

    def reports(self, split: str) -> dict[str, tuple[Report, Report]]:
        """By classifier: its report on validation data and on ``split``; its setting is chosen on the former."""
        tasks = {name: task for name, task in self._model.tasks.items() if task.kind not in ("similarity", "pairs")}
        found = {}
        for name, settings in ((REGRESSION, _PENALTIES), (NEIGHBOURS, _NEIGHBOURS)):
            answers = {part: self._own(part) for part in ("validation", split)}
            for task_name, task in tasks.items():
                scores = self._best(name, settings, task_name, task)
                for part, own in answers.items():
                    for position, logits in self._logits(part, task_name, task, scores):
                        own[position] = own[position]._replace(logits={**own[position].logits, task_name: logits})
            validation, other = (evaluate(self._model.tasks, answers[part]) for part in ("validation", split))
            found[name] = (validation, other)
        return found

    def _best(self, name: str, settings: Sequence[float], task_name: str, task: Task) -> Scores:
        """Fitted with the setting that is best on validation data."""
        best: tuple[float, Scores] | None = None
        for setting in settings:
            scores = self._fit(name, setting, task_name, task)
            own = self._own("validation")
            answers = [
                own[position]._replace(logits={task_name: logits})
                for position, logits in self._logits("validation", task_name, task, scores)
            ]
            report = evaluate({task_name: task}, [_only(each, task_name) for each in answers]).tasks.get(task_name)
            worth = -np.inf if report is None else _worth(report.metrics, task.metrics[0])
            if best is None or worth > best[0]:
                best = (worth, scores)
        assert best is not None
        return best[1]

    def _own(self, split: str) -> list[Scored]:
        """The heads' own answers, in which those of the classifiers are put."""
        return [Scored(example, row.document, dict(row.logits)) for example, row, _ in self._rows[split]]

    def _fit(self, name: str, setting: float, task_name: str, task: Task) -> Scores:
        inputs, targets = [], []
        for _, example, row, other in self._labelled("train", task_name):
            target = task.target(example.labels[task_name], row.document)
            features, chosen = _features(task, row, other, target)
            inputs.append(features)
            targets.append(target[chosen] if task.level == "token" else target[None])
        return fit(name, setting, task, np.concatenate(inputs), np.concatenate(targets))

    def _logits(self, split: str, task_name: str, task: Task, scores: Scores) -> Iterator[tuple[int, FloatArray]]:
        """The row's place and its logits, of every row that has a label."""
        places, inputs = [], []
        for position, _, row, other in self._labelled(split, task_name):
            features, chosen = _features(task, row, other, _words(task, row) if task.level == "token" else None)
            places.append((position, row, chosen))
            inputs.append(features)
        if not inputs:
            return
        answers = np.split(scores(np.concatenate(inputs)), np.cumsum([len(each) for each in inputs])[:-1])
        for (position, row, chosen), own in zip(places, answers, strict=True):
            if task.level == "token":
                logits = np.zeros((row.document.tokens, len(task.outputs)), dtype=np.float32)
                logits[chosen] = own
                yield position, logits
            else:
                yield position, own[0]

    def _labelled(self, split: str, task_name: str) -> Iterator[tuple[int, Example, Row, Row | None]]:
        for position, (example, row, other) in enumerate(self._rows[split]):
            if task_name in example.labels:
                yield position, example, row, other


def fit(name: str, setting: float, task: Task, inputs: FloatArray, targets: Any) -> Scores:
    """A classifier or regressor; what it returns gives logits as a head of ``task`` does.

    *Shapes:* (rows, width), (rows,) or (rows, labels); → (rows, outputs).
    """
    neighbours = name == NEIGHBOURS
    if neighbours and len(inputs) > _MOST:
        some = np.random.default_rng(0).permutation(len(inputs))[:_MOST]
        inputs, targets = inputs[some], targets[some]
    near = {"n_neighbors": min(int(setting), len(inputs)), "metric": "cosine"} if neighbours else {}
    if isinstance(task, RegressionTask):
        regressor = KNeighborsRegressor(**near) if neighbours else Ridge(1 / setting)
        regressor.fit(inputs, targets)
        return lambda rows: regressor.predict(rows).reshape(-1, 1).astype(np.float32)
    regression = make_pipeline(StandardScaler(), LogisticRegression(C=setting, max_iter=300))
    if isinstance(task, MultilabelTask):
        several = KNeighborsClassifier(**near) if neighbours else OneVsRestClassifier(regression)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of labels that all rows have, or none
            several.fit(inputs, targets)
        return lambda rows: _logits(_of_each_label(several.predict_proba(rows), len(rows)))
    classifier = KNeighborsClassifier(**near) if neighbours else regression
    classifier.fit(inputs, targets)

    def scores(rows: FloatArray) -> FloatArray:
        found = np.full((len(rows), len(task.outputs)), 1e-6, dtype=np.float32)
        found[:, classifier.classes_] = np.maximum(classifier.predict_proba(rows), 1e-6)
        logs: FloatArray = np.log(found)
        return logs

    return scores


def _only(scored: Scored, task_name: str) -> Scored:
    example = scored.example
    return scored._replace(example=replace(example, labels={task_name: example.labels[task_name]}))


def _words(task: Task, row: Row) -> Any:
    """A target that is there at every word's first token. *Shape:* (tokens,)."""
    found = np.full(row.document.tokens, IGNORED, dtype=np.int64)
    first = row.document.words[task.splitter or ""].first
    found[first[first >= 0]] = 0
    return found


def _features(task: Task, row: Row, other: Row | None, target: Any) -> tuple[FloatArray, Any]:
    """What is classified of one row, and where it stands. *Shape:* (things, width)."""
    if task.level == "token":
        assert row.tokens is not None
        chosen = np.flatnonzero(target != IGNORED)
        return row.tokens[chosen], chosen
    if task.level == "pair" and other is not None:
        first, second = row.embedding, other.embedding
        return np.concatenate([first, second, np.abs(first - second)])[None], None
    return row.embedding[None], None


def _of_each_label(found: Any, rows: int) -> FloatArray:
    """The probability of each label's presence, in one of the two forms that scikit-learn gives it."""
    if isinstance(found, list):
        columns = [each[:, 1] if each.shape[1] > 1 else np.zeros(rows) for each in found]
        return np.stack(columns, axis=1)
    return np.asarray(found)


def _logits(probabilities: FloatArray) -> FloatArray:
    clipped = np.clip(probabilities, 1e-6, 1 - 1e-6)
    logits: FloatArray = np.log(clipped / (1 - clipped)).astype(np.float32)
    return logits


def _worth(metrics: Any, name: str) -> float:
    value = float(metrics[name])
    return -value if name == "mae" else value
