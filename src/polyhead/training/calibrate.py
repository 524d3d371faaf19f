"""After training: what makes the heads' scores probabilities, fitted on validation data and stored with the heads."""

from collections.abc import Iterable, Mapping

import numpy as np

from polyhead.evaluation.calibration import fit_temperature, joined, label_thresholds
from polyhead.kinds import Calibrated, MultilabelTask, Task
from polyhead.kinds.base import Decisions
from polyhead.kinds.multilabel import sigmoid
from polyhead.training.activations.rows import Source
from polyhead.training.forward import Answers
from polyhead.training.prepare import Prepared

_MOST = 200_000
"""Decisions of a head that are enough to fit one number."""


def calibrated(prepared: Prepared, tasks: Mapping[str, Task], sources: Iterable[Source]) -> dict[str, Task]:
    """The tasks with a temperature each, and thresholds where several labels are given; as they were if not taught."""
    found: dict[str, list[Decisions]] = {}
    counts: dict[str, int] = {}
    for example, document, logits in Answers(prepared.forward, prepared.collate, sources):
        for name, gold in example.labels.items():
            task = tasks[name]
            if name in prepared.taught and isinstance(task, Calibrated) and counts.get(name, 0) < _MOST:
                decisions = task.decisions(logits[name], gold, document)
                if decisions is not None and len(decisions.targets):
                    found.setdefault(name, []).append(decisions)
                    counts[name] = counts.get(name, 0) + len(decisions.targets)
    return {name: _fitted(task, found[name]) if name in found else task for name, task in tasks.items()}


def _fitted(task: Task, parts: list[Decisions]) -> Task:
    decisions = joined(parts)
    temperature = fit_temperature(decisions)
    changes: dict[str, object] = {"temperature": temperature}
    if isinstance(task, MultilabelTask):
        logits = decisions.logits[:, 1].reshape(-1, len(task.labels))
        scores = sigmoid((logits / temperature).astype(np.float32))
        gold = decisions.targets.reshape(scores.shape) == 1
        changes["thresholds"] = dict(zip(task.labels, label_thresholds(scores, gold).tolist(), strict=True))
    return task.model_copy(update=changes)
