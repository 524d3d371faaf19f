"""What a study trains: every plan with every combination of settings and every seed, and each task alone."""

import copy
import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from polyhead.errors import UserError, shown
from polyhead.training.plans import Plan, PlanSetting
from polyhead.training.plans.settings import Lora, ProbeThenFull, Thaw

_Value = TypeVar("_Value")
FROZEN = "frozen"
"""The plan by which nothing learns."""
ALONE = "full"
"""The plan by which each task is trained alone."""


@dataclass(frozen=True, slots=True)
class Design:
    """``grid`` maps recipe keys to the values that are tried; the best combination of each plan counts.

    ``rows`` is the most that is trained on of each data set.
    """

    plans: Sequence[str]
    seeds: Sequence[int]
    grid: Mapping[str, Sequence[str]] = field(default_factory=dict)
    single_task: bool = False
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One training: a plan, the settings that differ from the recipe's, a seed, and the task that is trained alone."""

    plan: str
    seed: int
    changes: Mapping[str, str] = field(default_factory=dict)
    task: str | None = None

    @property
    def frozen(self) -> bool:
        """Whether nothing learns."""
        return plan_of(self.plan).name == FROZEN

    @property
    def name(self) -> str:
        """A name for people."""
        parts = [self.plan, settings_of(self.changes), f"{self.task} alone" if self.task else "", f"seed {self.seed}"]
        return ", ".join(filter(None, parts))

    @property
    def folder(self) -> str:
        """A name for its folder: the same for the same job, whatever its settings hold."""
        parts = [self.plan, self.task or "", json.dumps(dict(self.changes), sort_keys=True)]
        digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:8]
        words = "".join(character if character.isalnum() else "-" for character in self.plan)
        return f"{words[:24].strip('-')}-{digest}-seed-{self.seed}"

    def overrides(self, rows: int | None, sets: Collection[str]) -> dict[str, str]:
        """What of the recipe is changed for it, which has these data sets."""
        limit = {} if rows is None else {"training.max_train_samples": str(rows)}
        own = {key: value for key, value in self.changes.items() if self.task is None or _is_of(key, self.task, sets)}
        return {"training.plan": self.plan, **limit, **own, "training.seed": str(self.seed)}


def _is_of(key: str, task: str, sets: Collection[str] | None = None) -> bool:
    """Whether a setting makes sense where the task is alone, with these data sets if they are known."""
    section, _, rest = key.partition(".")
    named = {"tasks": {task}, "data": sets}.get(section)
    return key != "training.score" and (named is None or rest.partition(".")[0] in named)


def jobs(design: Design, tasks: Iterable[str]) -> list[Job]:
    """All of them, the seeds of a plan one after the other, so that every plan has a result early.

    Of plans that are the same, however they are spelled, the first counts.

    Raises:
        UserError: a plan that there is not, or none; or settings that are the study's own.
    """
    if not design.plans:
        raise UserError("--plans: name one or more, such as frozen,probe,full")
    _check(design)
    plans = _once(design.plans, key=lambda each: _meant(plan_of(each)))
    frozen = {plan for plan in plans if plan_of(plan).name == FROZEN}
    combinations = [dict(zip(design.grid, values, strict=True)) for values in product(*design.grid.values())]
    untrained = _once(
        [{key: value for key, value in each.items() if _matters_frozen(key)} for each in combinations],
        key=lambda each: each,
    )
    names = [*tasks]
    found = []
    for seed in design.seeds:
        for plan in plans:
            found += [Job(plan, seed, changes) for changes in (untrained if plan in frozen else combinations)]
        for task in names if design.single_task and len(names) > 1 else ():
            own = [{key: value for key, value in each.items() if _is_of(key, task)} for each in combinations]
            found += [Job(ALONE, seed, changes, task) for changes in _once(own, key=lambda each: each)]
    return found


def _matters_frozen(key: str) -> bool:
    """Whether a setting changes anything where nothing learns."""
    section = key.partition(".")[0]
    return key in ("training.max_train_samples", "training.score") or section not in ("training", "embedding")


