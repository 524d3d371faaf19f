"""Low-rank adapters beside the backbone's linear layers, by peft: put on, added to the weights, written apart."""

import copy
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from polyhead.errors import MissingExtra, UserError
from polyhead.folder.files import whole_folder
from polyhead.modeling.model import MultiTaskModel
from polyhead.training.plans.settings import Lora

ADAPTER = "adapter"
_WEIGHTS, _CONFIG = "adapter_model.safetensors", "adapter_config.json"  # as peft calls them
_NAME = "default"  # peft's name of an adapter that nobody named


def add_adapters(model: MultiTaskModel, settings: Lora, *, seed: int) -> None:
    """Put adapters on every linear layer within the backbone's layers, so that at first nothing changes.

    Raises:
        MissingExtra: peft is not installed.
        UserError: there is no such layer.
    """
    try:
        from peft import inject_adapter_in_model
    except ImportError:
        raise MissingExtra("peft", "lora") from None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        inject_adapter_in_model(_config(model, settings), model.encoder.backbone.network)


def merged(model: MultiTaskModel) -> MultiTaskModel:
    """The model with the adapters added to its weights, a model like any other; itself, where it has none."""
    if not adapters(model):
        return model
    plain = model.with_backbone(copy.deepcopy(model.encoder.backbone))
    for layer in adapters(plain).values():
        layer.merge()
    remove_adapters(plain)
    return plain


def remove_adapters(model: MultiTaskModel) -> None:
    """Put the linear layers back in their places, as they are under the adapters."""
    network = model.encoder.backbone.network
    for name, layer in adapters(model).items():
        parent, _, own = name.rpartition(".")
        setattr(network.get_submodule(parent), own, layer.get_base_layer())


def save_adapter(model: MultiTaskModel, settings: Lora, folder: Path) -> None:
    """Write the adapters as a folder that ``peft.PeftModel.from_pretrained`` puts on the same backbone."""
    tensors = {
        f"base_model.model.{name.replace(f'.{_NAME}', '')}": parameter.detach().cpu().contiguous()
        for name, parameter in model.encoder.backbone.network.named_parameters()
        if ".lora_" in name
    }
    with whole_folder(folder) as place:
        config = _config(model, settings)
        config.inference_mode = True
        config.save_pretrained(str(place))
        save_file(tensors, place / _WEIGHTS, metadata={"format": "pt"})


def scale_adapter(folder: Path, share: float) -> None:
    """Make the written adapters worth ``share`` of what they were when they were written; 1 is all of it."""
    with safe_open(folder / _WEIGHTS, framework="pt") as file:
        before = float((file.metadata() or {}).get("share", 1.0))
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    scaled = {name: each * (share / before if ".lora_B." in name else 1.0) for name, each in tensors.items()}
    with whole_folder(folder) as place:
        shutil.copy(folder / _CONFIG, place)
        save_file(scaled, place / _WEIGHTS, metadata={"format": "pt", "share": str(share)})


def adapters(model: MultiTaskModel) -> dict[str, Any]:
    """The linear layers with an adapter, by their names in the network."""
    return {
        name: module for name, module in model.encoder.backbone.network.named_modules() if hasattr(module, "lora_A")
    }


def _config(model: MultiTaskModel, settings: Lora) -> Any:
    from peft import LoraConfig

    layers = set(model.encoder.backbone.layer_list()[max(0, model.encoder.fixed) :])
    own = [name for name, module in model.encoder.backbone.network.named_modules() if module in layers]
    linear = {
        f"{place}.{name}".removesuffix(".base_layer")
        for place in own
        for name, module in model.encoder.backbone.network.get_submodule(place).named_modules()
        if isinstance(module, nn.Linear) and ".lora_" not in name
    }
    if not linear:
        raise UserError("training.plan: lora needs linear layers within the backbone's layers, and finds none; use top")
    return LoraConfig(
        r=settings.rank,
        lora_alpha=2 * settings.rank if settings.alpha is None else settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=sorted(linear),
    )
