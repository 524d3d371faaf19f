from collections.abc import Callable

import numpy as np
import pytest
from sentence_transformers import util
from torch import Tensor

from polyhead.errors import UserError
from polyhead.inference.similarity import FUNCTIONS, similarity

THEIRS: dict[str, Callable[[np.ndarray, np.ndarray], Tensor]] = {
    "cosine": util.cos_sim,
    "dot": util.dot_score,
    "euclidean": util.euclidean_sim,
    "manhattan": util.manhattan_sim,
}


def embeddings(rows: int, width: int = 48, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, width)).astype(np.float32)


def test_every_function_is_compared() -> None:
    assert set(FUNCTIONS) == set(THEIRS)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(("left", "right"), [(1, 1), (3, 7), (40, 30)])
def test_equal_to_sentence_transformers(function: str, left: int, right: int) -> None:
    one, two = embeddings(left), embeddings(right, seed=1) * 3
    found = similarity(one, two, function)
    assert found.dtype == np.float32
    assert found.shape == (left, right)
    np.testing.assert_allclose(found, THEIRS[function](one, two).numpy(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("function", ["euclidean", "manhattan"])
def test_a_vector_is_at_no_distance_from_itself(function: str) -> None:
    unit = embeddings(5, 384)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    np.testing.assert_allclose(np.diag(similarity(unit, unit, function)), 0, atol=1e-5)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_single_vectors_and_lists(function: str) -> None:
    one, two = embeddings(1), embeddings(3, seed=1)
    whole = similarity(one, two, function)
    np.testing.assert_array_equal(similarity(one[0], two, function), whole)
    np.testing.assert_allclose(similarity(one[0].tolist(), two.tolist(), function), whole, rtol=1e-6)
    assert similarity(one[0], two[0], function).shape == (1, 1)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(("left", "right"), [(0, 3), (3, 0), (0, 0)])
def test_no_texts_no_rows(function: str, left: int, right: int) -> None:
    assert similarity(embeddings(left), embeddings(right), function).shape == (left, right)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_greater_is_closer(function: str) -> None:
    here, near, far = np.array([[1.0, 0.0], [0.9, 0.1], [-1.0, 0.5]], dtype=np.float32)
    assert similarity(here, near, function)[0, 0] > similarity(here, far, function)[0, 0]


def test_a_zero_vector_is_like_nothing() -> None:
    assert similarity(np.zeros((1, 4), dtype=np.float32), embeddings(2, 4), "cosine").tolist() == [[0.0, 0.0]]


def test_cosine_is_the_default() -> None:
    one = embeddings(3)
    np.testing.assert_array_equal(similarity(one, one), similarity(one, one, "cosine"))


def test_other_functions_are_refused() -> None:
    with pytest.raises(UserError, match=r"^similarity: must be one of cosine, dot, .*; found 'hamming'$"):
        similarity(embeddings(1), embeddings(1), "hamming")
