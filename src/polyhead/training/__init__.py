"""Training: the loop, what it draws from, what it freezes, what it keeps."""

from polyhead.training.embedding import EmbeddingSettings, Keeping
from polyhead.training.loop import Interrupted, train
from polyhead.training.prepare import check_settings
from polyhead.training.result import Callbacks, EvaluationReport, StepReport, TrainingResult
from polyhead.training.run import Diverged
from polyhead.training.settings import TrainingSettings

__all__ = [
    "Callbacks",
    "Diverged",
    "EmbeddingSettings",
    "EvaluationReport",
    "Interrupted",
    "Keeping",
    "StepReport",
    "TrainingResult",
    "TrainingSettings",
    "check_settings",
    "train",
]
