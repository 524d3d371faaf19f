"""One training of a study, in a process of its own: trained, scored on the test split, its weights thrown away."""

import math
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from polyhead.api import Polyhead
from polyhead.data.pairs import Pairs, read_pairs
from polyhead.evaluation import Report
from polyhead.folder.files import write_json, write_text
from polyhead.modeling.components import size_of
from polyhead.pretrained import load
from polyhead.pretrained.hardware import resolve_device
from polyhead.recipe import Recipe, load_recipe, train
from polyhead.recipe.examples import recipe_examples
from polyhead.recipe.frozen import evaluate_frozen
from polyhead.recipe.run import Watcher
from polyhead.recipe.start import new_model
from polyhead.study.design import FROZEN, Job, only_tasks
from polyhead.study.lines import is_share
from polyhead.training.estimate import peak_memory
from polyhead.training.plans import stages
from polyhead.training.prepare import planned_components

RESULT = "study.json"
Told = Callable[[str, int, int], None]
"""What is done, how much of how much."""
Noted = Callable[[str], None]
"""A line that is to be seen: a warning, or what is kept on the disk."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What all jobs of a study share. ``pairs`` is a file of two sentences and a score a row."""

    recipe: Path
    raw: Mapping[str, Any]
    data_root: Path
    start: str | None
    cache: Path
    rows: int | None
    pairs: Path | None
    device: str | None


def run_job(job: Job, setting: Setting, folder: Path, told: Told, noted: Noted) -> None:
    """Do it, or go on with it where it stopped; ``folder``/study.json has what came of it.

    Raises:
        UserError: what ``polyhead.recipe.train`` raises.
    """
    place = folder / "recipe.yaml"
    raw = setting.raw if job.task is None else only_tasks(setting.raw, [job.task])
    write_text(place, yaml.safe_dump(dict(raw), sort_keys=False, allow_unicode=True))
    recipe = load_recipe(place, overrides=job.overrides(setting.rows, raw["data"]), data_root=setting.data_root)
    found = _frozen(job, setting, recipe, told) if job.frozen else [_trained(job, setting, recipe, folder, told, noted)]
    write_json(folder / RESULT, {"results": finite(found)})


