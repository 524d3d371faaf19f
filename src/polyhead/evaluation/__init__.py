"""Evaluation: what a model's answers are worth, whatever engine gave them."""

from polyhead.evaluation.evaluate import Report, Scored, TaskReport, evaluate

__all__ = ["Report", "Scored", "TaskReport", "evaluate"]
