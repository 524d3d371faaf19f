"""Training: the loop, what it draws from, what it freezes, what it keeps."""

from polyhead.training.loop import check_settings, train
from polyhead.training.result import EpochReport, StepReport, TrainingResult
from polyhead.training.settings import TrainingSettings

__all__ = ["EpochReport", "StepReport", "TrainingResult", "TrainingSettings", "check_settings", "train"]
