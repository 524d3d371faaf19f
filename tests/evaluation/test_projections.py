"""Two dimensions: PCA as scikit-learn's, neighbours that stay neighbours, and texts too few for a method."""

import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.metrics import silhouette_score

from polyhead.evaluation.projections import METHODS, Method, project
from polyhead.kinds.base import FloatArray


def clusters(rows: int = 60, width: int = 24) -> tuple[FloatArray, Any]:
    draw = np.random.default_rng(3)
    groups = np.arange(rows) % 3
    centres = draw.normal(size=(3, width)) * 4
    return (centres[groups] + draw.normal(size=(rows, width))).astype(np.float32), groups


def test_pca_is_scikit_learns() -> None:
    embeddings, _ = clusters()
    ours, theirs = project(embeddings, "pca"), PCA(n_components=2).fit_transform(embeddings)
    for axis in range(2):
        sign = np.sign(ours[:, axis] @ theirs[:, axis])
        np.testing.assert_allclose(ours[:, axis], sign * theirs[:, axis], atol=1e-3)


@pytest.mark.parametrize(
    "method", [pytest.param(each, marks=[pytest.mark.slow] if each == "umap" else []) for each in METHODS]
)
def test_groups_stay_together_and_a_seed_gives_one_picture(method: Method) -> None:
    if method == "umap":
        pytest.importorskip("umap", reason="pip install umap-learn")
    embeddings, groups = clusters()
    points = project(embeddings, method)
    assert points.shape == (60, 2)
    assert silhouette_score(points, groups) > 0.5
    assert np.array_equal(points, project(embeddings, method))


@pytest.mark.parametrize("method", METHODS)
@given(rows=st.integers(0, 3), width=st.integers(1, 5))
@settings(max_examples=12, deadline=None)
def test_few_texts_are_points_too(method: Method, rows: int, width: int) -> None:
    points = project(np.random.default_rng(1).normal(size=(rows, width)).astype(np.float32), method)
    assert points.shape == (rows, 2)
    assert np.isfinite(points).all()


def test_umap_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(ModuleNotFoundError, match="umap"):
        project(clusters()[0], "umap")
