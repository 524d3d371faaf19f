"""External classifiers on a frozen encoder: scikit-learn's logistic regression and nearest neighbours.

They are fitted on what the encoder gives of the training rows (embeddings; for tagging, the state of each word's first
token), and give what a head of the task would, so that they are scored in the very same way.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple
from warnings import catch_warnings, simplefilter

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from polyhead.api import Polyhead
from polyhead.data.example import Example
from polyhead.documents import Document, IntArray
from polyhead.evaluation import Report, Scored, evaluate
from polyhead.kinds import IGNORED, MultilabelTask, RegressionTask, Task
from polyhead.kinds.base import FloatArray

REGRESSION, NEIGHBOURS = "logistic regression", "nearest neighbours"
Scores = Callable[[FloatArray], FloatArray]
_OF_THE_EMBEDDING = ("similarity", "pairs")
_PENALTIES, _NEIGHBOURS = (0.1, 1.0, 10.0), (1, 5, 15, 45)
_MOST = 20_000
"""Words of the training rows that are neighbours; brute force over more takes long."""


class Seen(NamedTuple):
    """A row as the encoder sees it: embeddings of its first and second text, the states of its words' first tokens.

    *Shapes:* (width,), (width,), (words with a token, hidden).
    """

    example: Example
    document: Document
    logits: Mapping[str, FloatArray]
    embedding: FloatArray
    other: FloatArray | None
    words: Mapping[str, FloatArray]


class Frozen:
    """The texts of every split as the encoder sees them, each read once; rows of stored embeddings are left out."""

    def __init__(
        self,
        model: Polyhead,
        splits: Mapping[str, Sequence[Example]],
        advance: Callable[[int], None] = lambda count: None,
    ) -> None:
        self._model = model
        self._rows = {split: list(self._read(examples, advance)) for split, examples in splits.items()}

    def _read(self, examples: Sequence[Example], advance: Callable[[int], None]) -> Iterator[Seen]:
        tagging = {name: task for name, task in self._model.tasks.items() if task.level == "token"}
        labelled = [each for each in examples if each.labels and each.vector is None]
        prompt = self._model.pretrained.settings.prompt_text()
        predictor = self._model.predictor
        rows = predictor.rows(labelled, tasks=list(self._model.tasks), prompt=prompt, token_states=bool(tagging))
        seconds = [Example(each.others[0]) for each in labelled if each.others]
        others = iter(predictor.rows(seconds, prompt=prompt))
        for example, row in zip(labelled, rows, strict=True):
            words = {}
            for name, task in tagging.items():
                if name in example.labels and row.tokens is not None:
                    words[name] = row.tokens[_firsts(task, row.document)].copy()
            second = next(others).embedding if example.others else None
            advance(1)
            yield Seen(example, row.document, row.logits, row.embedding, second, words)

    def reports(self, *splits: str) -> dict[str, dict[str, Report]]:
        """By classifier, whose setting is chosen on validation data: its report on each of ``splits``."""
        tasks = {
            name: task
            for name, task in self._model.tasks.items()
            if task.kind not in _OF_THE_EMBEDDING and any(self._labelled("train", name))
        }
        embedded = [name for name, task in self._model.tasks.items() if task.kind in _OF_THE_EMBEDDING]
        found = {}
        for name, settings in ((REGRESSION, _PENALTIES), (NEIGHBOURS, _NEIGHBOURS)):
            answers = {part: self._own(part, {*tasks, *embedded}) for part in splits}
            for task_name, task in tasks.items():
                scores = self._best(name, settings, task_name, task)
                for part, own in answers.items():
                    for position, logits in self._logits(part, task_name, task, scores):
                        own[position] = own[position]._replace(logits={**own[position].logits, task_name: logits})
            found[name] = {part: evaluate(self._model.tasks, own) for part, own in answers.items()}
        return found

    def _best(self, name: str, settings: Sequence[float], task_name: str, task: Task) -> Scores:
        """Fitted with the setting that is best on validation data."""
        best: tuple[float, Scores] | None = None
        for setting in settings:
            scores = self._fit(name, setting, task_name, task)
            own = self._own("validation", {task_name})
            answers = [
                own[position]._replace(logits={task_name: logits})
                for position, logits in self._logits("validation", task_name, task, scores)
            ]
            report = evaluate({task_name: task}, answers).tasks.get(task_name)
            worth = -np.inf if report is None else _worth(report.metrics, task.metrics[0])
            if best is None or worth > best[0]:
                best = (worth, scores)
        assert best is not None
        return best[1]

    def _own(self, split: str, tasks: Collection[str]) -> list[Scored]:
        """Rows with the labels of ``tasks`` alone, and the heads' answers to them, which are to be replaced."""
        return [
            Scored(replace(each.example, labels=_some(each.example.labels, tasks)), each.document, each.logits)
            for each in self._rows[split]
        ]

    def _fit(self, name: str, setting: float, task_name: str, task: Task) -> Scores:
        inputs, targets = [], []
        for _, row in self._labelled("train", task_name):
            target = task.target(row.example.labels[task_name], row.document)
            features = _features(task_name, task, row)
            if task.level == "token":
                own = target[_firsts(task, row.document)]
                inputs.append(features[own != IGNORED])
                targets.append(own[own != IGNORED])
            else:
                inputs.append(features)
                targets.append(target[None])
        return fit(name, setting, task, np.concatenate(inputs), np.concatenate(targets))

    def _logits(self, split: str, task_name: str, task: Task, scores: Scores) -> Iterator[tuple[int, FloatArray]]:
        """The row's place and its logits, of every row that has a label."""
        rows = list(self._labelled(split, task_name))
        if not rows:
            return
        inputs = [_features(task_name, task, row) for _, row in rows]
        answers = np.split(scores(np.concatenate(inputs)), np.cumsum([len(each) for each in inputs])[:-1])
        for (position, row), own in zip(rows, answers, strict=True):
            if task.level == "token":
                logits = np.zeros((row.document.tokens, len(task.outputs)), dtype=np.float32)
                logits[_firsts(task, row.document)] = own
                yield position, logits
            else:
                yield position, own[0]

    def _labelled(self, split: str, task_name: str) -> Iterator[tuple[int, Seen]]:
        for position, row in enumerate(self._rows[split]):
            if task_name in row.example.labels:
                yield position, row


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

    def probabilities(wanted: Any, classes: int) -> Scores:
        """A classifier's; where the training rows have one class alone, that one's. *Shape:* (rows, classes)."""
        there = np.unique(wanted)
        model = KNeighborsClassifier(**near) if neighbours else _regression(setting)
        if len(there) > 1:
            with catch_warnings():  # what has not converged is chosen only if it is the best all the same
                simplefilter("ignore", ConvergenceWarning)
                model.fit(inputs, wanted)

        def of(rows: FloatArray) -> FloatArray:
            found = np.zeros((len(rows), classes), dtype=np.float32)
            found[:, there] = model.predict_proba(rows) if len(there) > 1 else 1.0
            return np.clip(found, 1e-6, 1 - 1e-6)

        return of

    if isinstance(task, MultilabelTask):
        each = [probabilities(column, 2) for column in targets.T]
        return lambda rows: np.stack([_logits(of(rows)[:, 1]) for of in each], axis=1)
    own = probabilities(targets, len(task.outputs))
    return lambda rows: np.log(own(rows))


def _regression(setting: float) -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression(C=setting, max_iter=300))


def _some(values: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name in names}


def _firsts(task: Task, document: Document) -> IntArray:
    """The first token of each word that has one. *Shape:* (words,)."""
    first = document.words[task.splitter or ""].first
    return first[first >= 0]


def _features(task_name: str, task: Task, row: Seen) -> FloatArray:
    """What is classified of one row. *Shape:* (things, width)."""
    if task.level == "token":
        return row.words[task_name]
    if task.level == "pair" and row.other is not None:
        return np.concatenate([row.embedding, row.other, np.abs(row.embedding - row.other)])[None]
    return row.embedding[None]


def _logits(probabilities: FloatArray) -> FloatArray:
    clipped = np.clip(probabilities, 1e-6, 1 - 1e-6)
    logits: FloatArray = np.log(clipped / (1 - clipped)).astype(np.float32)
    return logits


def _worth(metrics: Any, name: str) -> float:
    value = float(metrics[name])
    return -value if name == "mae" else value
