"""One pass over examples, scored for every task that has labels. Knows no engine: it is given answers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from polyhead.data.example import Example
from polyhead.documents import Document
from polyhead.evaluation.compare import COMPARERS, Classes, Spans
from polyhead.evaluation.metrics import METRICS, confusion, counts_by_type, precision_recall_f1
from polyhead.kinds import Task
from polyhead.kinds.base import FloatArray


class Scored(NamedTuple):
    """A text's words and its logits by task."""

    document: Document
    logits: Mapping[str, FloatArray]


@dataclass(frozen=True, slots=True)
class TaskReport:
    """One task's metrics, and the table behind them: a confusion matrix, or scores by entity type."""

    rows: int
    metrics: Mapping[str, float]
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """Every task's report; ``skipped`` are heads without data, ``truncated`` texts that were longer than the limit."""

    tasks: Mapping[str, TaskReport]
    skipped: Sequence[str] = ()
    truncated: int = 0

    def metrics(self) -> dict[str, float]:
        """All metrics as ``task.metric``."""
        return {f"{name}.{key}": value for name, task in self.tasks.items() for key, value in task.metrics.items()}

    def as_dict(self) -> dict[str, Any]:
        """A JSON-ready form."""
        tasks = {
            name: {"rows": task.rows, "metrics": dict(task.metrics), **task.details}
            for name, task in self.tasks.items()
        }
        return {"tasks": tasks, "skipped": list(self.skipped), "truncated": self.truncated}


def evaluate(tasks: Mapping[str, Task], examples: Sequence[Example], answers: Iterable[Scored]) -> Report:
    """Score ``answers``, which come in the order of ``examples``, with the tasks' own labels, scheme and order."""
    golds: dict[str, list[Any]] = {name: [] for name in tasks}
    predictions: dict[str, list[Any]] = {name: [] for name in tasks}
    documents: dict[str, list[Document]] = {name: [] for name in tasks}
    truncated = 0
    for example, answer in zip(examples, answers, strict=True):
        truncated += answer.document.truncated
        for name, gold in example.labels.items():
            golds[name].append(gold)
            predictions[name].append(tasks[name].decode(answer.logits[name], answer.document))
            documents[name].append(answer.document)
    reports = {
        name: _report(task, golds[name], predictions[name], documents[name])
        for name, task in tasks.items()
        if golds[name]
    }
    return Report(reports, [name for name in tasks if name not in reports], truncated)


def _report(task: Task, golds: Sequence[Any], predictions: Sequence[Any], documents: Sequence[Document]) -> TaskReport:
    compared = COMPARERS[task.kind](task, golds, predictions, documents)
    metrics = {name: METRICS[name](compared) for name in task.metrics}
    return TaskReport(len(golds), metrics, _details(compared))


def _details(compared: Classes | Spans) -> dict[str, Any]:
    if isinstance(compared, Classes):
        return {"labels": list(compared.labels), "confusion": confusion(compared).tolist()}
    by_type = {}
    for name, counts in counts_by_type(compared).items():
        precision, recall, f1 = precision_recall_f1(*counts)
        by_type[name] = {"precision": precision, "recall": recall, "f1": f1, "gold": counts[2], "predicted": counts[1]}
    return {"types": by_type, "unseen_words": compared.unseen_words}
