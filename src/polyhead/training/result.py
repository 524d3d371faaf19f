"""What training tells those who watch it, and what it returns."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import isfinite, nan
from pathlib import Path
from typing import Any

from polyhead.evaluation import Report
from polyhead.evaluation.embeddings import EmbeddingReport


@dataclass(frozen=True, slots=True)
class StepReport:
    """One optimizer step.

    ``losses`` are mean losses of the tasks with labels in it, ``loss`` their weighted sum; ``skipped`` says that they
    or their gradients were not finite, so that the weights stayed as they were.
    """

    step: int
    steps: int
    epoch: int
    loss: float
    losses: Mapping[str, float]
    learning_rate: float
    skipped: bool = False


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """One evaluation: at an epoch's end, or after ``eval_steps``.

    Mean training losses since the one before, validation losses and metrics, and the score that selects (greater is
    better). ``cut_texts`` of the training rows since then were longer than the limit; ``cut_words`` of their words
    were beyond it. ``skipped`` counts all steps so far that were skipped. ``embedding`` is what the embedding was
    measured to be.
    """

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
    cut_texts: int = 0
    cut_words: int = 0
    skipped: int = 0
    embedding: EmbeddingReport | None = None
    held: bool = True
    """Whether the embedding was worse than the original by no more than was allowed."""

    def as_dict(self) -> dict[str, Any]:
        """A JSON-ready form; what is not a number is None."""
        embedding = None if self.embedding is None else self.embedding.as_dict()
        row = {**asdict(self), "report": self.report.as_dict(), "embedding": embedding}
        for name in ("loss", "score"):
            row[name] = row[name] if isfinite(row[name]) else None
        for name in ("losses", "train_losses"):
            row[name] = {task: loss if isfinite(loss) else None for task, loss in row[name].items()}
        return row

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> "EvaluationReport":
        """The inverse of ``as_dict``."""
        embedding = None if row["embedding"] is None else EmbeddingReport.from_dict(row["embedding"])
        values = {**row, "report": Report.from_dict(row["report"]), "embedding": embedding}
        for name in ("loss", "score"):
            values[name] = nan if row[name] is None else row[name]
        for name in ("losses", "train_losses"):
            values[name] = {task: nan if loss is None else loss for task, loss in row[name].items()}
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Callbacks:
    """Who is told how the training goes: plain functions. What they raise ends the run; its checkpoints stay.

    ``on_cached`` is told how many texts of how many have passed the frozen layers, ``on_note`` single lines.
    ``on_log`` is given every line of ``metrics.jsonl`` as it is written. ``should_stop`` is asked after each step: once
    it says yes, the run saves a checkpoint and ends with ``Interrupted``.
    """

    on_step: Callable[[StepReport], None] = lambda report: None
    on_evaluation: Callable[[EvaluationReport], None] = lambda report: None
    on_cached: Callable[[int, int], None] = lambda done, total: None
    on_note: Callable[[str], None] = lambda line: None
    on_log: Callable[[Mapping[str, Any]], None] = lambda row: None
    should_stop: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class Moved:
    """``changed`` is the share of answers (texts, or words) that are others; ``distance`` the mean total variation.

    That is half the sum of the differences of probabilities; of a multilabel head, the mean difference of a label's
    probability (and an answer is another where a label passes one half); of a regression head, that of its number.
    """

    changed: float
    distance: float
    answers: int

    def as_dict(self) -> dict[str, float]:
        """A JSON-ready form."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Mixture:
    """Start and end weights, mixed: ``share`` is the end's; the score, and by how much the embedding is worse.

    The one that is ``kept`` is the model.
    """

    share: float
    score: float
    drop: float | None
    kept: bool = False

    def said(self) -> str:
        """What it is, in words."""
        drop = "" if self.drop is None else f", the embedding worse by {self.drop:.4f}"
        return f"{self.share:g} of the way from start to end is kept: score {self.score:.4f}{drop}"

    def as_dict(self) -> dict[str, float | None]:
        """A JSON-ready form; what is not a number is None."""
        return {name: value if value is None or isfinite(value) else None for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """A finished training: where the best model is, which evaluation it was, and every evaluation's report.

    ``drift`` says of each frozen head by how much its answers moved with the encoder; ``stages`` how many of the plan's
    ``planned`` stages began; ``mixtures`` what mixtures of start and end weights gave, where they were tried.
    """

    model: Path
    best: EvaluationReport
    evaluations: Sequence[EvaluationReport]
    stopped_early: bool
    seconds: float
    drift: Mapping[str, Moved] = field(default_factory=dict)
    stages: int = 1
    planned: int = 1
    mixtures: Sequence[Mixture] = ()

    @property
    def held(self) -> bool:
        """Whether the best model keeps its embedding within what was allowed."""
        return self.best.held
