"""Where settings meet modules: the one place that turns declarations into networks."""

from collections.abc import Callable, Mapping
from math import log
from typing import Any

from polyhead.errors import UserError
from polyhead.kinds import (
    ClassificationTask,
    LayerOptions,
    MultilabelTask,
    PairsTask,
    RareLabelOptions,
    RegressionTask,
    SentenceOptions,
    SimilarityTask,
    TaggingTask,
    Task,
)
from polyhead.kinds.schemes import type_of
from polyhead.modeling.encoder import Encoder
from polyhead.modeling.heads import (
    ClassificationHead,
    Head,
    MultilabelHead,
    PairsHead,
    RegressionHead,
    SimilarityHead,
    TaggingHead,
)
from polyhead.modeling.heads.losses import BinaryLoss, ClassLoss
from polyhead.modeling.heads.mix import ScalarMix
from polyhead.modeling.heads.regression import SquaredLoss
from polyhead.modeling.pooling import AttentionPooling, Pooling, PoolingMode

_Builder = Callable[[Any, Encoder, int], Head]


def build_pooling(mode: PoolingMode, hidden: int) -> Pooling | AttentionPooling:
    """The pooling of that name."""
    return AttentionPooling(hidden=hidden) if mode == "attention" else Pooling(mode=mode)


def build_head(task: Task, encoder: Encoder, *, shapes: int) -> Head:
    """A new head for ``task`` on ``encoder``; ``shapes`` is how many word shapes there are.

    Raises:
        UserError: it cannot read what it should of this encoder.
    """
    return _BUILDERS[task.kind](task, encoder, shapes)


def _classification(task: ClassificationTask, encoder: Encoder, shapes: int) -> Head:
    balanced = {label: 1 / (len(task.labels) * share) for label, share in task.label_shares.items()}
    prior = {label: log(share) for label, share in task.label_shares.items()}
    return ClassificationHead(criterion=ClassLoss(**_fairness(task, balanced, prior)), **_sentence(task, encoder))


def _multilabel(task: MultilabelTask, encoder: Encoder, shapes: int) -> Head:
    odds = {label: min(share, 1 - 1e-6) / (1 - min(share, 1 - 1e-6)) for label, share in task.label_shares.items()}
    balanced = {label: 1 / each for label, each in odds.items()}
    prior = {label: log(each) for label, each in odds.items()}
    return MultilabelHead(criterion=BinaryLoss(**_fairness(task, balanced, prior)), **_sentence(task, encoder))


def _regression(task: RegressionTask, encoder: Encoder, shapes: int) -> Head:
    return RegressionHead(criterion=SquaredLoss(), **_sentence(task, encoder))


def _similarity(task: SimilarityTask, encoder: Encoder, shapes: int) -> Head:
    return SimilarityHead(loss=task.loss, scale=task.scale)


def _pairs(task: PairsTask, encoder: Encoder, shapes: int) -> Head:
    return PairsHead(scale=task.scale)


def _tagging(task: TaggingTask, encoder: Encoder, shapes: int) -> Head:
    given = task.class_weights
    weights = [given.get(type_of(tag) or "", 1.0) for tag in task.outputs] if given else None
    return TaggingHead(
        width=encoder.backbone.hidden,
        criterion=ClassLoss(weights=weights, label_smoothing=task.label_smoothing, focal_gamma=task.focal_gamma),
        splitter=task.splitter,
        shapes=shapes,
        shape_width=task.word_shape_width if task.word_shapes else 0,
        crf=task.crf,
        **_layers(task, encoder),
    )


_BUILDERS: dict[str, _Builder] = {
    "classification": _classification,
    "multilabel": _multilabel,
    "regression": _regression,
    "similarity": _similarity,
    "pairs": _pairs,
    "tagging": _tagging,
}


def _layers(task: LayerOptions, encoder: Encoder) -> dict[str, Any]:
    """What every head with layers has."""
    mix = ScalarMix(layers=encoder.backbone.layers + 1) if task.layers == "mix" else None
    return {"outputs": len(task.outputs), "dropout": task.dropout, "hidden": task.hidden, "mix": mix}


def _sentence(task: SentenceOptions, encoder: Encoder) -> dict[str, Any]:
    """What every head has that reads a vector a text."""
    mode = encoder.pooling.mode
    if task.layers == "mix" and task.input == "pooled" and mode == "attention":
        raise UserError("layers: mix is pooled as the encoder pools, but attention pooling has learned one layer only")
    return {
        "width": encoder.width if task.input == "embedding" else encoder.backbone.hidden,
        "source": task.input,
        "pair": task.pair,
        "pool": Pooling(mode=mode) if task.layers == "mix" and task.input == "pooled" else None,
        **_layers(task, encoder),
    }


def _fairness(task: RareLabelOptions, balanced: Mapping[str, float], prior: Mapping[str, float]) -> dict[str, Any]:
    """The loss's settings, in the order of the labels; ``balanced`` weights and ``prior`` logits are by label."""
    weights = balanced if task.class_weights == "balanced" else task.class_weights
    return {
        "weights": [weights.get(label, 1.0) for label in task.labels] if isinstance(weights, Mapping) else None,
        "adjustment": [task.logit_adjustment * prior[label] for label in task.labels]
        if task.logit_adjustment and prior
        else None,
        "label_smoothing": task.label_smoothing,
        "focal_gamma": task.focal_gamma,
    }
