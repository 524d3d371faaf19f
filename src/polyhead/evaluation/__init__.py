"""Evaluation: what a model's answers are worth, whatever engine gave them."""

from polyhead.data.scored import Scored
from polyhead.evaluation.evaluate import EXACT_ROWS, Report, TaskReport, evaluate

__all__ = ["EXACT_ROWS", "Report", "Scored", "TaskReport", "evaluate"]
