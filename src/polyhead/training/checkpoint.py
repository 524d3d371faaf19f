"""Checkpoints: all that a run needs to go on as if it had never stopped.

``checkpoints/step-00000120/`` holds ``state.safetensors`` (what learns, and the optimizer's moments) and ``state.json``
(step, selection, history, scaler). The folder appears by one rename; nothing in it is a pickle. What is frozen is not
in it: that comes from the model which the run started from. No random state is in it either: each step's dropout is
drawn from the run's seed and the step's number.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from polyhead.errors import UserError, shown
from polyhead.folder.files import read_json, sync, whole_folder, write_json
from polyhead.folder.hashing import file_hash

CHECKPOINTS = "checkpoints"
FORMAT_VERSION = 1
_TENSORS, _STATE = "state.safetensors", "state.json"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint that was read: tensors by name, and the state of everything else."""

    path: Path
    tensors: Mapping[str, Tensor]
    state: Mapping[str, Any]

    def restore(self, model: nn.Module, optimizer: Optimizer) -> None:
        """Put weights and moments where they were.

        Raises:
            UserError: the checkpoint is of another model, or of another plan.
        """
        learns = _learning(model)
        own = {f"model.{name}": parameter for name, parameter in learns.items()}
        saved = {key: tensor.shape for key, tensor in self.tensors.items() if key.startswith("model.")}
        if saved != {key: parameter.shape for key, parameter in own.items()}:
            raise UserError(f"{self.path}: is not of this model and plan; a run goes on with what it was begun with")
        with torch.no_grad():
            for key, parameter in own.items():
                parameter.copy_(self.tensors[key])
        for key, tensor in self.tensors.items():
            kind, _, rest = key.partition(".")
            name, _, moment = rest.rpartition(".")
            if kind == "optimizer":
                optimizer.state[learns[name]][moment] = tensor.to(learns[name].device)


def write_checkpoint(
    folder: Path, *, step: int, model: nn.Module, optimizer: Optimizer, state: Mapping[str, Any], keep: int
) -> Path:
    """Write the checkpoint of ``step`` below ``folder``, whole or not at all; then delete all but the newest ``keep``.

    Raises:
        UserError: the disk is full, or the place cannot be written.
    """
    path = folder / CHECKPOINTS / f"step-{step:08d}"
    learns = _learning(model)
    tensors = {f"model.{name}": parameter.detach().cpu().contiguous() for name, parameter in learns.items()}
    for name, moments in _moments(learns, optimizer).items():
        tensors |= {f"optimizer.{name}.{key}": value.cpu().contiguous() for key, value in moments.items()}
    with whole_folder(path) as place:
        try:
            save_file(tensors, place / _TENSORS)
        except SafetensorError as error:  # its I/O errors are no OSError
            raise UserError(f"{path}: cannot be written ({shown(str(error), 120)})") from None
        with ThreadPoolExecutor(1) as beside:  # the disk takes the file in while its hash is computed
            beside.submit(sync, place / _TENSORS)
            digest = file_hash(place / _TENSORS)
        head = {"format_version": FORMAT_VERSION, "step": step, "sha256": digest}
        whole = {**head, **state}
        write_json(place / _STATE, {**whole, "state_sha256": _state_hash(whole)})
    for old in checkpoints(folder)[:-keep]:
        shutil.rmtree(old, ignore_errors=True)
    return path


def checkpoints(folder: Path) -> list[Path]:
    """The checkpoints of a run, oldest first."""
    return sorted(each for each in (folder / CHECKPOINTS).glob("step-*") if (each / _STATE).is_file())


def read_checkpoint(path: Path) -> Checkpoint:
    """Read and verify one.

    Raises:
        UserError: it is damaged, or of a newer format.
    """
    try:
        state = read_json(path / _STATE)
    except UserError as error:
        raise UserError(*(f"{fault}; {_remedy(path)}" for fault in error.faults)) from None
    recorded = state.pop("state_sha256", None)
    if state.get("format_version") != FORMAT_VERSION:
        found = shown(state.get("format_version"))
        raise UserError(f"{path / _STATE}: format_version must be {FORMAT_VERSION}, found {found}; update polyhead")
    if recorded != _state_hash(state):
        raise UserError(f"{path / _STATE}: damaged, it is not as it was written; {_remedy(path)}")
    try:
        damaged = file_hash(path / _TENSORS) != state.get("sha256")
        tensors = {} if damaged else load_file(path / _TENSORS)
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path / _TENSORS}: cannot be read ({shown(str(error))}); {_remedy(path)}") from None
    if damaged:
        raise UserError(f"{path / _TENSORS}: damaged, its SHA-256 is not the recorded one; {_remedy(path)}")
    return Checkpoint(path, tensors, state)


def _state_hash(state: Mapping[str, Any]) -> str:
    """Of the values, however they are written."""
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()


def _remedy(path: Path) -> str:
    older = [each for each in checkpoints(path.parent.parent) if each != path]
    return f"delete {path} to go on from {older[-1].name}" if older else "no other checkpoint is there; train anew"


def _learning(model: nn.Module) -> dict[str, nn.Parameter]:
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}


def _moments(learns: Mapping[str, nn.Parameter], optimizer: Optimizer) -> dict[str, dict[str, Tensor]]:
    return {name: dict(optimizer.state[parameter]) for name, parameter in learns.items() if optimizer.state[parameter]}
