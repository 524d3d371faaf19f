"""Texts → embeddings, as the model computes them while it is trained."""

from collections.abc import Sequence

import numpy as np
import torch

from polyhead.kinds.base import FloatArray
from polyhead.modeling.encoder import Encoder
from polyhead.modeling.model import MultiTaskModel
from polyhead.pretrained.computing import computing_model
from polyhead.training.activations.lower import Reading
from polyhead.training.plans.lora import merged


@torch.no_grad()
def embeddings(model: MultiTaskModel, reading: Reading, texts: Sequence[str], dtype: torch.dtype) -> FloatArray:
    """The embeddings of ``texts``, computed in ``dtype``. *Shape:* (texts, width)."""
    encoder: Encoder = computing_model(merged(model), dtype=dtype).encoder.eval()
    found = np.empty((len(texts), encoder.width), dtype=np.float32)
    for rows, inputs in reading.batches(texts, next(encoder.parameters()).device):
        found[rows] = encoder(inputs).embedding.float().cpu().numpy()
    return found
