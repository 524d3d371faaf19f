"""Running texts through the frozen part of the encoder, once."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from polyhead.data.collate import to_inputs
from polyhead.folder.hashing import tensors_hash
from polyhead.modeling.components import components
from polyhead.modeling.model import MultiTaskModel
from polyhead.modeling.split import below
from polyhead.pretrained.computing import computing_model
from polyhead.text.batches import pad, token_budget_batches
from polyhead.text.tokenizer import TextTokenizer
from polyhead.training.activations.ragged import Ragged
from polyhead.training.activations.store import opened, writing

_CHUNK = 4096
_TOKENS = {"cpu": 1536}
_MANY_TOKENS = 16384


@dataclass(frozen=True, slots=True)
class Boundary:
    """What is kept: token states after the first ``depth`` layers, or the pooled vectors after all of them."""

    level: Literal["tokens", "pooled"]
    depth: int


@dataclass(frozen=True, slots=True)
class Reading:
    """How texts become tokens."""

    tokenizer: TextTokenizer
    prompt: str = ""
    pool_prompt: bool = True


def key_of(
    model: MultiTaskModel, reading: Reading, boundary: Boundary, dtype: torch.dtype, texts: Sequence[str]
) -> str:
    """The name of an entry: a hash over weights, tokenizer, lengths, boundary, dtype, versions and texts."""
    frozen = {
        name: parameter.detach().cpu().numpy()
        for part in components(model)
        if part.depth <= boundary.depth
        for name, parameter in part.parameters.items()
    }
    digest = hashlib.sha256()
    for text in texts:
        content = text.encode("utf-8", "surrogatepass")
        digest.update(len(content).to_bytes(8, "little") + content)
    facts = {
        "weights": tensors_hash(frozen),
        "config": model.encoder.backbone.network.config.to_dict(),
        "pooling": getattr(model.encoder.pooling, "mode", None),
        "tokenizer": hashlib.sha256(reading.tokenizer.backend.to_str().encode()).hexdigest(),
        "max_length": reading.tokenizer.max_length,
        "prompt": [reading.prompt, reading.pool_prompt],
        "boundary": [boundary.level, boundary.depth],
        "dtype": str(dtype),
        "device": next(model.parameters()).device.type,
        "versions": [version("torch"), version("transformers")],
        "texts": digest.hexdigest(),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:32]


def kept(
    path: Path,
    model: MultiTaskModel,
    reading: Reading,
    boundary: Boundary,
    dtype: torch.dtype,
    texts: Sequence[str],
    lengths: Tensor,
    *,
    advance: Callable[[int], None],
) -> Ragged:
    """What the frozen part gives of ``texts`` of ``lengths`` tokens: the entry ``path``, made if it is not there.

    ``advance`` is told how many texts are done.

    Raises:
        UserError: the disk is full, or the place cannot be written.
    """
    found = opened(path)
    if found is None:
        _fill(path, model, reading, boundary, dtype, texts, lengths, advance)
        found = opened(path)
        assert found is not None, "what was just written is there"
    else:
        advance(len(texts))
    return found


def _fill(
    path: Path,
    model: MultiTaskModel,
    reading: Reading,
    boundary: Boundary,
    dtype: torch.dtype,
    texts: Sequence[str],
    lengths: Tensor,
    advance: Callable[[int], None],
) -> None:
    pooled = boundary.level == "pooled"
    computing = computing_model(model, dtype=dtype)
    computing.encoder.eval()
    device = next(model.parameters()).device
    most = _TOKENS.get(device.type, _MANY_TOKENS)
    stream = iter(enumerate(texts))
    about = {"texts": len(texts), "level": boundary.level, "depth": boundary.depth}
    sizes = torch.ones_like(lengths) if pooled else lengths
    with (
        torch.inference_mode(),
        writing(
            path,
            lengths=sizes,
            width=model.encoder.backbone.hidden,
            dtype=torch.float32 if pooled else dtype,
            about=about,
        ) as file,
    ):
        while chunk := list(islice(stream, _CHUNK)):
            encodings = reading.tokenizer([text for _, text in chunk], prompt=reading.prompt, offsets=False)
            for rows in token_budget_batches([len(each) for each in encodings], max_tokens=most):
                padded = pad(
                    [encodings[row] for row in rows], pad_id=reading.tokenizer.pad_id, pool_prompt=reading.pool_prompt
                )
                inputs = to_inputs(padded).to(device)
                states = below(
                    computing.encoder.backbone, inputs.input_ids, inputs.attention_mask, depth=boundary.depth
                )
                vectors = computing.encoder.pooling(states, inputs.pooling_mask).unsqueeze(1) if pooled else states
                for position, row in enumerate(rows):
                    number = chunk[row][0]
                    file.write(number, vectors[position, : int(sizes[number])])
                advance(len(rows))
