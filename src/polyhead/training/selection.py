"""Which evaluation is the best, and when to stop waiting for a better one."""

import math
from collections.abc import Mapping
from typing import Any

from polyhead.errors import UserError
from polyhead.evaluation import EXACT_ROWS, Report
from polyhead.kinds import Task
from polyhead.training.settings import Score

LESS_IS_BETTER = (".mae",)


def check_score(score: Score | None, tasks: Mapping[str, Task]) -> None:
    """Refuse a score that names no metric of these tasks.

    Raises:
        UserError: it does.
    """
    known = ["loss", *(f"{name}.{metric}" for name, task in tasks.items() for metric in task.metrics), EXACT_ROWS]
    for name in [score] if isinstance(score, str) else list(score or ()):
        if name not in known:
            raise UserError(f"training.score: must be of {', '.join(known)}; found {name!r}")
    if isinstance(score, dict) and not sum(score.values()) > 0:
        raise UserError(f"training.score: the weights must have a sum above 0, found {sum(score.values())}")


def score_of(score: Score | None, tasks: Mapping[str, Task], report: Report, loss: float) -> float:
    """The number to maximise: a metric, a weighted mean of metrics, or the negative validation loss.

    Where no row has validation labels for what the score names, it is NaN.
    """
    metrics = {name: -value if name.endswith(LESS_IS_BETTER) else value for name, value in report.metrics().items()}
    metrics["loss"] = -loss
    if score is None:
        weights = {f"{name}.{tasks[name].metrics[0]}": 1.0 for name in report.tasks}
    else:
        weights = {score: 1.0} if isinstance(score, str) else dict(score)
    if not weights or any(name not in metrics for name in weights):
        return math.nan
    return sum(metrics[name] * weight for name, weight in weights.items()) / sum(weights.values())


class Selection:
    """Remembers the best score.

    Without any score (no validation data) every evaluation counts as the best so far; after a first score,
    one without (its loss is not a number) does not. One that does not hold the embedding is never better than one that
    does; among such, the best is the one whose embedding is least worse.
    """

    def __init__(self, patience: int | None, state: Mapping[str, Any] | None = None) -> None:
        self.patience = patience
        self.best: float | None = state["best"] if state else None
        self.held: bool = state["held"] if state else True
        self.seen: bool = state["seen"] if state else False
        self.waited: int = state["waited"] if state else 0

    def state(self) -> dict[str, Any]:
        """What a checkpoint must remember."""
        return {"best": self.best, "held": self.held, "seen": self.seen, "waited": self.waited}

    def update(self, score: float, *, waits: bool = True, worse: float | None = None) -> bool:
        """Take an evaluation's score; whether it is the best. Patience is not used up unless it ``waits``.

        ``worse`` is by how much the embedding is worse than the original where that is more than is allowed.
        """
        held = worse is None
        value = score if worse is None else -worse
        finite = math.isfinite(value)
        greater = self.best is None or (finite and value > self.best)
        better = held if self.seen and held != self.held else greater
        if better:
            self.best, self.held = (value if finite else None), held
        self.seen = True
        self.waited = 0 if better or not waits else self.waited + 1
        return better

    @property
    def exhausted(self) -> bool:
        """Whether patience is at an end."""
        return self.patience is not None and self.waited >= self.patience
