"""A recipe's file → a ``Recipe``, or every fault in it at once."""

import copy
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from polyhead.data.readers import SOURCES, Source
from polyhead.errors import UserError, shown
from polyhead.kinds import KINDS, RESERVED_NAMES, TASK_NAME, Task
from polyhead.recipe.faults import Faults, unknown_key, validate
from polyhead.recipe.schema import SPLITS, DataSettings, ModelSettings, Recipe
from polyhead.recipe.yaml import Place, read_yaml
from polyhead.training import EmbeddingSettings, TrainingSettings
from polyhead.training.settings import OTHER_SPELLINGS

_SECTIONS = ("model", "tasks", "data", "training", "embedding")


def load_recipe(
    path: str | Path, *, overrides: Mapping[str, str] | None = None, data_root: str | Path | None = None
) -> Recipe:
    """Read a recipe. ``overrides`` maps dotted keys to YAML values: ``{"training.epochs": "3"}``.

    Paths of data are relative to ``data_root``, or to the recipe's folder.

    Raises:
        UserError: with a line for each fault, all at once.
    """
    path = Path(path)
    located = read_yaml(path)
    raw = located.value
    if not isinstance(raw, dict):
        raise UserError(f"{path}: a recipe is a mapping with {', '.join(_SECTIONS)}; found {shown(raw)}")
    raw, overridden = _override(raw, overrides or {})
    faults = Faults(path, located.lines, overridden)
    for key in raw:
        if key not in _SECTIONS:
            faults.add((str(key),), unknown_key(str(key), _SECTIONS))
    model = _section(ModelSettings, raw, "model", faults)
    training = _section(TrainingSettings, raw, "training", faults)
    embedding = _section(EmbeddingSettings, raw, "embedding", faults)
    tasks = _tasks(raw, faults)
    data = _data(raw, tasks, faults)
    if faults.lines:
        raise UserError(*faults.lines)
    for key in ("backbone", "fallback"):
        name = getattr(model, key)
        if name is not None and (beside := path.parent / name).is_dir():
            whole = str(beside.resolve())  # so that the run's copy of the recipe finds it, too
            model = model.model_copy(update={key: whole})
            raw["model"] = {**(raw.get("model") or {}), key: whole}
    root = Path(data_root) if data_root is not None else path.parent
    return Recipe(path.stem, model, tasks, data, training, embedding, root, raw)


def _override(raw: dict[str, Any], overrides: Mapping[str, str]) -> tuple[dict[str, Any], set[Place]]:
    raw = copy.deepcopy(raw)
    places: set[Place] = set()
    for key, text in overrides.items():
        place = tuple(key.split("."))
        target = raw
        for name in place[:-1]:
            below = target.get(name)
            if below is None:
                below = target[name] = {}
            if not isinstance(below, dict):
                raise UserError(f"--{key}: {name} is no mapping in the recipe")
            target = below
        try:
            target[place[-1]] = yaml.safe_load(text)
        except (yaml.YAMLError, ValueError, RecursionError):
            raise UserError(f"--{key}: the value must be YAML, found {shown(text)}") from None
        places.add(place)
    return raw, places


def _section(model: type[Any], raw: Mapping[str, Any], name: str, faults: Faults) -> Any:
    given = raw.get(name)
    given = {} if given is None else given
    if model is TrainingSettings and isinstance(given, dict):
        for theirs in OTHER_SPELLINGS.keys() & given.keys():
            faults.add((name, theirs), f"{theirs} is spelled {OTHER_SPELLINGS[theirs]} here")
        given = {key: value for key, value in given.items() if key not in OTHER_SPELLINGS}
    value, found = validate(model, given)
    for place, message in found:
        faults.add((name, *place), message)
    return value


def _tasks(raw: Mapping[str, Any], faults: Faults) -> dict[str, Task]:
    section = raw.get("tasks")
    if not isinstance(section, dict) or not section:
        faults.add(("tasks",), f"must map task names to their settings; found {shown(section)}")
        return {}
    tasks = {}
    for name, value in section.items():
        place = ("tasks", str(name))
        if not isinstance(name, str) or not re.fullmatch(TASK_NAME, name) or name in RESERVED_NAMES:
            faults.add(place, f"a task's name must match {TASK_NAME} and not be {', '.join(RESERVED_NAMES)}")
            continue
        kind = value.get("kind") if isinstance(value, dict) else None
        if not isinstance(kind, str) or kind not in KINDS:
            faults.add((*place, "kind"), f"must be one of {', '.join(KINDS)}; found {shown(kind)}")
            continue
        task, found = validate(KINDS[kind], value)
        for below, message in found:
            faults.add((*place, *below), message)
        if task is not None:
            tasks[name] = task
    return tasks


