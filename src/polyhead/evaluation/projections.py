"""Embeddings in two dimensions: by PCA, t-SNE or UMAP."""

from typing import Literal, get_args

import numpy as np
from threadpoolctl import threadpool_limits

from polyhead.kinds.base import FloatArray

Method = Literal["pca", "tsne", "umap"]
METHODS: tuple[Method, ...] = get_args(Method)
NAMES = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}
FEWEST = {"pca": 0, "tsne": 4, "umap": 5}
"""Texts below which a method cannot draw; PCA does it then."""
_FEW = 2000


def project(embeddings: FloatArray, method: Method, *, seed: int = 0) -> FloatArray:
    """Points for embeddings. *Shapes:* (texts, width) → (texts, 2).

    ``pca``: the two directions in which they differ most (Hotelling, 1933). ``tsne``: neighbours stay neighbours (van
    der Maaten and Hinton, 2008), begun with PCA. ``umap``: the same more loosely, and faster for many texts (McInnes,
    Healy and Melville, 2018, arXiv 1802.03426); by cosine. Texts too few for a method are drawn by PCA.

    Raises:
        ModuleNotFoundError: ``umap`` without umap-learn.
    """
    rows = len(embeddings)
    if rows < FEWEST[method] or method == "pca":
        return _pca(embeddings)
    if method == "tsne":
        from sklearn.manifold import TSNE

        tsne = TSNE(n_components=2, perplexity=min(30.0, (rows - 1) / 3), init="pca", random_state=seed)
        # For few points threads mostly wait for each other.
        with threadpool_limits(1 if rows < _FEW else None):
            return np.asarray(tsne.fit_transform(embeddings), dtype=np.float32)
    from umap import UMAP

    neighbours = min(15, rows - 1)
    start = "spectral" if rows > neighbours + 2 else "random"
    found = UMAP(n_neighbors=neighbours, metric="cosine", init=start, random_state=seed, n_jobs=1)
    return np.asarray(found.fit_transform(embeddings), dtype=np.float32)


def _pca(embeddings: FloatArray) -> FloatArray:
    points = np.zeros((len(embeddings), 2), dtype=np.float32)
    if len(embeddings) < 2:
        return points
    centred = embeddings - embeddings.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    chosen = axes[:, ::-1][:, :2]
    chosen = chosen * np.sign(chosen[np.abs(chosen).argmax(axis=0), np.arange(chosen.shape[1])])
    points[:, : chosen.shape[1]] = centred @ chosen
    return points
