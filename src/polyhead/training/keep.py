"""The best model of a training: kept in the run's folder as it is found, put back in the end."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from polyhead.pretrained import Pretrained, load, save
from polyhead.training.activations.rows import Source
from polyhead.training.calibrate import calibrated
from polyhead.training.plans.lora import merged, remove_adapters
from polyhead.training.prepare import Prepared

MODEL = "model"


def restore_best(pretrained: Pretrained, folder: Path) -> None:
    """Put the weights of the best evaluation back."""
    best = load(folder, allow_mismatch=True)
    remove_adapters(pretrained.model)
    pretrained.model.load_state_dict(best.model.state_dict())
    pretrained.heads = best.heads
    pretrained.model.eval().requires_grad_(True)


def calibrate(pretrained: Pretrained, prepared: Prepared, validation: Iterable[Source], folder: Path) -> None:
    """Fit the heads' temperatures and thresholds on validation data, and keep them with the model in ``folder``."""
    tasks = calibrated(prepared, pretrained.tasks, validation)
    if tasks != pretrained.tasks:
        pretrained.heads = {name: replace(head, task=tasks[name]) for name, head in pretrained.heads.items()}
        save(pretrained, folder)


def as_trained(pretrained: Pretrained, prepared: Prepared) -> Pretrained:
    """``pretrained`` with each head's record brought up to date."""
    encoder = pretrained.model.encoder
    moved = any(parameter.requires_grad for parameter in encoder.parameters())
    heads = {}
    for name, head in pretrained.heads.items():
        trained = name in prepared.taught or (head.trained and not moved)
        heads[name] = replace(head, encoder_hash=None if moved else head.encoder_hash, trained=trained)
    return replace(pretrained, model=merged(pretrained.model), heads=heads)