def finite(value: Any) -> Any:
    """The same with None for what is not a number, which JSON cannot say."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: finite(each) for key, each in value.items()}
    return [finite(each) for each in value] if isinstance(value, list | tuple) else value


def _trained(job: Job, setting: Setting, recipe: Recipe, folder: Path, told: Told, noted: Noted) -> dict[str, Any]:
    recipe = replace(recipe, name=setting.recipe.stem)
    run = folder / "run"
    begun = (run / "checkpoints").is_dir() and any((run / "checkpoints").iterdir())
    going_on = begun and not (run / "result.json").is_file()
    if not going_on:
        shutil.rmtree(run, ignore_errors=True)
    watcher = Watcher(
        on_step=lambda report: told("training", report.step, report.steps),
        on_cached=lambda done, total: told("frozen layers", done, total),
        on_note=lambda line: noted(_whose(job, line)) if line.startswith(("!", "cache:")) else None,
    )
    result = train(
        recipe,
        run,
        start=setting.start,
        device=setting.device,
        watcher=watcher,
        resume=going_on,
        cache=setting.cache,
        report=False,
    )
    memory = peak_memory(resolve_device(setting.device))
    model = Polyhead.from_pretrained(run, device=setting.device)
    sets, _ = recipe_examples(run / "recipe.yaml", "test", model.tasks, data_root=recipe.root, count_unseen=True)
    told("testing", 0, 1)
    report = model.evaluate(chain.from_iterable(sets))
    sizes = _sizes(model, recipe, result.stages)
    elapsed = np.cumsum([each.seconds for each in result.evaluations]).tolist()
    found = {
        "name": job.plan,
        **_job(job),
        "score": result.best.score,
        "shares": _shares(recipe, model),
        "validation": result.best.report.metrics(),
        "test": report.metrics(),
        "labels_given": _labels_given(result.best.report),
        "seconds": max(result.seconds, *elapsed),
        "memory": memory,
        **sizes,
        "epochs": len(result.evaluations),
        "best_epoch": result.best.epoch,
        "curve": [[time, each.score] for time, each in zip(elapsed, result.evaluations, strict=True)],
        "pairs": _pairs(setting, recipe, run),
        "drift": {name: moved.changed for name, moved in result.drift.items()},
    }
    shutil.rmtree(run, ignore_errors=True)
    return found


def _whose(job: Job, line: str) -> str:
    """The line, with the plan that it is about."""
    return f"! {job.plan}: {line.removeprefix('! ')}" if line.startswith("! training.") else line


def _frozen(job: Job, setting: Setting, recipe: Recipe, told: Told) -> list[dict[str, Any]]:
    started = time.perf_counter()
    watcher = Watcher(on_cached=lambda done, total: told("encoding", done, total))
    found = evaluate_frozen(recipe, start=setting.start, device=setting.device, watcher=watcher)
    seconds = time.perf_counter() - started
    total = sum(parameter.numel() for parameter in found.model.pretrained.model.parameters())
    untouched = None if setting.pairs is None else _spearman(found.model, read_pairs(setting.pairs))
    return [
        {
            "name": f"{FROZEN}: {each.name}",
            **_job(job),
            "score": each.score,
            "shares": _shares(recipe, found.model),
            "validation": each.reports["validation"].metrics() if "validation" in each.reports else {},
            "test": each.reports["test"].metrics(),
            "labels_given": _labels_given(each.reports["validation"]) if "validation" in each.reports else {},
            "seconds": seconds,
            "memory": peak_memory(resolve_device(setting.device)),
            "learning": 0,
            "parameters": total,
            "epochs": 0,
            "best_epoch": 0,
            "curve": [],
            "pairs": None if untouched is None else [untouched, untouched],
        }
        for each in found.results
    ]


def _shares(recipe: Recipe, model: Polyhead) -> bool:
    """Whether the score is a share and no loss or error."""
    score = recipe.training.score
    names = [score] if isinstance(score, str) else score or [task.metrics[0] for task in model.tasks.values()]
    return all(name != "loss" and is_share(f".{name}") for name in names)


def _job(job: Job) -> dict[str, Any]:
    return {"plan": job.plan, "seed": job.seed, "changes": dict(job.changes), "task": job.task}


def _labels_given(report: Report) -> dict[str, int]:
    """How many of its labels each head ever gives to validation rows: one is a collapse.

    Of heads that may give none, as tagging heads do, "none" counts as a label.
    """
    found = {}
    for name, task in report.tasks.items():
        scores = task.details.get("types", task.details.get("scores"))
        if "confusion" in task.details:
            found[name] = int((np.asarray(task.details["confusion"]).sum(axis=0) > 0).sum())
        elif scores is not None:
            found[name] = 1 + sum(each["predicted"] > 0 for each in scores.values())
    return found


def _sizes(model: Polyhead, recipe: Recipe, begun: int) -> dict[str, int]:
    """How many numbers there are, and how many of them learned in the stages that began."""
    whole, branch = model.pretrained.model, recipe.embedding.branch
    parts = planned_components(whole if branch is None else whole.through(branch), recipe.training)
    learns = stages(recipe.training.plan, parts)[begun - 1].learns
    return {"learning": size_of(parts, learns), "parameters": sum(part.size for part in parts)}


def _pairs(setting: Setting, recipe: Recipe, run: Path) -> list[float] | None:
    """Spearman of the embedding's cosines before and after the training."""
    if setting.pairs is None:
        return None
    pairs = read_pairs(setting.pairs)
    before = new_model(recipe.model) if setting.start is None else load(setting.start)
    models = (Polyhead(before, device=setting.device), Polyhead.from_pretrained(run, device=setting.device))
    return [_spearman(each, pairs) for each in models]


def _spearman(model: Polyhead, pairs: Pairs) -> float:
    return model.evaluate_embedding(pairs).spearman or 0.0
