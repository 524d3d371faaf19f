"""The kinds of tasks. A new one is a file here, one of its name in ``modeling/heads``, and a line in ``KINDS``."""

from polyhead.kinds.base import EMBEDDING, IGNORED, RESERVED_NAMES, TASK_NAME, Task, label_order
from polyhead.kinds.classification import ClassificationTask
from polyhead.kinds.multilabel import MultilabelTask
from polyhead.kinds.numbers import NumberTask
from polyhead.kinds.options import Calibrated, LayerOptions, RareLabelOptions, SentenceOptions
from polyhead.kinds.pairs import PairsTask
from polyhead.kinds.regression import RegressionTask
from polyhead.kinds.schemes import EntitySpan
from polyhead.kinds.similarity import SimilarityTask
from polyhead.kinds.tagging import TaggingTask

KINDS: dict[str, type[Task]] = {
    "classification": ClassificationTask,
    "multilabel": MultilabelTask,
    "regression": RegressionTask,
    "similarity": SimilarityTask,
    "pairs": PairsTask,
    "tagging": TaggingTask,
}

__all__ = [
    "EMBEDDING",
    "IGNORED",
    "KINDS",
    "RESERVED_NAMES",
    "TASK_NAME",
    "Calibrated",
    "ClassificationTask",
    "EntitySpan",
    "LayerOptions",
    "MultilabelTask",
    "NumberTask",
    "PairsTask",
    "RareLabelOptions",
    "RegressionTask",
    "SentenceOptions",
    "SimilarityTask",
    "TaggingTask",
    "Task",
    "label_order",
]
