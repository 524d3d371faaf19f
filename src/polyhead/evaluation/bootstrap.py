"""Confidence intervals of metrics, by the percentile bootstrap (Efron, 1979) over texts."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from polyhead.documents import IntArray
from polyhead.evaluation.metrics import metric
from polyhead.evaluation.tallies.base import Totals

RESAMPLES = 1000


def intervals(
    totals: Totals,
    counts: IntArray,
    metrics: Sequence[str],
    *,
    resamples: int = RESAMPLES,
    level: float = 0.95,
    seed: int = 0,
) -> dict[str, tuple[float, float]]:
    """The ``level`` interval of each metric, over ``resamples`` samples of as many texts, drawn with replacement.

    Texts with the same outcome are alike to every metric, so a sample is drawn as counts of outcomes (multinomial).
    """
    generator = np.random.default_rng(seed)
    drawn = generator.multinomial(counts.sum(), counts / counts.sum(), size=resamples)
    values = np.empty((resamples, len(metrics)))
    for row, sample in zip(values, drawn, strict=True):
        total = totals(sample)
        row[:] = [metric(name, total) for name in metrics]
    low, high = _bounds(values, level)
    return {name: (float(low[index]), float(high[index])) for index, name in enumerate(metrics)}


def share_interval(
    right: int, rows: int, *, resamples: int = RESAMPLES, level: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """The same of a plain share."""
    drawn = np.random.default_rng(seed).binomial(rows, right / rows, size=resamples) / rows
    low, high = _bounds(drawn, level)
    return float(low), float(high)


def _bounds(values: NDArray[np.float64], level: float) -> NDArray[np.float64]:
    bounds: NDArray[np.float64] = np.percentile(values, [50 * (1 - level), 50 * (1 + level)], axis=0)
    return bounds
