"""Confidence intervals of metrics, by the percentile bootstrap (Efron, 1979) over texts."""

from collections.abc import Sequence

import numpy as np

from polyhead.evaluation.metrics import METRICS
from polyhead.evaluation.tally import Tally

RESAMPLES = 1000


def intervals(
    tally: Tally, metrics: Sequence[str], *, resamples: int = RESAMPLES, level: float = 0.95, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """The ``level`` interval of each metric, over ``resamples`` samples of as many texts, drawn with replacement.

    Texts with the same outcome are alike to every metric, so a sample is drawn as counts of outcomes (multinomial).
    """
    counts, totals = tally.counts, tally.totals()
    generator = np.random.default_rng(seed)
    drawn = generator.multinomial(counts.sum(), counts / counts.sum(), size=resamples)
    values = np.empty((resamples, len(metrics)))
    for row, sample in zip(values, drawn, strict=True):
        total = totals(sample)
        row[:] = [METRICS[name](total) for name in metrics]
    low, high = np.percentile(values, [50 * (1 - level), 50 * (1 + level)], axis=0)
    return {name: (float(low[index]), float(high[index])) for index, name in enumerate(metrics)}
