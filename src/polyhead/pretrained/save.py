"""A model in memory → a folder: a plain sentence-transformers model with the heads beside it."""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn

from polyhead._version import __version__
from polyhead.errors import UserError, shown
from polyhead.folder.files import whole_folder, write_text
from polyhead.folder.hashing import tensors_hash
from polyhead.folder.manifest import (
    BRANCHES,
    CARD,
    HEADS,
    BranchRecord,
    HeadRecord,
    Manifest,
    check_replaceable,
    write_manifest,
)
from polyhead.folder.sentence_transformers import DENSE, POOLING, write_layout
from polyhead.pretrained.card import card
from polyhead.pretrained.pretrained import Pretrained, arrays


def save(pretrained: Pretrained, folder: str | Path, *, name: str | None = None) -> Path:
    """Write the folder whole or not at all; the weights are always the fp32 masters.

    ``name`` is what the card calls the model, the folder's own name if left out.

    Raises:
        UserError: the disk is full, the place cannot be written, or holds something else than a model.
    """
    target = Path(folder)
    check_replaceable(target)
    with whole_folder(target) as place:
        try:
            _write(pretrained, place)
            write_text(place / CARD, card(pretrained, name or target.resolve().name))
        except SafetensorError as error:  # its I/O errors are no OSError
            raise UserError(f"{target}: cannot be written ({shown(str(error), 120)})") from None
    return target


def _write(pretrained: Pretrained, place: Path) -> None:
    encoder = pretrained.model.encoder
    encoder.backbone.network.save_pretrained(place, max_shard_size="1000GB")
    pretrained.files.model_max_length = pretrained.settings.max_length
    pretrained.files.backend_tokenizer.no_truncation()
    pretrained.files.backend_tokenizer.no_padding()
    pretrained.files.save_pretrained(place)
    write_layout(place, pretrained.settings, hidden=encoder.backbone.hidden)
    if encoder.projection:
        save_weights(encoder.projection, place / DENSE / "model.safetensors")
    if any(True for _ in encoder.pooling.parameters()):
        save_weights(encoder.pooling, place / POOLING / "model.safetensors")
    here = pretrained.encoder_hash()
    branches = {}
    for name, branch in pretrained.model.branches.items():
        branches[name] = BranchRecord(branch.depth, here, tensors_hash(arrays(branch)))
        save_weights(branch, place / BRANCHES / name / "model.safetensors")
    below = {name: pretrained.branch_hash(name, here) for name in branches}
    records = {}
    for name, head in pretrained.heads.items():
        module = pretrained.model.heads[name]
        reads = here if head.branch is None else below[head.branch]
        weights = tensors_hash(arrays(module))
        records[name] = HeadRecord(
            head.task, head.encoder_hash or reads, weights, head.trained, head.branch, head.evaluation
        )
        save_weights(module, place / HEADS / name / "model.safetensors")
    manifest = Manifest(here, records, branches, pretrained.origin, pretrained.embedding, pretrained.datasets)
    write_manifest(place, manifest, version=__version__)


def save_weights(module: nn.Module, path: Path) -> None:
    """Write a module's weights in fp32; what the disk refuses is a ``SafetensorError``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors: dict[str, Tensor] = {
        name: tensor.detach().to("cpu", torch.float32).contiguous() for name, tensor in module.state_dict().items()
    }
    save_file(tensors, path, metadata={"format": "pt"})
