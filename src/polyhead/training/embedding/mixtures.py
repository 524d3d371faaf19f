"""Mixtures of start and end weights: (1 − α)·θ₀ + α·θ₁, heads included (Wortsman et al., 2021, arXiv 2109.01903).

θ₀ is the model as it is when the first of its encoder's weights begins to learn: with ``plan: probe-then-full`` its
heads are trained by then.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from polyhead.errors import UserError, shown
from polyhead.folder.files import whole_folder
from polyhead.pretrained.save import save_weights

START, END = "start", "end"
SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


def keep_weights(model: nn.Module, folder: Path) -> None:
    """Write the weights of ``model`` into ``folder``.

    Raises:
        UserError: the disk is full, or the place cannot be written.
    """
    with whole_folder(folder) as place:
        try:
            save_weights(model, place / "model.safetensors")
        except SafetensorError as error:  # its I/O errors are no OSError
            raise UserError(f"{folder}: cannot be written ({shown(str(error), 120)})") from None


def read_weights(folder: Path) -> dict[str, Tensor]:
    """The weights that were kept there.

    Raises:
        UserError: they are gone or damaged.
    """
    try:
        found: dict[str, Tensor] = load_file(folder / "model.safetensors")
    except (OSError, SafetensorError) as error:
        raise UserError(f"{folder}: embedding.interpolate needs the weights kept there ({shown(str(error))})") from None
    return found


def forget_weights(folder: Path) -> None:
    """Take away what was kept in a run's folder."""
    for name in (START, END):
        shutil.rmtree(folder / name, ignore_errors=True)


def mix(model: nn.Module, start: Mapping[str, Tensor], end: Mapping[str, Tensor], share: float) -> None:
    """Give ``model`` one mixture."""
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if tensor.is_floating_point():
                tensor.copy_(torch.lerp(start[name].to(tensor), end[name].to(tensor), share))
