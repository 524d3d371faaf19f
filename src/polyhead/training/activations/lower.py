"""The frozen part of an encoder: texts run through it once, and what it gives is kept on the disk."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from polyhead.data.collate import to_inputs
from polyhead.documents import IntArray
from polyhead.errors import UserError
from polyhead.folder.hashing import tensors_hash
from polyhead.modeling.components import components
from polyhead.modeling.encoded import Inputs
from polyhead.modeling.model import MultiTaskModel
from polyhead.modeling.split import below
from polyhead.pretrained import Pretrained
from polyhead.pretrained.computing import computing_model
from polyhead.pretrained.hardware import batch_tokens
from polyhead.text.batches import pad, token_budget_batches
from polyhead.text.encoding import Encoding
from polyhead.text.tokenizer import TextTokenizer
from polyhead.training.activations.ragged import Ragged
from polyhead.training.activations.store import opened, writing

_CHUNK = 4096


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

    @classmethod
    def of(cls, pretrained: Pretrained) -> "Reading":
        """As the model reads them."""
        kept = pretrained.settings
        return cls(pretrained.tokenizer, kept.prompt_text(), kept.pool_prompt)

    def __call__(self, texts: Sequence[str]) -> list[Encoding]:
        """The texts as tokens."""
        return self.tokenizer(texts, prompt=self.prompt, offsets=False)

    def batches(self, texts: Sequence[str], device: torch.device) -> Iterator[tuple[IntArray, Inputs]]:
        """The texts in batches of like length, for a pass without gradients: their numbers, and the model's inputs."""
        encodings = self(texts)
        for rows in token_budget_batches([len(each) for each in encodings], max_tokens=batch_tokens(device)):
            padded = pad([encodings[row] for row in rows], pad_id=self.tokenizer.pad_id, pool_prompt=self.pool_prompt)
            yield rows, to_inputs(padded).to(device)

    def lengths(self, texts: Sequence[str]) -> Tensor:
        """Tokens of each text, as far as the limit lets them be read. *Shape:* (texts,)."""
        chunks = (texts[start : start + _CHUNK] for start in range(0, len(texts), _CHUNK))
        return torch.tensor([len(each) for chunk in chunks for each in self(chunk)], dtype=torch.int64)


class Lower:
    """What lies below ``boundary``, computing in ``dtype``; it must not change while this is in use."""

    def __init__(self, model: MultiTaskModel, reading: Reading, boundary: Boundary, dtype: torch.dtype) -> None:
        self._model = model
        self._reading = reading
        self._boundary = boundary
        self._dtype = dtype
        self._pooled = boundary.level == "pooled"
        self._hidden = model.encoder.backbone.hidden
        self._kept_dtype = torch.float32 if self._pooled else dtype

    @cached_property
    def _facts(self) -> dict[str, object]:
        """All that decides what it gives of a text."""
        model, reading, boundary = self._model, self._reading, self._boundary
        frozen = {
            name: parameter.detach().cpu().numpy()
            for part in components(model)
            if part.depth <= boundary.depth
            for name, parameter in part.parameters.items()
        }
        if self._pooled:
            frozen |= {
                f"pooling.{name}": each.cpu().numpy() for name, each in model.encoder.pooling.state_dict().items()
            }
        return {
            "weights": tensors_hash(frozen),
            "config": model.encoder.backbone.network.config.to_dict(),
            "pooling": getattr(model.encoder.pooling, "mode", None),
            "tokenizer": hashlib.sha256(reading.tokenizer.backend.to_str().encode()).hexdigest(),
            "max_length": reading.tokenizer.max_length,
            "prompt": [reading.prompt, reading.pool_prompt],
            "boundary": [boundary.level, boundary.depth],
            "dtype": str(self._dtype),
            "device": next(model.parameters()).device.type,
            "versions": [version("torch"), version("transformers")],
        }

    def key(self, texts: Sequence[str]) -> str:
        """The name of the entry of these texts: a hash over them and all that decides what is made of them."""
        digest = hashlib.sha256()
        for text in texts:
            content = text.encode("utf-8", "surrogatepass")
            digest.update(len(content).to_bytes(8, "little") + content)
        facts = {**self._facts, "texts": digest.hexdigest()}
        return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:32]

    def size(self, lengths: Tensor) -> int:
        """Bytes that are kept of texts of these lengths."""
        return int(self._sizes(lengths).sum()) * self._hidden * self._kept_dtype.itemsize

    def kept(self, path: Path, texts: Sequence[str], lengths: Tensor, advance: Callable[[int], None]) -> Ragged:
        """What it gives of texts of these lengths: the entry ``path``, made if it is not there.

        ``advance`` is told how many texts are done.

        Raises:
            UserError: the disk is full, the place cannot be written, or others take away what is written there.
        """
        sizes = self._sizes(lengths)
        found = opened(path, sizes)
        if found is not None:
            advance(len(texts))
            return found
        for told in (advance, lambda count: None):  # a run that makes room may take it away just then, once
            self._fill(path, texts, sizes, told)
            found = opened(path, sizes)
            if found is not None:
                return found
        raise UserError(
            f"{path}: was written twice and is gone or damaged each time; give every run a --cache-dir of its own, or"
            " see to the disk"
        )

    def _sizes(self, lengths: Tensor) -> Tensor:
        """How many vectors are kept of each text."""
        return torch.ones_like(lengths) if self._pooled else lengths

    def _fill(self, path: Path, texts: Sequence[str], sizes: Tensor, advance: Callable[[int], None]) -> None:
        encoder = computing_model(self._model, dtype=self._dtype).encoder.eval()
        device = next(encoder.parameters()).device
        stream = iter(enumerate(texts))
        about = {"texts": len(texts), "level": self._boundary.level, "depth": self._boundary.depth}
        entry = writing(path, lengths=sizes, width=self._hidden, dtype=self._kept_dtype, about=about)
        with torch.inference_mode(), entry as file:
            while chunk := list(islice(stream, _CHUNK)):
                for rows, inputs in self._reading.batches([text for _, text in chunk], device):
                    states = below(
                        encoder.backbone, inputs.input_ids, inputs.attention_mask, depth=self._boundary.depth
                    )
                    vectors = encoder.pooling(states, inputs.pooling_mask).unsqueeze(1) if self._pooled else states
                    for position, row in enumerate(rows):
                        number = chunk[row][0]
                        file.write(number, vectors[position, : int(sizes[number])])
                    advance(len(rows))
