"""Where settings meet modules: the one place that turns declarations into networks."""

from collections.abc import Callable
from math import log
from typing import Any

from polyhead.kinds import ClassificationTask, TaggingTask, Task
from polyhead.modeling.encoder import Encoder
from polyhead.modeling.heads import ClassificationHead, Head, TaggingHead
from polyhead.modeling.heads.losses import ClassLoss
from polyhead.modeling.pooling import AttentionPooling, Pooling, PoolingMode

_Builder = Callable[[Any, Encoder, int], Head]


def build_pooling(mode: PoolingMode, hidden: int) -> Pooling | AttentionPooling:
    """The pooling of that name."""
    return AttentionPooling(hidden=hidden) if mode == "attention" else Pooling(mode=mode)


def _classification(task: ClassificationTask, encoder: Encoder, shapes: int) -> Head:
    width = encoder.width if task.input == "embedding" else encoder.backbone.hidden
    weights = task.class_weights if isinstance(task.class_weights, dict) else None
    criterion = ClassLoss(
        weights=None if weights is None else [weights.get(label, 1.0) for label in task.labels],
        label_smoothing=task.label_smoothing,
        focal_gamma=task.focal_gamma,
        adjustment=[task.logit_adjustment * log(task.label_shares[label]) for label in task.labels]
        if task.label_shares
        else None,
    )
    return ClassificationHead(width=width, source=task.input, criterion=criterion, **_layers(task))


def _tagging(task: TaggingTask, encoder: Encoder, shapes: int) -> Head:
    return TaggingHead(
        width=encoder.backbone.hidden,
        criterion=ClassLoss(label_smoothing=task.label_smoothing),
        splitter=task.splitter,
        shapes=shapes,
        shape_width=task.word_shape_width if task.word_shapes else 0,
        **_layers(task),
    )


def _layers(task: Task) -> dict[str, Any]:
    """What every head has."""
    return {"outputs": len(task.outputs), "dropout": task.dropout, "hidden": task.hidden}


_BUILDERS: dict[str, _Builder] = {"classification": _classification, "tagging": _tagging}


def build_head(task: Task, encoder: Encoder, *, shapes: int) -> Head:
    """A new head for ``task`` on ``encoder``; ``shapes`` is how many word shapes there are."""
    return _BUILDERS[task.kind](task, encoder, shapes)
