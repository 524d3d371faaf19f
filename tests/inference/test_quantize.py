from typing import cast

import numpy as np
import pytest
from sentence_transformers import quantize_embeddings

from polyhead.errors import UserError
from polyhead.inference.quantize import Precision, quantize

PRECISIONS: list[Precision] = ["float32", "int8", "uint8", "binary", "ubinary"]


def embeddings(rows: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, width)).astype(np.float32)


def assert_same(given: np.ndarray, precision: Precision) -> None:
    mine, theirs = quantize(given, precision), quantize_embeddings(given, precision=precision)
    assert mine.dtype == theirs.dtype
    assert mine.shape == theirs.shape
    np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(("rows", "width"), [(2, 8), (40, 384), (300, 16)])
def test_equal_to_sentence_transformers(precision: Precision, rows: int, width: int) -> None:
    assert_same(embeddings(rows, width), precision)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_widths_that_fill_no_whole_byte(precision: Precision) -> None:
    assert_same(embeddings(5, 13), precision)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_dimensions_without_a_range_and_zeros(precision: Precision) -> None:
    given = embeddings(6, 8)
    given[:, 2] = 0.25
    given[:, 5] = 0
    given[3] = 0
    assert_same(given, precision)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_no_texts_no_rows(precision: Precision) -> None:
    assert_same(embeddings(0, 13), precision)


@pytest.mark.parametrize("precision", ["float32", "binary", "ubinary"])
def test_a_single_text(precision: Precision) -> None:
    assert_same(embeddings(1, 16), precision)


@pytest.mark.parametrize("precision", ["int8", "uint8"])
def test_a_single_text_has_no_range(precision: Precision) -> None:
    with pytest.raises(UserError, match=f"^precision: {precision} takes each dimension's range from the texts"):
        quantize(embeddings(1, 16), precision)


def test_the_range_is_used_from_end_to_end() -> None:
    ramp = np.linspace(-1, 1, 256, dtype=np.float32)[:, None]
    assert quantize(ramp, "uint8").min() == 0
    assert quantize(ramp, "uint8").max() >= 254
    assert quantize(ramp, "int8").min() == -128
    assert quantize(ramp, "int8").max() >= 126
    assert len(np.unique(quantize(ramp, "int8"))) > 250


def test_the_given_embeddings_are_not_changed() -> None:
    given = embeddings(4, 8)
    kept = given.copy()
    for precision in PRECISIONS:
        quantize(given, precision)
    np.testing.assert_array_equal(given, kept)


def test_other_precisions_are_refused() -> None:
    with pytest.raises(UserError, match=r"^precision: must be float32, int8, .*; found 'int4'$"):
        quantize(embeddings(4, 8), cast(Precision, "int4"))
