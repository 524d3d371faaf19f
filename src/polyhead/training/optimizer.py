"""AdamW with a rate a parameter, and the schedule of those rates."""

import math
from collections.abc import Sequence

import torch
from torch import nn
from torch.optim import AdamW, Optimizer

from polyhead.modeling.components import Component
from polyhead.training.plans import rates, stages
from polyhead.training.settings import TrainingSettings


def build_optimizer(parts: Sequence[Component], settings: TrainingSettings) -> AdamW:
    """AdamW over what the plan lets learn at some time, at its rates; a parameter without a gradient has no state.

    Vectors (biases and norms) have no weight decay.
    """
    learns, own_rates = stages(settings.plan, parts)[-1].learns, planned_rates(parts, settings)
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for part in parts:
        for name, parameter in part.parameters.items():
            if name in learns:
                groups.setdefault((own_rates[name], parameter.ndim >= 2), []).append(parameter)
    return AdamW(
        [
            {"params": own, "lr": rate, "initial_lr": rate, "weight_decay": settings.weight_decay if decays else 0.0}
            for (rate, decays), own in groups.items()
        ],
        fused=True,
    )


def planned_rates(parts: Sequence[Component], settings: TrainingSettings) -> dict[str, float]:
    """Each parameter's rate, by name (``plans.rates``)."""
    return rates(
        settings.plan, parts, learning_rate=settings.learning_rate, head_learning_rate=settings.head_learning_rate
    )


def set_rates(optimizer: Optimizer, factor: float) -> None:
    """Set each group's rate to ``factor`` times its own."""
    for group in optimizer.param_groups:
        group["lr"] = factor * group["initial_lr"]


def rate_factor(settings: TrainingSettings, step: int, *, steps: int, decays: bool = True) -> float:
    """What the rates are multiplied with at a step, from 0, of a stage with so many steps.

    A linear warm-up, then the decay that the settings name, or none in a stage that others follow.
    """
    warmup = settings.warmup_steps if settings.warmup_steps >= 1 else settings.warmup_steps * steps
    warmup = int(min(warmup, steps))
    if step < warmup:
        return (step + 1) / (warmup + 1)
    if not decays or settings.lr_scheduler_type == "constant":
        return 1.0
    done = (step - warmup) / max(1, steps - warmup)
    if settings.lr_scheduler_type == "cosine":
        return 0.5 * (1 + math.cos(math.pi * min(done, 1)))
    return max(0.0, 1 - done)


def clip(model: nn.Module, norm: float) -> float:
    """Clip all gradients together to ``norm``; the norm that they had."""
    return float(torch.nn.utils.clip_grad_norm_(model.parameters(), norm))
