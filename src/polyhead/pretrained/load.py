"""A folder or a Hub name → a model in memory."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel
from transformers.utils import logging as transformers_logging

from polyhead.errors import UserError, shown
from polyhead.folder.hashing import tensors_hash
from polyhead.folder.manifest import BRANCHES, HEADS, BranchRecord, Manifest, read_manifest
from polyhead.folder.sentence_transformers import POOLING, Layout, is_sentence_transformer, read_layout
from polyhead.folder.settings import EncoderSettings
from polyhead.modeling.backbone import Backbone, max_positions
from polyhead.modeling.branch import Branch
from polyhead.modeling.build import build_pooling
from polyhead.modeling.encoder import Encoder, Projection
from polyhead.modeling.model import MultiTaskModel
from polyhead.pretrained import attention
from polyhead.pretrained.find import find
from polyhead.pretrained.pretrained import Head, Pretrained, arrays
from polyhead.pretrained.tokenizer import read_tokenizer, text_tokenizer, token_limit

_ATTENTION_DROPOUT = ("attention_probs_dropout_prob", "attention_dropout", "attn_pdrop")


def load(
    name: str | Path,
    *,
    revision: str | None = None,
    change: Callable[[EncoderSettings], EncoderSettings] | None = None,
    attention_dropout: float | None = None,
    with_heads: bool = True,
    allow_mismatch: bool = False,
) -> Pretrained:
    """Open a model folder, a run's folder, a sentence-transformers or transformers folder, or a Hub name.

    ``change`` is given what the folder says about pooling and all that follows it, and returns what it should be;
    weights that this calls for and the folder lacks are new. ``attention_dropout`` replaces the backbone's own.
    ``with_heads=False`` leaves the folder's heads alone. ``allow_mismatch`` opens heads whose recorded encoder is not
    the one beside them.

    Raises:
        UserError: no such model, weights that are not safetensors, cut short, or not those that the folder recorded.
    """
    folder = find(name, revision=revision)
    layout = read_layout(folder) if is_sentence_transformer(folder) else Layout(EncoderSettings(), None)
    config, network = _network(folder, attention_dropout)
    backbone = Backbone(network=network)
    files = read_tokenizer(folder, vocabulary=backbone.vocabulary)
    wanted = replace(change(layout.settings) if change else layout.settings, lower_case=False)
    wanted = replace(wanted, max_length=token_limit(folder, wanted.max_length, files, positions=max_positions(config)))
    encoder = _encoder(folder, backbone, layout, wanted)
    tokenizer = text_tokenizer(files, wanted, lower_case=layout.settings.lower_case)
    pretrained = Pretrained(MultiTaskModel(encoder=encoder), tokenizer, wanted, files)
    manifest = read_manifest(folder) if with_heads else None
    if manifest:
        _load_heads(folder, manifest, pretrained, allow_mismatch=allow_mismatch)
    pretrained.model.eval()
    return pretrained


def _network(folder: Path, attention_dropout: float | None) -> tuple[Any, Any]:
    """The transformers config and model in fp32."""
    transformers_logging.disable_progress_bar()
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        for name in _ATTENTION_DROPOUT if attention_dropout is not None else ():
            if hasattr(config, name):
                setattr(config, name, attention_dropout)
        network, report = AutoModel.from_pretrained(
            folder,
            config=config,
            dtype=torch.float32,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except SafetensorError as error:
        raise UserError(f"{folder / 'model.safetensors'}: damaged weights ({shown(str(error))}); get it anew") from None
    except Exception as error:  # noqa: BLE001  (whatever a config can make transformers stumble over)
        raise UserError(f"{folder}: no model that can be opened ({shown(str(error).strip(), 160)})") from None
    if network.config._attn_implementation == "sdpa":
        network.set_attn_implementation(attention.NAME)
    missing = sorted(key for key in report["missing_keys"] if "pooler" not in key)
    if missing:
        raise UserError(
            f"{folder}: weights are missing from the file: {', '.join(missing[:3])} ({len(missing)} in all)"
        )
    if network.config.to_dict().get("is_encoder_decoder"):
        raise UserError(f"{folder}: {config.model_type} is an encoder-decoder; a backbone is an encoder or a decoder")
    return config, network


def _encoder(folder: Path, backbone: Backbone, layout: Layout, settings: EncoderSettings) -> Encoder:
    pooling = build_pooling(settings.pooling, backbone.hidden)
    projection = None
    if settings.projection:
        wanted = settings.projection
        projection = Projection(
            hidden=backbone.hidden, width=wanted.width, bias=wanted.bias, activation=wanted.activation
        )
        if layout.dense and layout.settings.projection == wanted:
            _load_weights(projection, layout.dense / "model.safetensors")
    if settings.pooling == "attention" and layout.settings.pooling == "attention" and is_sentence_transformer(folder):
        _load_weights(pooling, folder / POOLING / "model.safetensors")
    return Encoder(backbone=backbone, pooling=pooling, projection=projection, normalize=settings.normalize)


def _load_heads(folder: Path, manifest: Manifest, pretrained: Pretrained, *, allow_mismatch: bool) -> None:
    """Open the folder's heads, refusing what does not belong to the encoder beside them."""
    here = pretrained.encoder_hash()
    pretrained.as_recorded = manifest.encoder_hash == here
    pretrained.origin, pretrained.embedding = manifest.origin, dict(manifest.embedding) if manifest.embedding else None
    pretrained.datasets = manifest.datasets
    for name, branch in manifest.branches.items():
        _load_branch(folder, name, branch, pretrained, allow_mismatch=allow_mismatch)
    reads: dict[str | None, str] = {
        None: here,
        **{name: pretrained.branch_hash(name, here) for name in manifest.branches},
    }
    if manifest.encoder_hash != here and not allow_mismatch and not manifest.heads:
        raise UserError(
            f"{folder}: the encoder's weights are not those that were saved; get it anew, or allow_mismatch"
        )
    for name, record in manifest.heads.items():
        below = reads[record.branch]
        if record.encoder_hash != below and not allow_mismatch:
            raise UserError(
                f"{folder / HEADS / name}: the head was trained on encoder {record.encoder_hash[:12]}, but beside it is"
                f" {below[:12]} (re-saved or tampered with); retrain the head, or open with allow_mismatch"
            )
        head = pretrained.new_head(record.task)
        path = folder / HEADS / name / "model.safetensors"
        _load_weights(head, path)
        found = tensors_hash(arrays(head))
        if found != record.weights_hash and not allow_mismatch:
            raise UserError(f"{path}: the weights are not those that were saved ({found[:12]}); get it anew")
        belongs = None if record.encoder_hash == below else record.encoder_hash
        pretrained.put_head(name, Head(record.task, belongs, record.trained, record.branch, record.evaluation), head)