def _meant(plan: Plan) -> tuple[object, ...]:
    """The same of plans that are the same, however they are spelled."""
    name = plan.name
    return (
        name,
        plan.top,
        sorted({*(plan.layers or ())}),
        (plan.thaw or Thaw()) if name == "thaw" else None,
        (plan.probe_then_full or ProbeThenFull()) if name == "probe-then-full" else None,
        (plan.lora or Lora()).model_dump() if name == "lora" else None,
        sorted({*plan.freeze}),
        plan.decay,
        list(plan.rates.items()),
    )


def settings_of(changes: Mapping[str, str]) -> str:
    """Settings for people, each by the end of its key that no other has: ``learning_rate 1e-4``."""
    found = []
    for key, value in changes.items():
        parts = key.split(".")
        ends = [".".join(parts[-count:]) for count in range(1, len(parts) + 1)]
        end = next(
            (end for end in ends if sum(other == end or other.endswith(f".{end}") for other in changes) == 1), key
        )
        found.append(f"{end} {value}")
    return ", ".join(found)


def _check(design: Design) -> None:
    """Refuse settings that the study's own options say.

    Raises:
        UserError: there are such.
    """
    own = {"training.plan": "--plans", "training.seed": "--seeds"}
    own |= {} if design.rows is None else {"training.max_train_samples": "--rows"}
    for key in design.grid:
        for name, option in own.items():
            if key == name or key.startswith(f"{name}."):
                raise UserError(f"--set: {key} is what {option} says in a study; leave it out of --set")


def _once(values: Sequence[_Value], *, key: Callable[[_Value], object]) -> list[_Value]:
    """The first of those that have the same key; keys need no hash."""
    keys = [key(each) for each in values]
    return [each for number, each in enumerate(values) if keys[number] not in keys[:number]]


def left_out(design: Design, recipe: Plan) -> list[str]:
    """What refines the recipe's own plan and is not in force in a study, as each of its plans stands for the whole."""
    lines = []
    for name in ("layer_decay", "rates", "freeze"):
        if name in recipe.model_fields_set:
            given = {each: plan for each in design.plans if (plan := plan_of(each)).name != FROZEN}
            plans = [
                each
                for each, plan in given.items()
                if name not in plan.model_fields_set and (name, plan.name) != ("layer_decay", "thaw")  # it has its own
            ]
            without = [*plans, *(["each task alone"] if design.single_task else [])]
            if without:
                lines.append(
                    f"the recipe's plan has {name}, which these do not: {', '.join(without)}; a plan takes it along as"
                    f" in {{top: 2, {name}: …}}"
                )
    return lines


def plan_of(plan: str) -> Plan:
    """The plan that is meant.

    Raises:
        UserError: it is none.
    """
    import yaml

    try:
        return TypeAdapter[Plan](PlanSetting).validate_python(yaml.safe_load(plan))
    except (ValidationError, yaml.YAMLError):
        raise UserError(
            f"--plans: {shown(plan)} is no plan; there are frozen, probe, top:K, thaw, probe-then-full, full, bitfit,"
            " lora, and mappings as under training.plan"
        ) from None


def only_tasks(raw: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """The recipe with these tasks alone: data sets without them are left out, and a score, which may name others."""
    recipe: dict[str, Any] = copy.deepcopy(dict(raw))
    recipe["tasks"] = {key: value for key, value in recipe["tasks"].items() if key in names}
    sets: dict[str, Any] = {}
    for name, settings in recipe["data"].items():
        splits = [each for each in settings.values() if isinstance(each, dict) and "tasks" in each]
        holders = [settings, *splits]
        if any(key in names for holder in holders for key in holder.get("tasks") or {}):
            for holder in holders:
                if "tasks" in holder:
                    holder["tasks"] = {key: value for key, value in holder["tasks"].items() if key in names}
            sets[name] = settings
    recipe["data"] = sets
    training = recipe.get("training") or {}
    recipe["training"] = {key: value for key, value in training.items() if key != "score"}
    return recipe
