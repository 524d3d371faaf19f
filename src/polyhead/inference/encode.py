"""``encode``: texts to embeddings in every shape that sentence-transformers gives them."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from polyhead.data.example import Example
from polyhead.errors import UserError, shown
from polyhead.inference.inputs import only_texts
from polyhead.inference.predictor import Predictor, Row
from polyhead.inference.progress import progress
from polyhead.inference.quantize import Precision, quantize
from polyhead.kinds.base import FloatArray

Encoded = Any
"""An array, a tensor, or a list of them, as the arguments say."""


def encode(
    predictor: Predictor,
    inputs: str | Sequence[str],
    *,
    prompt: str,
    batch_size: int | None,
    show_progress_bar: bool,
    output_value: Literal["sentence_embedding", "token_embeddings"] | None,
    precision: Precision,
    convert_to_numpy: bool,
    convert_to_tensor: bool,
    normalize_embeddings: bool,
    truncate_dim: int | None,
    width: int,
    advance: Callable[[int], None] | None,
) -> Encoded:
    """See ``Polyhead.encode``."""
    texts = only_texts(inputs)
    if output_value not in ("sentence_embedding", "token_embeddings", None):
        raise UserError(
            f"output_value: must be sentence_embedding, token_embeddings or None; found {shown(output_value)}"
        )
    with progress("encoding", len(texts), shown=show_progress_bar, also=advance) as step:
        rows = predictor.rows(
            [Example(text) for text in texts],
            prompt=prompt,
            max_rows=batch_size,
            token_states=output_value != "sentence_embedding",
            advance=step,
        )
        if output_value != "sentence_embedding":
            listed = [_row_value(row, output_value) for row in rows]
            return listed[0] if isinstance(inputs, str) else listed
        found = [row.embedding for row in rows]
    matrix = _finish(
        np.stack(found) if found else np.zeros((0, width), dtype=np.float32), truncate_dim, normalize_embeddings
    )
    quantized = quantize(matrix, precision)
    result: Any = quantized[0] if isinstance(inputs, str) else quantized
    if convert_to_tensor:
        return torch.from_numpy(result)
    if convert_to_numpy:
        return result
    return torch.from_numpy(result) if isinstance(inputs, str) else [torch.from_numpy(row) for row in result]


def _finish(matrix: FloatArray, truncate_dim: int | None, normalize: bool) -> FloatArray:
    if truncate_dim is not None:
        if truncate_dim < 1:
            raise UserError(f"truncate_dim: must be at least 1, found {truncate_dim}")
        matrix = matrix[:, :truncate_dim]
    if normalize:
        matrix = matrix / np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-12)
    return np.ascontiguousarray(matrix, dtype=np.float32)


def _row_value(row: Row, output_value: str | None) -> Tensor | dict[str, Tensor]:
    assert row.tokens is not None
    tokens = torch.from_numpy(row.tokens)
    if output_value == "token_embeddings":
        return tokens
    ids = torch.tensor(row.encoding.ids)
    return {
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids),
        "token_embeddings": tokens,
        "sentence_embedding": torch.from_numpy(row.embedding),
    }