def _load_branch(
    folder: Path, name: str, record: BranchRecord, pretrained: Pretrained, *, allow_mismatch: bool
) -> None:
    """Put a branch of the folder beside the encoder, refusing one that is not as it was saved."""
    encoder = pretrained.model.encoder
    path = folder / BRANCHES / name / "model.safetensors"
    if not 0 <= record.depth < len(encoder.backbone.layer_list()):
        raise UserError(f"{path}: a branch begins above a layer of its backbone, found depth {record.depth}")
    branch = Branch(encoder.backbone, encoder.pooling, depth=record.depth)
    _load_weights(branch, path)
    if tensors_hash(arrays(branch)) != record.weights_hash and not allow_mismatch:
        raise UserError(f"{path}: the weights are not those that were saved; get it anew")
    pretrained.model.set_branch(name, branch)


def _load_weights(module: nn.Module, path: Path) -> None:
    try:
        tensors: dict[str, Tensor] = load_file(path)
    except FileNotFoundError:
        raise UserError(f"{path}: this file is missing; the folder is incomplete (only safetensors is read)") from None
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path}: damaged weights ({shown(str(error))}); get it anew") from None
    try:
        module.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    except RuntimeError as error:
        reason = shown(str(error).split("\n")[-1].strip(), 160)
        raise UserError(f"{path}: these weights do not fit what the config says: {reason}") from None
