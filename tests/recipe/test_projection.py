"""A projection by principal components keeps the space as well as one of its width can, and says what it needs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from polyhead import Polyhead, UserError, load_recipe
from polyhead.evaluation.embeddings import report
from polyhead.recipe.projection import principal
from polyhead.recipe.start import begin
from polyhead.starter import FOLDER

RECIPE = FOLDER / "quickstart.yaml"


def begun(width: int, init: str, **overrides: str) -> Polyhead:
    changes = {"model.projection": f"{{width: {width}, init: {init}}}", **overrides}
    _, _, pretrained = begin(load_recipe(RECIPE, overrides=changes), None)
    return Polyhead(pretrained, dtype="float32")


@given(some.integers(1, 5), some.integers(6, 30), some.integers(0, 50))
def test_rows_are_orthonormal_and_keep_what_can_be_kept(width: int, rows: int, seed: int) -> None:
    vectors = np.random.default_rng(seed).normal(size=(rows, 5)).astype(np.float32)
    found = principal(vectors, width)
    np.testing.assert_allclose(found @ found.T, np.eye(width), atol=1e-5)
    singular = np.linalg.svd(vectors.astype(float), compute_uv=False)
    lost = np.linalg.norm(vectors.astype(float) - vectors @ found.T @ found) ** 2
    assert lost == pytest.approx((singular[width:] ** 2).sum(), abs=1e-3)


def test_pca_keeps_the_geometry_where_chance_does_not(minilm: Polyhead) -> None:
    texts = [row.text for row in begin(load_recipe(RECIPE), None)[1].sets[0].validation][:100]
    whole = np.asarray(minilm.encode(texts))
    found: dict[str, Any] = {}
    for init in ("pca", "random"):
        narrow = np.asarray(begun(64, init).encode(texts))
        assert narrow.shape == (len(texts), 64)
        found[init] = report(narrow, whole).drift
    assert found["pca"].cka > found["random"].cka + 0.05
    assert found["pca"].neighbours > found["random"].neighbours + 0.05


def test_full_width_is_a_rotation(minilm: Polyhead) -> None:
    texts = ["The tram is late again.", "A violin was stolen in Vienna.", "Prices rose."]
    whole, turned = np.asarray(minilm.encode(texts)), np.asarray(begun(384, "pca").encode(texts))
    np.testing.assert_allclose(turned @ turned.T, whole @ whole.T, atol=1e-4)


@pytest.mark.parametrize(
    ("width", "overrides", "says"),
    [
        (385, {}, "at most 384"),
        (300, {"data.starter.train": "{path: train.jsonl, sample: {rows: 100}}"}, "needs 300 different texts"),
    ],
)
def test_what_cannot_be_is_refused(width: int, overrides: dict[str, str], says: str) -> None:
    with pytest.raises(UserError, match=says):
        begun(width, "pca", **overrides)


@pytest.mark.parametrize("value", ["{init: pca}", "{width: 64, init: best}", "wide", "{width: 0}", "true"])
def test_wrong_settings(value: str) -> None:
    with pytest.raises(UserError, match=r"model\.projection"):
        load_recipe(RECIPE, overrides={"model.projection": value})


def test_a_saved_one_is_gone_on_with(backbones: Callable[[str], Path], tmp_path: Path) -> None:
    backbone: Any = str(backbones("bert"))
    model = begun(8, "pca", **{"model.backbone": backbone})
    model.save_pretrained(tmp_path / "model")
    overrides = {"model.backbone": backbone, "model.projection": "{width: 8, init: pca}"}
    _, _, again = begin(load_recipe(RECIPE, overrides=overrides), tmp_path / "model")
    assert np.array_equal(model.encode(["a b"]), Polyhead(again, dtype="float32").encode(["a b"]))
    with pytest.raises(UserError, match="cannot be changed"):
        begin(load_recipe(RECIPE, overrides={**overrides, "model.projection": "4"}), tmp_path / "model")
