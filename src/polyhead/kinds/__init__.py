"""The kinds of tasks. A new one is a file here, one of its name in ``modeling/heads``, and a line in ``KINDS``."""

from polyhead.kinds.base import IGNORED, RESERVED_NAMES, TASK_NAME, Task, label_order
from polyhead.kinds.classification import ClassificationTask
from polyhead.kinds.schemes import EntitySpan
from polyhead.kinds.tagging import TaggingTask

KINDS: dict[str, type[Task]] = {
    "classification": ClassificationTask,
    "tagging": TaggingTask,
}

__all__ = [
    "IGNORED",
    "KINDS",
    "RESERVED_NAMES",
    "TASK_NAME",
    "ClassificationTask",
    "EntitySpan",
    "TaggingTask",
    "Task",
    "label_order",
]
