"""A projection that keeps the space: by principal component analysis of what the encoder gives of the data's texts."""

from collections.abc import Sequence

import numpy as np
import torch

from polyhead.api import Polyhead
from polyhead.errors import UserError
from polyhead.kinds.base import FloatArray
from polyhead.modeling.encoder import Encoder
from polyhead.modeling.model import MultiTaskModel
from polyhead.pretrained import Pretrained

PCA_TEXTS = 10_000
"""The most texts that are looked at."""


def project_by_pca(pretrained: Pretrained, texts: Sequence[str]) -> None:
    """Set the projection to the directions that keep the most of the pooled vectors' inner products.

    Vectors count alike (they are normalised) and are not centred: cosines are taken about the origin, before and after.

    Raises:
        UserError: fewer different texts than the projection has numbers, or it has more numbers than the pooled vector.
    """
    encoder = pretrained.model.encoder
    assert encoder.projection is not None
    width = encoder.projection.linear.out_features
    hidden = encoder.backbone.hidden
    if width > hidden:
        raise UserError(f"model.projection: init: pca needs a width of at most {hidden}, found {width}")
    texts = [*dict.fromkeys(texts)]
    if len(texts) < width:
        raise UserError(f"model.projection: init: pca needs {width} different texts or more, found {len(texts)}")
    plain = Encoder(backbone=encoder.backbone, pooling=encoder.pooling)
    pooled = Polyhead(
        Pretrained(MultiTaskModel(encoder=plain), pretrained.tokenizer, pretrained.settings, pretrained.files),
        device="cpu",
        dtype="float32",
    ).encode(list(texts), normalize_embeddings=True)
    with torch.no_grad():
        encoder.projection.linear.weight.copy_(torch.from_numpy(principal(np.asarray(pooled), width)))


def principal(vectors: FloatArray, width: int) -> FloatArray:
    """The ``width`` leading eigenvectors of XᵀX, as rows, each with its largest number positive.

    *Shapes:* (texts, hidden) → (width, hidden).
    """
    wide = vectors.astype(np.float64)
    _, directions = np.linalg.eigh(wide.T @ wide)
    found = directions[:, ::-1][:, :width].T
    signs = np.sign(found[np.arange(width), np.abs(found).argmax(axis=1)])
    return np.ascontiguousarray(found * signs[:, None], dtype=np.float32)
