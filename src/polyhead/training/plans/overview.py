"""A plan as a table: each component, what of it learns, how fast, from when on; and what a run is too short for."""

import sys
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from polyhead.modeling.components import Component
from polyhead.training.plans.settings import Plan, Thaw
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


def earliest(stages: Sequence[Stage], epochs: int) -> list[int]:
    """The first epoch with which each stage can begin in a run of so many; a score is better than none before it."""
    found = [1] if stages else []
    for number, stage in enumerate(stages[1:], 1):
        ended = found[-1] - 1
        waited = ended + stage.patience + (number == 1)
        share = max(ended + 1, ceil(stage.latest * epochs))
        found.append(stage.epoch or 1 + min(waited, share))
    return found


def late(plan: Plan, stages: Sequence[Stage], epochs: int) -> str | None:
    """A warning where the run will be over before its plan is."""
    begins = earliest(stages, epochs)
    never = [epoch for epoch in begins if epoch > epochs]
    if not never:
        return None
    more = range(epochs + 1, earliest(stages, sys.maxsize)[-1])
    fewest = epochs + 1 + bisect_left(more, True, key=lambda enough: earliest(stages, enough)[-1] <= enough)
    return (
        f"! training.plan: {len(never)} of {len(stages)} stages would begin after the last of {epochs} epochs and never"
        f" do; set training.epochs to {fewest} or more, {_hint(plan)}"
    )


def unbegun(begun: int, planned: int) -> str | None:
    """A warning where a run is over and its plan is not."""
    if begun == planned:
        return None
    return (
        f"! training.plan: {planned - begun} of {planned} stages never began, so that what they add has learnt nothing;"
        " raise training.epochs"
    )


def _hint(plan: Plan) -> str:
    """What brings a plan's stages about sooner."""
    thaw = plan.thaw or Thaw()
    if plan.name == "thaw" and thaw.epochs is None:
        return f"{'lower patience, ' if (thaw.patience or 1) > 1 else ''}or thaw more layers at a time"
    if plan.name == "thaw" or (plan.probe_then_full and plan.probe_then_full.epoch):
        return "or name earlier epochs"
    return "or use plan: full"
