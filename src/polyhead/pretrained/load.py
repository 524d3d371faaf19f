"""A folder or a Hub name → a model in memory."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoTokenizer
from transformers.utils import logging as transformers_logging

from polyhead.errors import UserError, shown
from polyhead.folder.hashing import tensors_hash
from polyhead.folder.manifest import HEADS, Manifest, read_manifest
from polyhead.folder.sentence_transformers import POOLING, Layout, is_sentence_transformer, read_layout
from polyhead.folder.settings import EncoderSettings
from polyhead.modeling import attention
from polyhead.modeling.backbone import Backbone, max_positions
from polyhead.modeling.build import build_head, build_pooling
from polyhead.modeling.encoder import Encoder, Projection
from polyhead.modeling.model import MultiTaskModel
from polyhead.pretrained.find import find
from polyhead.pretrained.pretrained import Head, Pretrained, arrays
from polyhead.text.shapes import SHAPES
from polyhead.text.tokenizer import TextTokenizer

_FALLBACK_LENGTH = 512
_VOCABULARIES = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "spiece.model",
    "sentencepiece.bpe.model",
    "tokenizer.model",
)
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
    files = _tokenizer_files(folder, backbone)
    wanted = replace(change(layout.settings) if change else layout.settings, lower_case=False)
    wanted = replace(wanted, max_length=_max_length(folder, wanted.max_length, config, files))
    encoder = _encoder(folder, backbone, layout, wanted)
    pretrained = Pretrained(MultiTaskModel(encoder=encoder), _tokenizer(files, wanted, layout), wanted, files)
    manifest = read_manifest(folder) if with_heads else None
    if manifest:
        _load_heads(folder, manifest, pretrained, allow_mismatch=allow_mismatch)
    pretrained.model.eval()
    return pretrained


def _network(folder: Path, attention_dropout: float | None) -> tuple[Any, Any]:
    """The transformers config and model in fp32."""
    transformers_logging.disable_progress_bar()
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        for name in _ATTENTION_DROPOUT if attention_dropout is not None else ():
            if hasattr(config, name):
                setattr(config, name, attention_dropout)
        network, report = AutoModel.from_pretrained(
            folder,
            config=config,
            dtype=torch.float32,
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
        )
    except SafetensorError as error:
        raise UserError(f"{folder / 'model.safetensors'}: damaged weights ({shown(str(error))}); get it anew") from None
    except (OSError, ValueError, KeyError, RuntimeError, AttributeError, TypeError) as error:
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


def _tokenizer_files(folder: Path, backbone: Backbone) -> Any:
    if not any((folder / name).is_file() for name in _VOCABULARIES):
        raise UserError(f"{folder}: no tokenizer that can be opened (none of {', '.join(_VOCABULARIES)} is here)")
    try:
        files = AutoTokenizer.from_pretrained(folder, local_files_only=True, use_fast=True)
    except Exception as error:  # noqa: BLE001  (the Rust library raises bare exceptions)
        raise UserError(f"{folder}: no tokenizer that can be opened ({shown(str(error).strip(), 120)})") from None
    if not getattr(files, "is_fast", False):
        raise UserError(f"{folder}: the tokenizer has no fast form (tokenizer.json), which offsets need")
    if len(files) > backbone.vocabulary:
        raise UserError(
            f"{folder}: the tokenizer has {len(files)} tokens, the backbone {backbone.vocabulary}; they differ"
        )
    if files.pad_token is None:
        files.pad_token = files.eos_token or files.unk_token or files.convert_ids_to_tokens(0)
    files.padding_side = files.truncation_side = "right"
    return files


def _max_length(folder: Path, wanted: int | None, config: Any, files: Any) -> int:
    limit = max_positions(config)
    if wanted is None:
        declared = int(files.model_max_length)
        wanted = min(declared if declared < 1_000_000 else limit or _FALLBACK_LENGTH, limit or declared)
    if wanted < 3 or (limit and wanted > limit):
        raise UserError(f"{folder}: max_length must be from 3 to {limit} tokens for this backbone, found {wanted}")
    return wanted


def _tokenizer(files: Any, settings: EncoderSettings, layout: Layout) -> TextTokenizer:
    backend = Tokenizer.from_str(files.backend_tokenizer.to_str())
    assert settings.max_length is not None
    tokenizer = TextTokenizer(backend, max_length=settings.max_length, pad_id=int(files.pad_token_id))
    if layout.settings.lower_case:
        tokenizer.lower_case()
        files.backend_tokenizer.normalizer = backend.normalizer
    return tokenizer


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
    if manifest.encoder_hash != here and not allow_mismatch and not manifest.heads:
        raise UserError(
            f"{folder}: the encoder's weights are not those that were saved; get it anew, or allow_mismatch"
        )
    for name, record in manifest.heads.items():
        if record.encoder_hash != here and not allow_mismatch:
            raise UserError(
                f"{folder / HEADS / name}: the head was trained on encoder {record.encoder_hash[:12]}, but beside it is"
                f" {here[:12]} (re-saved or tampered with); retrain the head, or open with allow_mismatch"
            )
        head = build_head(record.task, pretrained.model.encoder, shapes=len(SHAPES))
        path = folder / HEADS / name / "model.safetensors"
        _load_weights(head, path)
        found = tensors_hash(arrays(head))
        if found != record.weights_hash and not allow_mismatch:
            raise UserError(f"{path}: the weights are not those that were saved ({found[:12]}); get it anew")
        pretrained.model.heads[name] = head
        belongs = None if record.encoder_hash == here else record.encoder_hash
        pretrained.heads[name] = Head(record.task, belongs, record.trained)


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
