"""Plans: what learns, from when on, how fast."""

from polyhead.training.plans.apply import apply
from polyhead.training.plans.rates import rates
from polyhead.training.plans.settings import Lora, Plan, PlanSetting, ProbeThenFull, Thaw
from polyhead.training.plans.stages import Stage, frozen_heads, stages

__all__ = [
    "Lora",
    "Plan",
    "PlanSetting",
    "ProbeThenFull",
    "Stage",
    "Thaw",
    "apply",
    "frozen_heads",
    "rates",
    "stages",
]
