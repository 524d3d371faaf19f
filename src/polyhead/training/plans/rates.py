"""The rate of each parameter: by where it stands, or by its name. Pure functions over a model's components."""

import re
from collections.abc import Sequence

from polyhead.errors import UserError, shown
from polyhead.modeling.components import Component
from polyhead.training.plans.settings import Plan

_FEW = 10.0  # LoRA's authors used 2e-4 to 5e-4 where 1e-5 to 3e-5 is usual for everything


def rates(
    plan: Plan, parts: Sequence[Component], *, learning_rate: float, head_learning_rate: float
) -> dict[str, float]:
    """Each parameter's rate, by name.

    The topmost layer has ``learning_rate``, each one below it ``layer_decay`` times the rate of the one above
    (Howard and Ruder, 2018), and all that stands on the backbone ``head_learning_rate``. Where few numbers of the
    backbone learn (bitfit, lora), they have ten times its rate. A pattern of ``plan.rates`` that is found in a name
    comes before all that, the first of several.

    Raises:
        UserError: a pattern is no regular expression, or is in no name.
    """
    learning_rate *= _FEW if plan.name in ("bitfit", "lora") else 1.0
    own = rates_by_name(plan, parts)
    top = max((part.depth for part in parts if part.name.startswith("layers.")), default=0)
    found: dict[str, float] = {}
    for part in parts:
        usual = head_learning_rate if part.depth > top else learning_rate * plan.decay ** (top - part.depth)
        found |= {name: own.get(name, usual) for name in part.parameters}
    return found


def rates_by_name(plan: Plan, parts: Sequence[Component]) -> dict[str, float]:
    """The rates of those parameters that a pattern of ``plan.rates`` is found in, of several the first one's.

    Raises:
        UserError: a pattern is no regular expression, or is in no name.
    """
    names = [name for part in parts for name in part.parameters]
    found: dict[str, float] = {}
    for text, rate in plan.rates.items():
        pattern = _compiled(text)
        matched = [name for name in names if pattern.search(name)]
        if not matched:
            raise UserError(
                f"training.plan: rates: {shown(text)} is found in no parameter's name, such as"
                f" {names[0]} (polyhead train RECIPE --dry-run --json lists them)"
            )
        found = dict.fromkeys(matched, rate) | found
    return found


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise UserError(f"training.plan: rates: {shown(pattern)} is no regular expression ({error})") from None
