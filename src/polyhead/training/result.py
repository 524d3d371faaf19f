"""What training tells those who watch it, and what it returns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from polyhead.evaluation import Report


@dataclass(frozen=True, slots=True)
class StepReport:
    """One optimizer step. ``losses`` are mean losses of the tasks with labels in it, ``loss`` their weighted sum."""

    step: int
    steps: int
    epoch: int
    loss: float
    losses: Mapping[str, float]
    learning_rate: float


@dataclass(frozen=True, slots=True)
class EpochReport:
    """One epoch: mean training losses, validation losses and metrics, the score that selects (greater is better)."""

    epoch: int
    epochs: int
    step: int
    train_losses: Mapping[str, float]
    losses: Mapping[str, float]
    loss: float
    report: Report
    score: float
    best: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """A finished training: where the best model is, which epoch it was, and every epoch's report."""

    model: Path
    best_epoch: int
    epochs: Sequence[EpochReport]
    stopped_early: bool
    seconds: float
