"""One training from a recipe: read, build, train, and leave a folder from which it can be repeated."""

import json
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from math import isfinite
from pathlib import Path
from typing import Any

import torch
import yaml

from polyhead._version import __version__
from polyhead.data.example import DataSet
from polyhead.data.faults import FaultLog
from polyhead.errors import UserError, shown
from polyhead.evaluation.pictures import draw_curves
from polyhead.folder.files import write_json, write_text
from polyhead.folder.settings import ProjectionSettings
from polyhead.kinds import Task
from polyhead.pretrained import Pretrained, load
from polyhead.recipe.data import prepare
from polyhead.recipe.schema import ModelSettings, Recipe
from polyhead.training import EpochReport, StepReport, TrainingResult, check_settings
from polyhead.training import train as run_loop
from polyhead.training.history import METRICS_FILE

_VERSIONS = ("torch", "transformers", "tokenizers", "safetensors", "numpy")


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who is told how the training goes; each a plain function."""

    on_data: Callable[[Sequence[DataSet], Mapping[str, Task], FaultLog], None] = lambda data, tasks, log: None
    on_step: Callable[[StepReport], None] = lambda report: None
    on_epoch: Callable[[EpochReport], None] = lambda report: None


def train(
    recipe: Recipe,
    output: str | Path,
    *,
    start: str | Path | None = None,
    device: str | None = None,
    watcher: Watcher | None = None,
) -> TrainingResult:
    """Train what ``recipe`` says into the folder ``output``, which must be new or empty.

    ``start`` is a saved model to go on from: its heads are kept, the recipe's tasks are added to them.

    Raises:
        UserError: the recipe's data, backbone or plan does not work out, each fault with its place.
    """
    watcher = watcher or Watcher()
    folder = Path(output)
    if taken(folder):
        raise UserError(f"{folder}: a run needs a new or empty folder; choose another --output")
    log = FaultLog()
    if start is not None:
        pretrained = load(start, attention_dropout=recipe.model.attention_dropout)
        recipe = _go_on(recipe, pretrained)
    data, tasks = prepare(recipe, log)
    if not any(each.train for each in data):
        raise UserError(f"{recipe.name}: no data set has a train split")
    torch.manual_seed(recipe.training.seed)
    if start is None:
        pretrained = _new(recipe.model)
    for name, task in tasks.items():
        if name not in pretrained.heads:
            pretrained.add_head(name, task)
    check_settings(pretrained, data, recipe.training, device)
    watcher.on_data(data, tasks, log)
    write_text(folder / "recipe.yaml", yaml.safe_dump(dict(recipe.raw), sort_keys=False, allow_unicode=True))
    write_json(folder / "run.json", _facts(recipe, start, data, log))
    result = run_loop(
        pretrained,
        data,
        recipe.training,
        folder=folder,
        device=device,
        on_step=watcher.on_step,
        on_epoch=watcher.on_epoch,
    )
    write_json(folder / "result.json", _summary(result))
    draw_curves(read_history(folder), folder / "curves.png")
    return result


def taken(folder: Path) -> bool:
    """Whether something is there already."""
    return (folder.is_dir() and any(folder.iterdir())) or folder.is_file()


def read_history(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run's ``metrics.jsonl``."""
    return [json.loads(line) for line in (folder / METRICS_FILE).read_text(encoding="utf-8").splitlines()]


def _new(model: ModelSettings) -> Pretrained:
    """The backbone with the recipe's pooling, projection and normalisation, and no heads."""
    wanted = {
        key: value for key in ("pooling", "normalize", "max_length") if (value := getattr(model, key)) is not None
    }
    if model.projection is not None:
        wanted["projection"] = ProjectionSettings(model.projection)
    return load(
        model.backbone,
        change=(lambda settings: replace(settings, **wanted)) if wanted else None,
        attention_dropout=model.attention_dropout,
        with_heads=False,
    )


def _go_on(recipe: Recipe, pretrained: Pretrained) -> Recipe:
    """The recipe with the saved heads' own tasks, as far as it names them; the saved heads take its loss weights.

    Raises:
        UserError: it declares a task otherwise than the saved head, or asks for another encoder.
    """
    tasks = dict(recipe.tasks)
    for name, task in recipe.tasks.items():
        head = pretrained.heads.get(name)
        if head is None:
            continue
        for key in sorted(task.model_fields_set - {"weight"}):
            asked, saved = getattr(task, key), getattr(head.task, key, None)
            if asked != saved:
                raise UserError(
                    f"tasks.{name}.{key}: the saved head has {shown(saved)}, found {shown(asked)}; rename it"
                )
        tasks[name] = head.task.model_copy(update={"weight": task.weight})
        pretrained.heads[name] = replace(head, task=tasks[name])
    settings = pretrained.settings
    projection = settings.projection.width if settings.projection else None
    has = {"pooling": settings.pooling, "normalize": settings.normalize, "max_length": settings.max_length}
    for key, saved in {**has, "projection": projection}.items():
        wanted = getattr(recipe.model, key)
        if wanted is not None and wanted != saved:
            raise UserError(
                f"model.{key}: the saved model has {shown(saved)}, found {shown(wanted)}; it cannot be changed"
            )
    return replace(recipe, tasks=tasks)


def _facts(recipe: Recipe, start: str | Path | None, data: Sequence[DataSet], log: FaultLog) -> dict[str, Any]:
    return {
        "polyhead": __version__,
        "data_root": str(recipe.root.resolve()),
        "from": None if start is None else str(start),
        "seed": recipe.training.seed,
        "rows": {each.name: {"train": len(each.train), "validation": len(each.validation)} for each in data},
        "oddities": dict(log.counts),
        "versions": {name: _version(name) for name in _VERSIONS},
        "machine": {
            "python": platform.python_version(),
            "system": platform.platform(),
            "threads": torch.get_num_threads(),
        },
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "?"


def _summary(result: TrainingResult) -> dict[str, Any]:
    best = result.epochs[result.best_epoch - 1]
    return {
        "best_epoch": result.best_epoch,
        "epochs": len(result.epochs),
        "stopped_early": result.stopped_early,
        "seconds": round(result.seconds, 1),
        "validation": best.report.as_dict(),
        "validation_losses": {name: loss if isfinite(loss) else None for name, loss in best.losses.items()},
    }
