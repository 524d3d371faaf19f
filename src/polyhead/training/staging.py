"""Which of its plan's stages a run is in."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from polyhead.training.optimizer import rate_factor
from polyhead.training.plans import Stage
from polyhead.training.settings import TrainingSettings


class Staging:
    """The current stage, the step with which it began, and how long it has waited for a better score."""

    def __init__(
        self, stages: Sequence[Stage], settings: TrainingSettings, *, epoch: int, state: Mapping[str, Any] | None = None
    ) -> None:
        self._stages = stages
        self._settings = settings
        self._epoch = epoch
        """Steps of an epoch."""
        state = state or {}
        self.number: int = state.get("number", 0)
        self.began: int = state.get("began", 0)
        self.best: float | None = state.get("best")
        self.waited: int = state.get("waited", 0)

    def state(self) -> dict[str, Any]:
        """What a checkpoint must remember."""
        return {"number": self.number, "began": self.began, "best": self.best, "waited": self.waited}

    @property
    def stage(self) -> Stage:
        """The current one."""
        return self._stages[self.number]

    @property
    def last(self) -> bool:
        """Whether no other follows."""
        return self.number == len(self._stages) - 1

    @property
    def epochs(self) -> int:
        """How many epochs the current stage lasts at most."""
        end = self._settings.epochs + 1
        following = None if self.last else self._stages[self.number + 1].epoch
        return (end if following is None else min(end, following)) - (self.began // self._epoch + 1)

    def factor(self, step: int) -> float:
        """What the rates are multiplied with at this step of the run, from 0.

        Every stage warms up; rates are held until the last one, and decay from its beginning to the run's end.
        """
        steps = self._epoch * self._settings.epochs - self.began if self.last else self._epoch
        return rate_factor(self._settings, step - self.began, steps=steps, decays=self.last)

    def epoch_ended(self, step: int, score: float) -> bool:
        """Take the score at the end of an epoch, after so many steps; whether another stage begins."""
        if self.last:
            return False
        if self.best is None or score > self.best:
            self.best, self.waited = (score if math.isfinite(score) else self.best), 0
        else:
            self.waited += 1
        following = self._stages[self.number + 1]
        if following.epoch is None:
            late = step >= following.latest * self._epoch * self._settings.epochs
            due = self.waited >= following.patience or late
        else:
            due = step >= (following.epoch - 1) * self._epoch
        if due:
            self.number, self.began, self.waited = self.number + 1, step, 0
        return due
