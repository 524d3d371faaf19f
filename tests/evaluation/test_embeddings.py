"""Measures of embeddings, held against scipy, sentence-transformers, plain loops, and what must hold of them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from scipy.stats import pearsonr, spearmanr

from polyhead.evaluation.embeddings import EmbeddingReport, linear_cka, normalized, overlap, report, uniformity
from polyhead.kinds.base import FloatArray


def vectors(rows: int, width: int, seed: int = 0) -> FloatArray:
    return np.random.default_rng(seed).normal(size=(rows, width)).astype(np.float32)


def rotated(values: FloatArray, seed: int = 5) -> FloatArray:
    turn, _ = np.linalg.qr(vectors(values.shape[1], values.shape[1], seed))
    found: FloatArray = (values @ turn).astype(np.float32)
    return found


def test_correlations_are_scipy_s_over_cosines() -> None:
    texts, scores = vectors(60, 8), np.random.default_rng(1).integers(0, 6, 30).astype(float)
    left, right = texts[:30], texts[30:]
    cosines = [float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b))) for a, b in zip(left, right, strict=True)]
    found = report(texts, scores=scores)
    assert found.spearman == pytest.approx(spearmanr(cosines, scores).statistic, abs=1e-6)
    assert found.pearson == pytest.approx(pearsonr(cosines, scores).statistic, abs=1e-6)
    assert (found.pairs, found.texts, found.drift, found.spearman_before) == (30, 60, None, None)


def test_alignment_and_uniformity_are_the_paper_s() -> None:
    texts, scores = normalized(vectors(12, 4)), np.array([0, 5, 4.5, 1, 4.1, 2.0])
    alike = [1, 2, 4]
    expected = np.mean([((texts[i] - texts[6 + i]) ** 2).sum() for i in alike])
    found = report(texts, scores=scores)
    assert found.alignment == pytest.approx(expected, rel=1e-5)
    apart = [math.exp(-2 * float(((texts[i] - texts[j]) ** 2).sum())) for i in range(12) for j in range(12) if i < j]
    assert found.uniformity == pytest.approx(math.log(np.mean(apart)), rel=1e-4)


def test_linear_cka_is_that_of_centred_gram_matrices() -> None:
    one, other = vectors(20, 6), vectors(20, 9, 2)
    centre = np.eye(20) - 1 / 20
    grams = [centre @ (each.astype(float) @ each.T.astype(float)) @ centre for each in (one, other)]
    expected = (grams[0] * grams[1]).sum() / (np.linalg.norm(grams[0]) * np.linalg.norm(grams[1]))
    assert linear_cka(one, other) == pytest.approx(expected, rel=1e-5)


def test_neighbours_are_those_of_a_plain_loop() -> None:
    one, other = normalized(vectors(25, 5)), normalized(vectors(25, 7, 3))

    def nearest(values: FloatArray, row: int) -> set[int]:
        order = sorted(
            (other for other in range(25) if other != row), key=lambda each: -float(values[row] @ values[each])
        )
        return set(order[:10])

    expected = np.mean([len(nearest(one, row) & nearest(other, row)) / 10 for row in range(25)])
    assert overlap(one, other) == pytest.approx(expected)


@given(some.integers(2, 40), some.integers(2, 12), some.integers(0, 99), some.floats(0.1, 50))
def test_nothing_moves_where_nothing_moved(rows: int, width: int, seed: int, scale: float) -> None:
    texts = vectors(rows, width, seed)
    drift = report(texts * np.float32(scale), texts).drift
    assert drift is not None
    assert drift.cosine == pytest.approx(1, abs=1e-5)
    assert drift.neighbours == 1
    assert drift.cka == pytest.approx(1, abs=1e-4)


@given(some.integers(12, 40), some.integers(2, 12), some.integers(0, 99))
def test_a_rotation_keeps_all_but_the_cosines_to_the_original(rows: int, width: int, seed: int) -> None:
    texts = vectors(rows, width, seed)
    turned = rotated(texts)
    drift = report(turned, texts).drift
    assert drift is not None
    assert drift.cosine is not None
    assert drift.cka == pytest.approx(1, abs=1e-3)
    assert drift.neighbours > 0.95  # near ties may change places
    assert uniformity(normalized(turned)) == pytest.approx(uniformity(normalized(texts)), abs=1e-4)


def test_widths_may_differ() -> None:
    drift = report(vectors(20, 4), vectors(20, 9)).drift
    assert drift is not None
    assert drift.cosine is None
    assert 0 <= drift.neighbours <= 1


def test_a_collapsed_embedding_has_no_correlation_and_can_be_written() -> None:
    found = report(np.ones((8, 4), dtype=np.float32), scores=np.arange(4.0))
    assert found.spearman is not None
    assert math.isnan(found.spearman)
    row = found.as_dict()
    assert row["spearman"] is None
    assert EmbeddingReport.from_dict(row).spearman is None


def test_what_is_not_a_number_is_not_called_unmoved() -> None:
    texts = vectors(12, 4)
    broken = texts.copy()
    broken[3] = np.nan
    row = report(broken, texts).as_dict()
    assert row["drift"]["cka"] is None
    assert row["drift"]["cosine"] is None
    again = EmbeddingReport.from_dict(row)
    assert again.drift is not None
    assert math.isnan(again.drift.cka)


def test_the_drop_is_spearman_s_or_the_cosine_s() -> None:
    texts, scores = vectors(40, 6), np.random.default_rng(2).normal(size=20)
    moved = texts + 0.5 * vectors(40, 6, 9)
    by_pairs = report(moved, texts, scores)
    assert by_pairs.spearman is not None
    assert by_pairs.spearman_before is not None
    assert by_pairs.drop == pytest.approx(by_pairs.spearman_before - by_pairs.spearman)
    alone = report(moved, texts)
    assert alone.drift is not None
    assert alone.drift.cosine is not None
    assert alone.drop == pytest.approx(1 - alone.drift.cosine)
    assert report(moved).drop is None
    again = EmbeddingReport.from_dict(by_pairs.as_dict())
    assert again == by_pairs
