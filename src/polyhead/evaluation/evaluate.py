"""One pass over examples, scored for every task that has labels. Knows no engine: it is given answers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from polyhead.data.example import Example
from polyhead.documents import Document
from polyhead.evaluation.bootstrap import intervals
from polyhead.evaluation.metrics import METRICS, precision_recall_f1
from polyhead.evaluation.mistakes import ERROR_KINDS, mistake
from polyhead.evaluation.tally import Classes, Spans, Tally, tally_of
from polyhead.kinds import Task
from polyhead.kinds.base import FloatArray


class Scored(NamedTuple):
    """An example, its words, and its logits by task."""

    example: Example
    document: Document
    logits: Mapping[str, FloatArray]


@dataclass(frozen=True, slots=True)
class TaskReport:
    """One task's metrics, with 95 % intervals if they were asked for, and the table behind them.

    That is a confusion matrix, or scores by entity type and errors by kind.
    """

    rows: int
    metrics: Mapping[str, float]
    details: Mapping[str, Any] = field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)


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
        tasks = {}
        for name, task in self.tasks.items():
            bounds = {key: list(pair) for key, pair in task.intervals.items()}
            own = {"rows": task.rows, "metrics": dict(task.metrics), **({"intervals": bounds} if bounds else {})}
            tasks[name] = {**own, **task.details}
        return {"tasks": tasks, "skipped": list(self.skipped), "truncated": self.truncated}

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> "Report":
        """The inverse of ``as_dict``."""
        tasks = {}
        for name, task in row["tasks"].items():
            bounds = {key: (low, high) for key, (low, high) in task.get("intervals", {}).items()}
            details = {key: value for key, value in task.items() if key not in ("rows", "metrics", "intervals")}
            tasks[name] = TaskReport(task["rows"], task["metrics"], details, bounds)
        return cls(tasks, row["skipped"], row["truncated"])


def evaluate(
    tasks: Mapping[str, Task],
    answers: Iterable[Scored],
    *,
    resamples: int = 0,
    on_mistake: Callable[[dict[str, Any]], None] | None = None,
) -> Report:
    """Score ``answers`` with the tasks' own labels, scheme and order.

    ``resamples`` bootstrap samples give each metric an interval; ``on_mistake`` is told of every row that went wrong,
    as ``mistakes.mistake`` describes it. Memory does not grow with the number of answers.
    """
    tallies = {name: tally_of(task) for name, task in tasks.items()}
    truncated = 0
    for example, document, logits in answers:
        truncated += document.truncated
        for name, gold in example.labels.items():
            prediction = tasks[name].decode(logits[name], document)
            tallies[name].add(gold, prediction, document)
            if on_mistake and (row := mistake(name, example, gold, prediction)):
                on_mistake(row)
    reports = {name: _report(tally, resamples) for name, tally in tallies.items() if tally.outcomes}
    return Report(reports, [name for name in tasks if name not in reports], truncated)


def _report(tally: Tally, resamples: int) -> TaskReport:
    total = tally.total()
    names = tally.task.metrics
    metrics = {name: METRICS[name](total) for name in names}
    bounds = intervals(tally, names, resamples=resamples) if resamples else {}
    return TaskReport(int(tally.counts.sum()), metrics, _details(total), bounds)


def _details(total: Classes | Spans) -> dict[str, Any]:
    if isinstance(total, Classes):
        return {"labels": list(total.labels), "confusion": total.matrix.tolist()}
    by_type = {}
    for name, counts in zip(total.types, total.spans.tolist(), strict=True):
        precision, recall, f1 = precision_recall_f1(*counts)
        by_type[name] = {"precision": precision, "recall": recall, "f1": f1, "gold": counts[2], "predicted": counts[1]}
    errors = dict(zip(ERROR_KINDS, total.errors.tolist(), strict=True))
    words = {"unseen_words": total.unseen_words, "cut_words": total.cut_words}
    return {"types": by_type, "errors": errors, **words}
