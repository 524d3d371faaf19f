"""What a run will teach, and what it will take on the disk, said before it begins."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from polyhead.modeling.components import size_of
from polyhead.pretrained import DEFAULT_BACKBONE
from polyhead.printing import size
from polyhead.recipe.data import Data
from polyhead.recipe.schema import Recipe
from polyhead.training import TrainingSettings
from polyhead.training.embedding.monitor import measured
from polyhead.training.plans import frozen_heads, stages
from polyhead.training.plans.overview import late
from polyhead.training.prepare import planned_components
from polyhead.training.subject import Subject


def fallback_notes(recipe: Recipe) -> list[str]:
    """That another backbone is used than the recipe asks for, if one is; ``recipe`` as ``begin`` gave it."""
    asked, used = _asked(recipe.raw), recipe.model.backbone
    if asked == used:
        return []
    return [f"! {asked} cannot be had here: {used}, the recipe's fallback, is used INSTEAD; figures are of that one"]


def fallback_of(facts: Mapping[str, Any]) -> str | None:
    """The same of a run, by what its folder notes; None where it is of the backbone that was asked for, or no run."""
    asked, used = _asked(facts.get("recipe") or {}), facts.get("backbone")
    if used is None or facts.get("from") is not None or asked == used:
        return None
    return f"{asked} could not be had when this was trained: it is of {used}, the recipe's fallback, INSTEAD"


def _asked(raw: Mapping[str, Any]) -> str:
    """The backbone that a recipe names."""
    return str((raw.get("model") or {}).get("backbone", DEFAULT_BACKBONE))


def plan_notes(subject: Subject, settings: TrainingSettings) -> list[str]:
    """How much learns, and what of the plan will not come about."""
    parts = planned_components(subject.view.model, settings)
    planned = stages(settings.plan, parts)
    total, learning = sum(part.size for part in parts), size_of(parts, planned[-1].learns) if planned else 0
    line = f"plan: {settings.plan.name}, {learning:,} of {total:,} parameters learn ({learning / total:.1%})"
    frozen = frozen_heads(settings.plan, parts, planned) if planned else []
    raw = [name for name in frozen if not subject.view.heads[name].trained]
    random = (
        f"! training.plan: of what is frozen {', '.join(raw)} was never trained; go on from a model that"
        " has it, with --from"
    )
    return [line, *filter(None, [late(settings.plan, planned, settings.epochs), random if raw else None])]


def unmeasured_notes(data: Data) -> list[str]:
    """That nobody will know what becomes of the embedding, if so."""
    if measured(data.keeping, data.sets):
        return []
    return [
        "! embedding: not measured, as there are no validation rows in memory; name pairs or texts under embedding:"
    ]


def disk_note(subject: Subject, settings: TrainingSettings, folder: Path) -> str:
    """Checkpoints (what learns in fp32, and AdamW's two moments of it), the best model, and what is free."""
    model = 4 * sum(parameter.numel() for parameter in subject.whole.model.parameters())
    parts = planned_components(subject.view.model, settings)
    checkpoint = 3 * 4 * size_of(parts, stages(settings.plan, parts)[-1].learns)
    keep = settings.save_total_limit
    here = next(place for place in (folder.resolve(), *folder.resolve().parents) if place.exists())
    free, needed = shutil.disk_usage(here).free, (keep + 1) * checkpoint + 2 * model
    each = f"{keep} checkpoints of {size(checkpoint)}" if keep > 1 else f"1 checkpoint of {size(checkpoint)}"
    line = f"disk: {each}, one more while it is written, and the best model of {size(model)}; {size(free)} are free"
    return line if needed < free else f"! {line}: too little; lower save_total_limit, or choose another --output"
