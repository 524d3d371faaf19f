"""Texts → embeddings, as the model computes them while it is trained."""

from collections.abc import Sequence

import numpy as np
import torch

from polyhead.data.collate import to_inputs
from polyhead.kinds.base import FloatArray
from polyhead.modeling.encoder import Encoder
from polyhead.modeling.model import MultiTaskModel
from polyhead.pretrained.computing import computing_model
from polyhead.pretrained.hardware import batch_tokens
from polyhead.text.batches import pad, token_budget_batches
from polyhead.training.activations.lower import Reading
from polyhead.training.plans.lora import merged


@torch.no_grad()
def embeddings(model: MultiTaskModel, reading: Reading, texts: Sequence[str], dtype: torch.dtype) -> FloatArray:
    """The embeddings of ``texts``, computed in ``dtype``. *Shape:* (texts, width)."""
    encoder: Encoder = computing_model(merged(model), dtype=dtype).encoder.eval()
    device = next(encoder.parameters()).device
    encodings = reading(texts)
    found = np.empty((len(texts), encoder.width), dtype=np.float32)
    for rows in token_budget_batches([len(each) for each in encodings], max_tokens=batch_tokens(device)):
        own = [encodings[row] for row in rows]
        padded = pad(own, pad_id=reading.tokenizer.pad_id, pool_prompt=reading.pool_prompt)
        found[rows] = encoder(to_inputs(padded).to(device)).embedding.float().cpu().numpy()
    return found
