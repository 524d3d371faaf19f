"""What a run was made of, noted in its folder as ``run.json``: enough to repeat it, and to see what changed since."""

import hashlib
import json
import os
import platform
import subprocess
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import NoneType
from typing import Any

import torch

from polyhead._version import __version__
from polyhead.errors import UserError, shown
from polyhead.folder.files import read_json
from polyhead.folder.hashing import path_hash, tensors_hash
from polyhead.pretrained import Pretrained
from polyhead.pretrained.hardware import resolve_device
from polyhead.pretrained.pretrained import arrays
from polyhead.recipe.data import Data
from polyhead.recipe.schema import Recipe
from polyhead.training.prepare import autocast_dtype

FACTS = "run.json"
_VERSIONS = ("torch", "transformers", "tokenizers", "safetensors", "numpy", "accelerate", "pyarrow", "scikit-learn")
_COMPARED: dict[str, type | tuple[type, ...]] = {
    "recipe": dict,
    "files": dict,
    "versions": dict,
    "machine": dict,
    "model_hash": str,
    "config_hash": str,
    "data_root": str,
    "from": (str, NoneType),
}
_FREE = ("training.save_steps", "training.save_total_limit", "training.report_to", "training.cache_gb")
"""Keys of a recipe that change nothing in what a run computes."""


def facts_of(
    recipe: Recipe, data: Data, pretrained: Pretrained, *, start: str | Path | None, device: str | None
) -> dict[str, Any]:
    """Everything that decides what a run computes, and where it ran. ``pretrained`` is as training begins with it."""
    return {
        "recipe": json.loads(json.dumps(dict(recipe.raw), default=str)),
        "data_root": str(recipe.root.resolve()),
        "from": None if start is None else str(Path(start).resolve() if Path(start).exists() else start),
        "backbone": recipe.model.backbone if start is None else str(start),
        "seed": recipe.training.seed,
        "model_hash": tensors_hash(arrays(pretrained.model)),
        "config_hash": _config_hash(pretrained),
        "files": {name: _data_hash(recipe.root / name) for name in _files(recipe)},
        "rows": {f"{name}.{split}": found.rows for (name, split), found in data.surveys.items()},
        "oddities": dict(data.log.counts),
        "versions": {"polyhead": __version__, **{name: _version(name) for name in _VERSIONS}},
        "revision": _revision(),
        "machine": {
            "python": platform.python_version(),
            "system": platform.platform(),
            "processor": _processor(),
            "cores": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "device": _device(device),
            "autocast": str(autocast_dtype(recipe.training, resolve_device(device))),
        },
    }


def read_facts(folder: Path) -> dict[str, Any]:
    """What a run's folder says.

    Raises:
        UserError: it is no run's folder.
    """
    path = folder / FACTS
    if not path.is_file():
        raise UserError(f"{folder}: no run to go on with, {FACTS} is missing; train RECIPE begins one")
    facts = read_json(path)
    for key, kind in _COMPARED.items():
        if key not in facts or not isinstance(facts[key], kind):
            raise UserError(f"{path}: {key} must be there to go on with this run, found {shown(facts.get(key))}")
    return facts


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """What has changed since a run began: what makes it another run, and what only costs it its last bits."""
    grave = [
        f"{key}: the run has {shown(old)}, now it is {shown(new)}"
        for key, old, new in _differences(before["recipe"], now["recipe"])
        if key not in _FREE
    ]
    for name, old, new in _differences(before["files"], now["files"]):
        grave.append(f"{name}: {'is not what the run read' if old and new else 'was not there' if new else 'is gone'}")
    if before["model_hash"] != now["model_hash"]:
        grave.append("model.backbone: the weights are not those that the run began with")
    if before["config_hash"] != now["config_hash"] and not grave:
        grave.append("model.backbone: its config, tokenizer or heads are not those that the run began with")
    slight = [
        f"{key}: {old} when the run began, now {new}"
        for part in ("versions", "machine")
        for key, old, new in _differences(before[part], now[part])
        if key in (*now["versions"], "threads", "device", "autocast", "processor", "python")
    ]
    return grave, slight


def changed_files(facts: Mapping[str, Any], root: Path) -> Iterator[str]:
    """Files that are not what they were when a run read them, for whoever repeats it."""
    for name, known in (facts.get("files") or {}).items():
        path = root / name
        if path.exists() and path_hash(path) != known:
            yield f"{path}: is not what the run read that is repeated here"


def _differences(before: Any, now: Any, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys((*before, *now)):
            yield from _differences(before.get(key), now.get(key), f"{place}.{key}" if place else str(key))
    elif before != now:
        yield place, before, now


def _files(recipe: Recipe) -> list[str]:
    sources = [
        source
        for each in recipe.data.values()
        for split, source in each.sources.items()
        if split in ("train", "validation")
    ]
    beside = [] if recipe.embedding.pairs is None else [recipe.embedding.pairs]
    sources += [] if recipe.embedding.texts is None else [recipe.embedding.texts]
    return list(dict.fromkeys([*(name for source in sources for name in source.path), *beside]))


def _data_hash(path: Path) -> str:
    """Of what a recipe reads; a data set on the Hub is known by its name alone."""
    return path_hash(path) if path.exists() else "on the Hub"


def _config_hash(pretrained: Pretrained) -> str:
    """A hash over all of a model that is not in its weights: config, tokenizer, the encoder's settings, the heads'."""
    parts = [
        pretrained.model.encoder.backbone.network.config.to_json_string(use_diff=False),
        pretrained.tokenizer.backend.to_str(),
        repr(pretrained.settings),
        *(f"{name} {head.branch} {head.task.model_dump_json()}" for name, head in pretrained.heads.items()),
    ]
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "?"


def _revision() -> str | None:
    """The git commit of the folder that the command was given in, with ``+`` where files were changed since."""
    try:
        commit = _git("rev-parse", "HEAD")
        return commit + ("+" if _git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], capture_output=True, text=True, check=True, timeout=10).stdout.strip()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _device(name: str | None) -> str:
    device = resolve_device(name)
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
