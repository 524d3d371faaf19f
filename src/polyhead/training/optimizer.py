"""AdamW with separate rates, and the schedule of those rates."""

import math
from collections.abc import Callable

import torch
from torch import nn
from torch.optim import AdamW, Optimizer

from polyhead.modeling.model import MultiTaskModel
from polyhead.training.settings import TrainingSettings

RateFactor = Callable[[int], float]
"""A step's number, from 0 → what every rate is multiplied with."""


def build_optimizer(model: MultiTaskModel, settings: TrainingSettings) -> AdamW:
    """AdamW over what learns: the backbone at ``learning_rate``, all else at ``head_learning_rate``.

    Vectors (biases and norms) have no weight decay.
    """
    backbone = {id(parameter) for parameter in model.encoder.backbone.parameters()}
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for parameter in model.parameters():
        if parameter.requires_grad:
            groups.setdefault((id(parameter) in backbone, parameter.ndim >= 2), []).append(parameter)
    rates = {True: settings.learning_rate, False: settings.head_learning_rate}
    return AdamW(
        [
            {
                "params": parameters,
                "lr": rates[in_backbone],
                "initial_lr": rates[in_backbone],
                "weight_decay": settings.weight_decay if decays else 0.0,
            }
            for (in_backbone, decays), parameters in groups.items()
        ],
        fused=True,
    )


def set_rates(optimizer: Optimizer, factor: float) -> float:
    """Set each group's rate to ``factor`` times its own; the first group's, which is the backbone's where it learns."""
    for group in optimizer.param_groups:
        group["lr"] = factor * group["initial_lr"]
    return float(optimizer.param_groups[0]["lr"])


def rate_factor(settings: TrainingSettings, *, steps: int) -> RateFactor:
    """What the rates are multiplied with at each step: a linear warm-up, then the decay that the settings name."""
    warmup = settings.warmup_steps if settings.warmup_steps >= 1 else settings.warmup_steps * steps
    warmup = int(min(warmup, steps))

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / (warmup + 1)
        done = (step - warmup) / max(1, steps - warmup)
        if settings.lr_scheduler_type == "cosine":
            return 0.5 * (1 + math.cos(math.pi * min(done, 1)))
        return 1.0 if settings.lr_scheduler_type == "constant" else max(0.0, 1 - done)

    return factor


def clip(model: nn.Module, norm: float) -> float:
    """Clip all gradients together to ``norm``; the norm that they had."""
    return float(torch.nn.utils.clip_grad_norm_(model.parameters(), norm))
