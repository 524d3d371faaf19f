"""How good an embedding is, and how far it is from the one that training started from. Pure functions over arrays.

Spearman's and Pearson's correlation of cosines with pairs' scores; alignment and uniformity (Wang and Isola, 2020,
arXiv 2005.10242); linear CKA (Kornblith et al., 2019, arXiv 1905.00414); the overlap of nearest neighbours.
"""

import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import isfinite, nan
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from polyhead.kinds.base import FloatArray

NEIGHBOURS = 10
_MOST = 4096
"""Texts of which each is held against each."""
_ALIKE = 0.8
"""Pairs whose score is above this share of the range count as alike."""


@dataclass(frozen=True, slots=True)
class EmbeddingDrift:
    """How far embeddings are from the original's.

    ``cosine`` is the mean cosine of a text's two embeddings, None where their widths differ; ``neighbours`` the mean
    share of a text's 10 nearest that are the same; ``cka`` linear CKA. All are 1 where nothing moved.
    """

    cosine: float | None
    neighbours: float
    cka: float


@dataclass(frozen=True, slots=True)
class EmbeddingReport:
    """What an embedding was measured to be on ``texts`` texts, and on ``pairs`` of them where they have scores.

    ``spearman_before`` is the original's, on the same pairs; ``drift`` is None where there is no original.
    """

    texts: int
    uniformity: float
    pairs: int = 0
    spearman: float | None = None
    pearson: float | None = None
    alignment: float | None = None
    spearman_before: float | None = None
    drift: EmbeddingDrift | None = None

    @property
    def drop(self) -> float | None:
        """By how much it is worse than the original: Spearman's loss, or without pairs what the mean cosine lacks to 1.

        None where neither is known.
        """
        if self.spearman is not None and self.spearman_before is not None:
            return self.spearman_before - self.spearman
        return None if self.drift is None or self.drift.cosine is None else 1 - self.drift.cosine

    def metrics(self) -> dict[str, float]:
        """Every number that there is, by name."""
        own = {name: getattr(self, name) for name in ("spearman", "pearson", "alignment", "uniformity")}
        moved = {} if self.drift is None else asdict(self.drift)
        return {name: value for name, value in {**own, **moved}.items() if value is not None}

    def as_dict(self) -> dict[str, Any]:
        """A JSON-ready form; what is not a number is None."""
        row = _finite(asdict(self))
        return {**row, "drift": None if self.drift is None else _finite(row["drift"])}

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Self:
        """The inverse of ``as_dict``."""
        drift = row["drift"]
        known = drift and {**{name: nan if value is None else value for name, value in drift.items()}}
        return cls(**{**row, "drift": known and EmbeddingDrift(**{**known, "cosine": drift["cosine"]})})


def report(
    texts: FloatArray,
    original: FloatArray | None = None,
    scores: NDArray[np.float64] | None = None,
) -> EmbeddingReport:
    """Measure embeddings, held against the ``original`` encoder's of the same texts.

    With ``scores``, the first half of the texts are pairs' left sentences and the second half their right ones.

    *Shapes:* (texts, width), (texts, original width), (texts / 2,).
    """
    from scipy.stats import pearsonr

    own = normalized(texts)
    before = None if original is None else normalized(original)
    drift = (
        None
        if before is None
        else EmbeddingDrift(mean_cosine(own, before), overlap(own, before), linear_cka(own, before))
    )
    if scores is None:
        return EmbeddingReport(len(own), uniformity(own), drift=drift)
    left, right = own[: len(scores)], own[len(scores) :]
    cosines = (left * right).sum(axis=1)
    low, high = scores.min(), scores.max()
    alike = scores >= low + _ALIKE * (high - low)
    earlier = None if before is None else (before[: len(scores)] * before[len(scores) :]).sum(axis=1)
    return EmbeddingReport(
        texts=len(own),
        uniformity=uniformity(own),
        pairs=len(scores),
        spearman=spearman(cosines, scores),
        pearson=_correlation(pearsonr, cosines, scores),
        alignment=alignment(left[alike], right[alike]),
        spearman_before=None if earlier is None else spearman(earlier, scores),
        drift=drift,
    )


def _finite(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: None if isinstance(value, float) and not isfinite(value) else value for name, value in row.items()}


def normalized(vectors: FloatArray) -> FloatArray:
    """Each row at length 1. *Shape:* (rows, width)."""
    found: FloatArray = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return found


def spearman(cosines: FloatArray, scores: NDArray[np.float64]) -> float:
    """Spearman's rank correlation; not a number where either side is constant. *Shapes:* (pairs,) twice."""
    from scipy.stats import spearmanr

    return _correlation(spearmanr, cosines, scores)


def mean_cosine(one: FloatArray, other: FloatArray) -> float | None:
    """The mean cosine of rows, None where widths differ. *Shape:* (rows, width) twice, normalised."""
    return float((one * other).sum(axis=1).mean()) if one.shape == other.shape else None


def overlap(one: FloatArray, other: FloatArray) -> float:
    """The mean share of each row's 10 nearest rows that both have. *Shapes:* (rows, widths), normalised."""
    one, other = _some(one), _some(other)
    count = min(NEIGHBOURS, len(one) - 1)
    if count < 1:
        return 1.0
    near, far = _nearest(one, count), _nearest(other, count)
    shared = [len(np.intersect1d(a, b, assume_unique=True)) for a, b in zip(near, far, strict=True)]
    return float(np.mean(shared) / count)


def linear_cka(one: FloatArray, other: FloatArray) -> float:
    """Linear centred kernel alignment: ‖YᵀX‖² / (‖XᵀX‖ ‖YᵀY‖) of centred columns. *Shapes:* (rows, widths)."""
    left, right = (each.astype(np.float64) - each.mean(axis=0, dtype=np.float64) for each in (one, other))
    below = np.linalg.norm(left.T @ left) * np.linalg.norm(right.T @ right)
    if below == 0:
        return 1.0
    return float(np.linalg.norm(right.T @ left) ** 2 / below)


def alignment(left: FloatArray, right: FloatArray) -> float | None:
    """Mean squared distance of texts that are alike; None without any. *Shape:* (pairs, width) twice, normalised."""
    return float(((left - right) ** 2).sum(axis=1).mean()) if len(left) else None


def uniformity(vectors: FloatArray) -> float:
    """Log of the mean of exp(−2 · squared distance) over all pairs of rows: the lower, the more evenly spread."""
    vectors = _some(vectors)
    if len(vectors) < 2:
        return 0.0
    squared = np.maximum(2 - 2 * (vectors @ vectors.T).astype(np.float64), 0)
    rows, columns = np.triu_indices(len(vectors), 1)
    return float(np.log(np.exp(-2 * squared[rows, columns]).mean()))


def _some(vectors: FloatArray) -> FloatArray:
    """At most so many rows, from all over them, that each may be held against each."""
    return vectors[np.arange(_MOST) * len(vectors) // _MOST] if len(vectors) > _MOST else vectors


def _nearest(vectors: FloatArray, count: int) -> NDArray[np.intp]:
    """Each row's nearest others. *Shape:* (rows, width) → (rows, count)."""
    likeness = vectors @ vectors.T
    np.fill_diagonal(likeness, -np.inf)
    return np.argpartition(-likeness, count - 1, axis=1)[:, :count]


def _correlation(of: Any, one: FloatArray, other: NDArray[np.float64]) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a constant side: the answer is not a number
        return float(of(one, other).statistic)
