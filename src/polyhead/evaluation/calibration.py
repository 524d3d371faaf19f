"""How far scores are probabilities, and what makes them so: one temperature a head, one threshold a label."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_softmax, logit, softmax

from polyhead.kinds.base import Decisions, FloatArray

BINS = 15
_PRIOR = 10
"""Gold rows from which on a label's own threshold counts for more than the common one."""


@dataclass(slots=True)
class Reliability:
    """Confidences against how often they were right, in bins of equal width. *Shapes:* (bins,) each."""

    count: NDArray[np.float64] = field(default_factory=lambda: np.zeros(BINS))
    confidence: NDArray[np.float64] = field(default_factory=lambda: np.zeros(BINS))
    right: NDArray[np.float64] = field(default_factory=lambda: np.zeros(BINS))

    def add(self, decisions: Decisions, temperature: float) -> None:
        """Count decisions; the confidence is the probability of the output that was chosen."""
        probabilities = softmax(decisions.logits / temperature, axis=1)
        confidences = probabilities.max(axis=1)
        right = probabilities.argmax(axis=1) == decisions.targets
        bins = np.minimum((confidences * BINS).astype(int), BINS - 1)
        np.add.at(self.count, bins, 1)
        np.add.at(self.confidence, bins, confidences)
        np.add.at(self.right, bins, right)

    def bins(self) -> list[list[float]]:
        """Of each bin that is not empty: decisions, their mean confidence, the share of them that was right."""
        kept = self.count > 0
        count, confidence, right = self.count[kept], self.confidence[kept], self.right[kept]
        return np.stack([count, confidence / count, right / count], axis=1).tolist()  # type: ignore[no-any-return]

    @property
    def error(self) -> float:
        """The expected calibration error: Σ n_b / n · |accuracy_b − confidence_b| (Guo et al., 2017)."""
        total = self.count.sum()
        return float(np.abs(self.right - self.confidence).sum() / total) if total else 0.0


def joined(parts: Sequence[Decisions]) -> Decisions:
    """All of them as one."""
    return Decisions(np.concatenate([each.logits for each in parts]), np.concatenate([each.targets for each in parts]))


def fit_temperature(decisions: Decisions) -> float:
    """The temperature with the least negative log-likelihood (Guo et al., 2017, arXiv 1706.04599), from 0.05 to 20."""
    chosen = np.arange(len(decisions.targets)), decisions.targets

    def loss(log_temperature: float) -> float:
        return -float(log_softmax(decisions.logits / math.exp(log_temperature), axis=1)[chosen].mean())

    bound = math.log(20)
    found = minimize_scalar(loss, bounds=(-bound, bound), method="bounded", options={"xatol": 1e-4})
    return math.exp(float(found.x)) if found.fun < loss(0.0) else 1.0


def label_thresholds(scores: FloatArray, gold: NDArray[np.bool_]) -> NDArray[np.float64]:
    """A threshold for each label: its own best one as far as its rows can tell, else the best one of all together.

    A label with n gold rows takes n / (n + 10) of the way from the common threshold to its own, in log-odds: from a few
    rows alone thresholds come out that are far too low (``docs/benchmarks.md``, NLU++). *Shapes:* (rows, labels) both →
    (labels,).
    """
    common = best_threshold(scores.ravel(), gold.ravel())
    own = [best_threshold(scores[:, label], gold[:, label]) for label in range(scores.shape[1])]
    rows = gold.sum(axis=0)
    share = rows / (rows + _PRIOR)
    return np.asarray(expit(share * logit(_inside(own)) + (1 - share) * logit(_inside(common))))


def _inside(threshold: float | list[float]) -> NDArray[np.float64]:
    """Between 0 and 1, where there are log-odds."""
    return np.clip(np.asarray(threshold, dtype=np.float64), 1e-6, 1 - 1e-6)


def best_threshold(scores: FloatArray, gold: NDArray[np.bool_]) -> float:
    """The score from which on a label is given that has the greatest F1; of several, that nearest to 0.5.

    It lies midway between two scores. A label that does not occur keeps 0.5. *Shapes:* (rows,), (rows,).
    """
    if not gold.any():
        return 0.5
    order = np.argsort(-scores, kind="stable")
    ranked, right = scores[order].astype(float), np.cumsum(gold[order])
    given = np.arange(1, len(ranked) + 1)
    f1 = 2 * right / (given + gold.sum())
    middles = np.append((ranked[:-1] + ranked[1:]) / 2, ranked[-1] / 2)
    possible = np.append(ranked[:-1] > ranked[1:], True)
    best = possible & (f1 >= f1[possible].max() - 1e-12)
    candidates = middles[best]
    return float(candidates[np.abs(candidates - 0.5).argmin()])
