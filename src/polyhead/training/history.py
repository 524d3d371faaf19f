"""The record of a run on disk: ``metrics.jsonl``, a line every few steps and one an epoch."""

import json
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from polyhead.errors import UserError
from polyhead.training.result import EpochReport, StepReport

METRICS_FILE = "metrics.jsonl"


class History:
    """Writes lines as they come, so that an interrupted run has its history."""

    def __init__(self, folder: Path, *, every: int) -> None:
        self._path = folder / METRICS_FILE
        self._every = every
        self._window: dict[str, list[float]] = {}
        self._epoch: dict[str, list[float]] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._path.write_text("", encoding="utf-8")
        except OSError as error:
            raise UserError(f"{folder}: cannot be written ({error.strerror or error})") from None

    def step(self, report: StepReport) -> None:
        """Take one step's losses; write their means every few steps."""
        for name, loss in report.losses.items():
            self._window.setdefault(name, []).append(loss)
            self._epoch.setdefault(name, []).append(loss)
        if report.step % self._every == 0 or report.step == report.steps:
            means = {f"train_{name}_loss": value for name, value in _means(self._window).items()}
            rate = report.learning_rate
            self._write({"step": report.step, "epoch": report.epoch, "learning_rate": rate, **means})
            self._window = {}

    def epoch_losses(self) -> dict[str, float]:
        """Each task's mean training loss over the epoch so far, and a new epoch's beginning."""
        means = _means(self._epoch)
        self._epoch = {}
        return means

    def epoch(self, report: EpochReport) -> None:
        """Write an epoch's validation losses and metrics."""
        losses = {f"eval_{name}_loss": value for name, value in report.losses.items()}
        metrics = {f"eval_{name.replace('.', '_')}": value for name, value in report.report.metrics().items()}
        head: dict[str, Any] = {"step": report.step, "epoch": report.epoch, "eval_loss": report.loss}
        tail = {"score": report.score, "best": report.best, "seconds": round(report.seconds, 3)}
        self._write({**head, **losses, **metrics, **tail})

    def _write(self, row: Mapping[str, Any]) -> None:
        clean = {key: None if isinstance(value, float) and not isfinite(value) else value for key, value in row.items()}
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(clean) + "\n")
        except OSError as error:
            raise UserError(f"{self._path}: cannot be written ({error.strerror or error})") from None


def _means(values: Mapping[str, list[float]]) -> dict[str, float]:
    return {name: sum(losses) / len(losses) for name, losses in values.items()}
