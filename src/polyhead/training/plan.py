"""What learns and what is frozen."""

from collections.abc import Iterable

from torch import nn

from polyhead.errors import UserError
from polyhead.modeling.model import MultiTaskModel
from polyhead.training.settings import Freeze


def frozen_modules(model: MultiTaskModel, plan: str | Freeze) -> list[nn.Module]:
    """The modules that ``plan`` keeps as they are.

    Raises:
        UserError: it names something that the model does not have, or leaves nothing to learn.
    """
    names = {"full": (), "probe": ("backbone",)}[plan] if isinstance(plan, str) else plan.freeze
    found: list[nn.Module] = []
    for name in names:
        if name == "backbone":
            found.append(model.encoder.backbone)
        elif name in model.heads:
            found.append(model.heads[name])
        else:
            raise UserError(f"training.plan: freeze takes backbone, {', '.join(model.heads)}; found {name!r}")
    held = {id(parameter) for module in found for parameter in module.parameters()}
    if all(id(parameter) in held for parameter in model.parameters()):
        raise UserError("training.plan: everything is frozen; leave something to learn")
    return found


def learning(model: MultiTaskModel, plan: str | Freeze) -> int:
    """How many numbers learn."""
    held = {id(parameter) for module in frozen_modules(model, plan) for parameter in module.parameters()}
    return sum(parameter.numel() for parameter in model.parameters() if id(parameter) not in held)


def apply(model: MultiTaskModel, frozen: Iterable[nn.Module]) -> None:
    """Put the model in training mode and the frozen modules in eval mode, without gradients."""
    model.train().requires_grad_(True)
    for module in frozen:
        module.eval().requires_grad_(False)
