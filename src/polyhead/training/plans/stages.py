"""A plan's stages: which parameters learn, and from when on. Pure functions over a model's components."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from polyhead.errors import UserError, shown
from polyhead.modeling.components import Component
from polyhead.training.plans.rates import rates_by_name
from polyhead.training.plans.settings import Plan, ProbeThenFull, Thaw

ENCODER = "encoder"
"""What ``freeze`` calls all that the embedding comes from: backbone, pooling and projection."""


@dataclass(frozen=True, slots=True)
class Stage:
    """``learns`` are names of parameters.

    It begins with ``epoch`` (from 1), or, where that is None, once the stage before it has gone ``patience`` epochs
    without a better score, or after the share ``latest`` of all epochs.
    """

    learns: frozenset[str]
    epoch: int | None = 1
    patience: int = 1
    latest: float = 1.0


def stages(plan: Plan, parts: Sequence[Component]) -> list[Stage]:
    """The plan's stages, each with more to learn than the one before; ``frozen`` has none.

    What has a rate of 0 by name is frozen.

    Raises:
        UserError: the plan names what the model does not have, or leaves nothing to learn.
    """
    _check(plan, parts)
    held = _names(part for part in parts if part.fixed or _is_frozen(part, plan.freeze))
    held |= {name for name, rate in rates_by_name(plan, parts).items() if rate == 0}
    found: list[Stage] = []
    for stage in _unfrozen(plan, parts):
        learns = stage.learns - held
        if learns and (not found or learns != found[-1].learns):
            begins = stage.epoch if found else 1
            found.append(Stage(learns, begins, stage.patience, stage.latest))
    if not found and plan.name != "frozen":
        raise UserError("training.plan: everything is frozen; leave something to learn")
    return found


def frozen_heads(plan: Plan, parts: Sequence[Component], found: Sequence[Stage]) -> list[str]:
    """The heads of which nothing learns in the plan's stages; of those without parameters, what ``freeze`` names."""
    learns = found[-1].learns if found else frozenset()
    heads = {part.name.removeprefix("heads."): part for part in parts if part.name.startswith("heads.")}
    return [
        name
        for name, part in heads.items()
        if (learns.isdisjoint(part.parameters) if part.parameters else name in plan.freeze)
    ]


def _unfrozen(plan: Plan, parts: Sequence[Component]) -> list[Stage]:
    """The stages, as if ``freeze`` held nothing."""
    layers = _layers(parts)
    everything, heads = Stage(_names(parts)), Stage(_above(parts, layers + 1))
    match plan.name:
        case "frozen":
            return []
        case "probe":
            return [heads]
        case "top":
            assert plan.top is not None
            return [Stage(_above(parts, layers + 1 - plan.top))]
        case "layers":
            chosen = {number % layers + 1 for number in plan.layers or ()}
            return [Stage(heads.learns | _names(part for part in parts if part.depth in chosen))]
        case "bitfit":
            return [Stage(heads.learns | _biases(parts))]
        case "lora":
            return [Stage(heads.learns | {name for name in everything.learns if ".lora_" in name})]
        case "thaw":
            return [heads, *_thawing(plan.thaw or Thaw(), parts)]
        case "probe-then-full":
            own = plan.probe_then_full or ProbeThenFull()
            return [heads, Stage(everything.learns, own.epoch, own.patience, latest=0.5)]
        case "full":
            return [everything]


def _thawing(thaw: Thaw, parts: Sequence[Component]) -> list[Stage]:
    """The stages after the first, the last with the embeddings, too."""
    depths = _layers(parts) + 1
    if thaw.epochs is not None:
        count = len(thaw.epochs)
        lowest = [depths - round(depths * (number + 1) / count) for number in range(count)]
        return [Stage(_above(parts, depth), epoch) for depth, epoch in zip(lowest, thaw.epochs, strict=True)]
    lowest = [*range(depths - thaw.layers, 0, -thaw.layers), 0]
    patience = thaw.patience
    return [
        Stage(_above(parts, depth), None if patience else number + 2, patience or 1)
        for number, depth in enumerate(lowest)
    ]


def _layers(parts: Sequence[Component]) -> int:
    return sum(part.name.startswith("layers.") for part in parts)


def _names(parts: Iterable[Component]) -> frozenset[str]:
    return frozenset(name for part in parts for name in part.parameters)


def _above(parts: Sequence[Component], depth: int) -> frozenset[str]:
    """What is at ``depth`` and above it."""
    return _names(part for part in parts if part.depth >= depth)


def _biases(parts: Sequence[Component]) -> frozenset[str]:
    """Those of the backbone."""
    below = _names(parts) - _above(parts, _layers(parts) + 1)
    return frozenset(name for name in below if name.endswith("bias"))


def _is_frozen(part: Component, names: Sequence[str]) -> bool:
    in_backbone = part.name in ("embeddings", "backbone") or part.name.startswith("layers.")
    in_encoder = in_backbone or part.name in ("pooling", "projection")
    held = (in_backbone and "backbone" in names) or (in_encoder and ENCODER in names)
    return held or part.name in {f"heads.{name}" for name in names}


def _check(plan: Plan, parts: Sequence[Component]) -> None:
    layers = _layers(parts)
    known = [
        "backbone",
        ENCODER,
        *(part.name.removeprefix("heads.") for part in parts if part.name.startswith("heads.")),
    ]
    for name in plan.freeze:
        if name not in known:
            raise UserError(f"training.plan: freeze takes {', '.join(known)}; found {shown(name)}")
    if plan.name == "bitfit" and not _biases(parts):
        raise UserError("training.plan: bitfit teaches the backbone's biases, and this one has none; use lora")
    if not layers and plan.name in ("top", "layers", "thaw"):
        raise UserError(f"training.plan: {plan.name} needs layers of their own; this backbone's share their weights")
    if plan.top is not None and plan.top > layers:
        raise UserError(f"training.plan: top must be at most {layers}, this backbone's layers; found {plan.top}")
    for number in plan.layers or ():
        if not -layers <= number < layers:
            raise UserError(f"training.plan: layers must be from 0 to {layers - 1}; found {number}")
