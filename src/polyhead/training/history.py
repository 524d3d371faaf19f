"""The record of a run on disk: ``metrics.jsonl``, a line every few steps and one an evaluation."""

import json
import os
from collections.abc import Callable, Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from polyhead.errors import UserError
from polyhead.folder.files import sync
from polyhead.kinds import EMBEDDING
from polyhead.training.result import EvaluationReport, StepReport

METRICS_FILE = "metrics.jsonl"


class Means:
    """Running means of tasks' losses."""

    def __init__(self, sums: Mapping[str, tuple[float, int]] | None = None) -> None:
        self.sums = {name: (float(total), int(count)) for name, (total, count) in (sums or {}).items()}

    def add(self, losses: Mapping[str, float]) -> None:
        """Take one step's losses."""
        for name, loss in losses.items():
            total, count = self.sums.get(name, (0.0, 0))
            self.sums[name] = (total + loss, count + 1)

    def take(self) -> dict[str, float]:
        """The means so far; after that they begin anew."""
        means = {name: total / count for name, (total, count) in self.sums.items()}
        self.sums = {}
        return means


class History:
    """Writes lines as they come, so that an interrupted run has its history.

    ``state`` is what ``state()`` gave when a checkpoint was written: what was written after it is cut off.
    """

    def __init__(
        self,
        folder: Path,
        *,
        every: int,
        on_log: Callable[[Mapping[str, Any]], None] = lambda row: None,
        state: Mapping[str, Any] | None = None,
    ) -> None:
        self._path = folder / METRICS_FILE
        self._every = every
        self._on_log = on_log
        self._recent = Means(state["recent"] if state else None)
        self._since_evaluation = Means(state["since_evaluation"] if state else None)
        self._size = state["size"] if state else 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if self._size and not (self._path.is_file() and self._path.stat().st_size >= self._size):
                raise UserError(
                    f"{self._path}: is gone or shorter than when the checkpoint was written; put it back, or train anew"
                )
            with open(self._path, "ab") as file:
                file.truncate(self._size)
        except OSError as error:
            raise UserError(f"{folder}: cannot be written ({error.strerror or error})") from None

    def state(self) -> dict[str, Any]:
        """What a checkpoint must remember; the disk holds the lines when this returns."""
        sync(self._path)
        sums = {"recent": self._recent.sums, "since_evaluation": self._since_evaluation.sums}
        return {"size": self._size, **sums}

    def step(self, report: StepReport) -> None:
        """Take one step's losses; write their means every few steps."""
        if not report.skipped:
            self._recent.add(report.losses)
            self._since_evaluation.add(report.losses)
        if report.step % self._every == 0 or report.step == report.steps:
            means = {f"train_{name}_loss": value for name, value in self._recent.take().items()}
            rate = report.learning_rate
            self._write({"step": report.step, "epoch": report.epoch, "learning_rate": rate, **means})

    def losses_since_evaluation(self) -> dict[str, float]:
        """Each task's mean training loss since this was asked last."""
        return self._since_evaluation.take()

    def evaluation(self, report: EvaluationReport) -> None:
        """Write an evaluation's losses and metrics."""
        losses = {f"eval_{name}_loss": value for name, value in report.losses.items()}
        metrics = {f"eval_{name.replace('.', '_')}": value for name, value in report.report.metrics().items()}
        head: dict[str, Any] = {"step": report.step, "epoch": report.epoch, "eval_loss": report.loss}
        tail: dict[str, Any] = {"score": report.score, "best": report.best, "seconds": round(report.seconds, 3)}
        counts = {
            "cut_texts": report.cut_texts,
            "eval_cut_texts": report.report.truncated,
            "cut_words": report.cut_words,
            "skipped_steps": report.skipped,
        }
        moved = {} if report.embedding is None else report.embedding.metrics()
        embedding = {f"eval_{EMBEDDING}_{name}": value for name, value in moved.items()}
        self._write({**head, **losses, **metrics, **embedding, **counts, **tail})

    def _write(self, row: Mapping[str, Any]) -> None:
        clean = {key: None if isinstance(value, float) and not isfinite(value) else value for key, value in row.items()}
        line = (json.dumps(clean) + "\n").encode()
        try:
            with open(self._path, "ab") as file:
                file.write(line)
        except OSError as error:
            self._cut()
            raise UserError(f"{self._path}: cannot be written ({error.strerror or error})") from None
        self._size += len(line)
        self._on_log(clean)

    def _cut(self) -> None:
        """Take away the half of a line that a full disk left."""
        if self._path.exists():
            os.truncate(self._path, self._size)