def _data(raw: Mapping[str, Any], tasks: Mapping[str, Task], faults: Faults) -> dict[str, DataSettings]:
    section = raw.get("data")
    if not isinstance(section, dict) or not section:
        faults.add(("data",), f"must map data sets' names to their files; found {shown(section)}")
        return {}
    data = {}
    declared = raw.get("tasks") if isinstance(raw.get("tasks"), dict) else {}
    for name, value in section.items():
        place = ("data", str(name))
        if not isinstance(value, dict):
            faults.add(place, f"must be a mapping with format, train, tasks …; found {shown(value)}")
            continue
        data[str(name)] = _data_set(value, place, declared or {}, tasks, faults)
    used = {task for each in data.values() for source in each.sources.values() for task in source.tasks}
    for name in tasks:
        if name not in used and not faults.lines:
            faults.add(("tasks", name), "no data set has labels for this task; name it under its tasks")
    return data


def _data_set(
    value: Mapping[str, Any], place: Place, declared: Mapping[str, Any], tasks: Mapping[str, Task], faults: Faults
) -> DataSettings:
    base = {key: each for key, each in value.items() if key not in (*SPLITS, "batch_size")}
    batch_size = _batch_size(value, place, faults)
    sources: dict[str, Source] = {}
    shares: dict[str, float] = {}
    if not any(split in value for split in SPLITS):
        faults.add(place, f"a data set needs at least one of {', '.join(SPLITS)}")
    if isinstance(base.get("tasks"), dict):
        base["tasks"] = {name: {} if binding is None else binding for name, binding in base["tasks"].items()}
        for name in [name for name, binding in base["tasks"].items() if not isinstance(binding, dict)]:
            found = shown(base["tasks"].pop(name))
            faults.add((*place, "tasks", str(name)), f"must be a mapping with label, labels …; found {found}")
    if "sample" in base:
        faults.add((*place, "sample"), "belongs below a split: train: {path: …, sample: …}")
        del base["sample"]
    asked = [value[split] for split in SPLITS[1:] if isinstance(value.get(split), float)]
    if len(asked) > 1 and sum(asked) >= 1:
        faults.add((*place, "test"), f"the shares of train must have a sum below 1, found {sum(asked):g}")
    for split in (split for split in SPLITS if split in value):
        given = value[split]
        here = (*place, split)
        if isinstance(given, float) and split != "train":
            if not 0 < given < 1 or "train" not in value:
                faults.add(here, f"a share of train must be between 0 and 1, and train be there; found {given}")
            shares[split] = given
            continue
        if not isinstance(given, str | list | dict):
            faults.add(here, f"must be a path, paths, a mapping with a path, or a share of train; found {shown(given)}")
            continue
        merged = _merge(base, given if isinstance(given, dict) else {"path": given})
        source = _source(merged, place, here, declared, tasks, faults)
        if source:
            sources[split] = source
    for split in shares if "train" in sources and sources["train"].stream else ():
        faults.add((*place, split), "a share is cut off train in memory, but train streams; give it a file of its own")
    return DataSettings(sources, shares, batch_size)


def _batch_size(value: Mapping[str, Any], place: Place, faults: Faults) -> int | None:
    given = value.get("batch_size")
    if given is None or (isinstance(given, int) and not isinstance(given, bool) and given >= 1):
        return given
    faults.add((*place, "batch_size"), f"must be a whole number of at least 1; found {shown(given)}")
    return None


def _source(
    merged: Mapping[str, Any],
    place: Place,
    here: Place,
    declared: Mapping[str, Any],
    tasks: Mapping[str, Task],
    faults: Faults,
) -> Source | None:
    """The split's source; a fault stands where its key does, below the split or below the data set."""

    def at(below: Sequence[str]) -> Place:
        own = (*here, *below)
        shared = (*place, *below)
        return own if faults.has(own) or not faults.has(shared) else shared

    form = merged.get("format")
    if not isinstance(form, str) or form not in SOURCES:
        faults.add(at(["format"]), f"must be one of {', '.join(SOURCES)}; found {shown(form)}")
        return None
    source, found = validate(SOURCES[form], merged)
    for below, message in found:
        faults.add(at(below), message)
    for name in merged.get("tasks") or {} if isinstance(merged.get("tasks"), dict) else {}:
        if name not in declared:
            faults.add(at(["tasks", str(name)]), f"no such task; declared are: {', '.join(map(str, declared))}")
        elif source is not None and name in tasks and tasks[name].level == "pair" and not source.text_pair:
            message = "two texts a row are needed for it; name the second one's field: text_pair: FIELD"
            faults.add(at(["tasks", str(name)]), message)
    return source if isinstance(source, Source) else None


def _merge(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """A split's settings over its data set's; tasks are merged key by key."""
    merged = {**base, **own}
    shared, mine = base.get("tasks"), own.get("tasks")
    if isinstance(shared, dict) and isinstance(mine, dict):
        both = [name for name in shared if name in mine and isinstance(mine[name] or {}, dict)]
        merged["tasks"] = {**shared, **mine, **{name: {**shared[name], **(mine[name] or {})} for name in both}}
    if isinstance(merged.get("tasks"), dict):
        merged["tasks"] = {name: {} if value is None else value for name, value in merged["tasks"].items()}
    return merged
