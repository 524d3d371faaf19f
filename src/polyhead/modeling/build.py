"""Where settings meet modules: the one place that turns declarations into networks."""

from collections.abc import Callable
from typing import Any

from polyhead.kinds import ClassificationTask, TaggingTask, Task
from polyhead.modeling.encoder import Encoder
from polyhead.modeling.heads import ClassificationHead, Head, TaggingHead
from polyhead.modeling.pooling import AttentionPooling, Pooling, PoolingMode

_Builder = Callable[[Any, Encoder, int], Head]


def build_pooling(mode: PoolingMode, hidden: int) -> Pooling | AttentionPooling:
    """The pooling of that name."""
    return AttentionPooling(hidden=hidden) if mode == "attention" else Pooling(mode=mode)


def _classification(task: ClassificationTask, encoder: Encoder, shapes: int) -> Head:
    width = encoder.width if task.input == "embedding" else encoder.backbone.hidden
    return ClassificationHead(width=width, outputs=len(task.outputs), dropout=task.dropout, source=task.input)


def _tagging(task: TaggingTask, encoder: Encoder, shapes: int) -> Head:
    return TaggingHead(
        hidden=encoder.backbone.hidden,
        outputs=len(task.outputs),
        dropout=task.dropout,
        splitter=task.splitter,
        shapes=shapes,
        shape_width=task.word_shape_width if task.word_shapes else 0,
    )


_BUILDERS: dict[str, _Builder] = {"classification": _classification, "tagging": _tagging}


def build_head(task: Task, encoder: Encoder, *, shapes: int) -> Head:
    """A new head for ``task`` on ``encoder``; ``shapes`` is how many word shapes there are."""
    return _BUILDERS[task.kind](task, encoder, shapes)
