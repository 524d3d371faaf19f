"""A plan as a table: each component, what of it learns, how fast, and from when on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from polyhead.modeling.components import Component
from polyhead.training.plans.stages import Stage


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One component: how many ``parameters`` it has and how many of them learn in the end, at which rates.

    ``begins`` is the stage, from 1, with which the first of them begin to learn; ``rates`` are the smallest and the
    largest; both None where nothing learns.
    """

    component: str
    parameters: int
    learning: int
    rates: tuple[float, float] | None
    begins: int | None


def overview(parts: Sequence[Component], stages: Sequence[Stage], rates: Mapping[str, float]) -> list[PlanRow]:
    """A row for each component that has parameters, from the bottom up."""
    rows = []
    for part in parts:
        own = [name for name in part.parameters if stages and name in stages[-1].learns]
        begins = next((number for number, stage in enumerate(stages, 1) if stage.learns & part.parameters.keys()), None)
        bounds = (min(rates[name] for name in own), max(rates[name] for name in own)) if own else None
        learning = sum(part.parameters[name].numel() for name in own)
        if part.parameters:
            rows.append(PlanRow(part.name, part.size, learning, bounds, begins))
    return rows


def beginnings(stages: Sequence[Stage]) -> list[str]:
    """When each stage begins, in words."""
    words = []
    for stage in stages:
        waited = f"{stage.patience} epochs" if stage.patience > 1 else "an epoch"
        latest = "" if stage.latest == 1.0 else f", or {stage.latest:.0%} of the epochs"
        words.append(f"epoch {stage.epoch}" if stage.epoch else f"{waited} without a better score{latest}")
    return words


def late(stages: Sequence[Stage], epochs: int) -> str | None:
    """A warning where the run will be over before its plan is."""
    never = [stage for stage in stages if (stage.epoch or 0) > epochs]
    if not never:
        return None
    return (
        f"! training.plan: {len(never)} of {len(stages)} stages would begin after the last of {epochs} epochs and never"
        " do; train longer, or thaw several layers at a time"
    )
