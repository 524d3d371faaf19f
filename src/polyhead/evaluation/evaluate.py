"""One pass over examples, scored for every task that has labels. Knows no engine: it is given answers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from polyhead.data.example import Example
from polyhead.data.scored import Scored
from polyhead.documents import Document
from polyhead.evaluation.bootstrap import intervals, share_interval
from polyhead.evaluation.calibration import Reliability, joined
from polyhead.evaluation.details import details_of
from polyhead.evaluation.metrics import metric
from polyhead.evaluation.mistakes import CHOOSING, mistake
from polyhead.evaluation.tallies import Tally, tally_of
from polyhead.kinds import Calibrated, Task
from polyhead.kinds.base import Decisions, FloatArray

EXACT_ROWS = "exact_rows"
"""The share of rows with labels of several tasks of which every answer is right."""


_TOGETHER = 1024
"""Rows whose decisions are counted together."""


@dataclass(frozen=True, slots=True)
class TaskReport:
    """One task's metrics, with 95 % intervals if they were asked for, and the tables behind them (``details_of``)."""

    rows: int
    metrics: Mapping[str, float]
    details: Mapping[str, Any] = field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """Every task's report; ``skipped`` are heads without data, ``truncated`` texts that were longer than the limit.

    ``exact_rows`` (right, rows) counts rows that have labels of several tasks, and those of which all answers are
    right: SNIPS calls it sentence accuracy.
    """

    tasks: Mapping[str, TaskReport]
    skipped: Sequence[str] = ()
    truncated: int = 0
    exact_rows: tuple[int, int] = (0, 0)
    exact_interval: tuple[float, float] | None = None

    def metrics(self) -> dict[str, float]:
        """All metrics as ``task.metric``, and ``exact_rows`` where rows have labels of several tasks."""
        own = {f"{name}.{key}": value for name, task in self.tasks.items() for key, value in task.metrics.items()}
        right, rows = self.exact_rows
        return {**own, **({EXACT_ROWS: right / rows} if rows else {})}

    def as_dict(self) -> dict[str, Any]:
        """A JSON-ready form."""
        tasks = {}
        for name, task in self.tasks.items():
            bounds = {key: list(pair) for key, pair in task.intervals.items()}
            own = {"rows": task.rows, "metrics": dict(task.metrics), **({"intervals": bounds} if bounds else {})}
            tasks[name] = {**own, **task.details}
        whole = {"exact_rows": list(self.exact_rows), "exact_interval": self.exact_interval and [*self.exact_interval]}
        return {"tasks": tasks, "skipped": list(self.skipped), "truncated": self.truncated, **whole}

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> "Report":
        """The inverse of ``as_dict``."""
        tasks = {}
        for name, task in row["tasks"].items():
            bounds = {key: (low, high) for key, (low, high) in task.get("intervals", {}).items()}
            details = {key: value for key, value in task.items() if key not in ("rows", "metrics", "intervals")}
            tasks[name] = TaskReport(task["rows"], task["metrics"], details, bounds)
        (right, rows), bounds = row["exact_rows"], row["exact_interval"]
        return cls(tasks, row["skipped"], row["truncated"], (right, rows), bounds and (bounds[0], bounds[1]))


def evaluate(
    tasks: Mapping[str, Task],
    answers: Iterable[Scored],
    *,
    resamples: int = 0,
    reliability: bool = True,
    on_mistake: Callable[[dict[str, Any]], None] | None = None,
) -> Report:
    """Score ``answers`` with the tasks' own labels, scheme and order.

    ``resamples`` bootstrap samples give each metric an interval; ``reliability`` counts how far scores are
    probabilities (``calibration`` among the details), which takes as long as all other counting; ``on_mistake`` is told
    of every row that went wrong, as ``mistakes.mistake`` describes it. Memory does not grow with the number of answers,
    but for tasks whose metrics rank all of them (numbers, label scores, embeddings).
    """
    counts = {name: _Counts(name, task, reliability=reliability) for name, task in tasks.items()}
    told = on_mistake or (lambda row: None)
    truncated = right = aligned = 0
    for example, document, logits in answers:
        truncated += document.cut_texts
        wrong = [
            row
            for name, gold in example.labels.items()
            if (row := counts[name].add(example, gold, document, logits[name]))
        ]
        several = sum(tasks[name].kind in CHOOSING for name in example.labels) > 1
        aligned += several
        right += several and not any(tasks[row["task"]].kind in CHOOSING for row in wrong)
        for row in wrong:
            told(row)
    for each in counts.values() if on_mistake else ():
        for row in each.tally.mistakes(each.name) if each.rows else ():
            told(row)
    reports = {name: each.report(resamples) for name, each in counts.items() if each.rows}
    bounds = share_interval(right, aligned, resamples=resamples) if resamples and aligned else None
    return Report(reports, [name for name in tasks if name not in reports], truncated, (right, aligned), bounds)


class _Counts:
    """What is counted of one task: its tally, and how far its scores are probabilities."""

    def __init__(self, name: str, task: Task, *, reliability: bool) -> None:
        self.name = name
        self.task = task
        self._reliability = reliability
        self.tally: Tally = tally_of(task)
        self.rows = 0
        self._before = Reliability()
        self._after = Reliability()
        self._decisions: list[Decisions] = []

    def add(self, example: Example, gold: Any, document: Document, logits: FloatArray) -> dict[str, Any] | None:
        """Count one row's answer; what is wrong with it, if anything."""
        prediction = self.task.decode(logits, document)
        self.rows += 1
        self.tally.add(example, gold, prediction, document, logits)
        decisions = self.task.decisions(logits, gold, document) if self._reliability else None
        if decisions is not None:
            self._decisions.append(decisions)
        if len(self._decisions) == _TOGETHER:
            self._calibrate()
        return mistake(self.name, self.task, example, gold, prediction)

    def _calibrate(self) -> None:
        """Count the decisions that have come together: row by row it would take longer than all the rest."""
        if self._decisions and isinstance(self.task, Calibrated):
            decisions = joined(self._decisions)
            self._before.add(decisions, 1.0)
            self._after.add(decisions, self.task.temperature)
        self._decisions = []

    def report(self, resamples: int) -> TaskReport:
        """The metrics of everything that was counted."""
        self._calibrate()
        totals = self.tally.totals()
        total, names = totals(self.tally.counts), self.task.metrics
        details = details_of(total)
        if self._before.count.any():
            temperature = self.task.temperature if isinstance(self.task, Calibrated) else 1.0
            errors = {"ece_before": self._before.error, "ece": self._after.error, "bins": self._after.bins()}
            details = {**details, "calibration": {"temperature": temperature, **errors}}
        bounds = intervals(totals, self.tally.counts, names, resamples=resamples) if resamples else {}
        return TaskReport(self.rows, {name: metric(name, total) for name in names}, details, bounds)
