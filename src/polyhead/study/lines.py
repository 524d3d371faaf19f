"""Figures over seeds and how they are written, the line that a study has of each plan, and how two lines differ."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from polyhead.training.selection import LESS_IS_BETTER


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean over seeds, and half the width of its 95 % interval (Student's t); NaN of a single seed."""

    mean: float
    half: float
    seeds: int

    @property
    def exceeds(self) -> bool:
        """Whether 0 is not in the interval."""
        return not math.isnan(self.half) and abs(self.mean) > self.half

    @classmethod
    def of(cls, values: Sequence[float]) -> "Figure":
        """Of one value a seed."""
        count = len(values)
        half = _t(count) * float(np.std(values, ddof=1)) / math.sqrt(count) if count > 1 else math.nan
        return cls(float(np.mean(values)), half, count)


@dataclass(frozen=True, slots=True)
class Line:
    """One plan: its figures on test data by metric, and what it costs.

    ``behind`` is its validation score less that of the best plan that did not collapse, seed by seed; None of that plan
    itself, and where no two seeds are common. ``alone`` are the differences from the same task trained alone by
    ``full``, seed by seed; ``pairs`` the embedding's Spearman before and after, ``embedding`` the latter by seed;
    ``shares`` says whether scores are shares, from 0 to 1, and no losses or errors; ``times`` are the seconds by seed;
    ``collapsed`` says of how many seeds some head gave all validation rows a single label, or none; ``drift`` which
    share of a frozen head's answers became others.
    """

    name: str
    settings: Mapping[str, str]
    score: Figure
    behind: Figure | None
    test: Mapping[str, Figure]
    alone: Mapping[str, Figure]
    seconds: Figure
    memory: float
    learning: int
    parameters: int
    epochs: float
    pairs: tuple[float, Figure] | None
    collapsed: int
    curves: Sequence[Sequence[Sequence[float]]]
    scores: Mapping[int, float]
    shares: bool
    times: Mapping[int, float]
    embedding: Mapping[int, float]
    drift: Mapping[str, Figure]


def gap(best: Line, line: Line) -> Figure | None:
    """The difference of their validation scores, seed by seed, as ``Line.behind``."""
    return None if line is best else paired(best.scores, line.scores)


def differs(one: Line, other: Line) -> bool:
    """Whether the validation scores' difference, seed by seed, exceeds its spread: 0 is not in its 95 % interval."""
    figure = gap(one, other)
    return figure is not None and figure.exceeds


def paired(one: Mapping[int, float], other: Mapping[int, float]) -> Figure | None:
    """How much more the other is, seed by seed; None where no two seeds are common, or one is not a number."""
    common = sorted(one.keys() & other.keys())
    if len(common) < 2:
        return None
    found = Figure.of([other[seed] - one[seed] for seed in common])
    return found if math.isfinite(found.mean) else None


def eligible(lines: Sequence[Line]) -> list[Line]:
    """Those that may be recommended: with a score, and not collapsed if there are others."""
    with_score = [line for line in lines if math.isfinite(line.score.mean)]
    return [line for line in with_score if not line.collapsed] or with_score


def is_share(metric: str) -> bool:
    """Whether it is from 0 to 1, or as a correlation from −1, and no error in units of what was labelled."""
    return not metric.endswith(LESS_IS_BETTER)


def number(value: float, share: bool = True, *, sign: bool = False) -> str:
    """A share in per cent, two digits; what is none as it is, four."""
    if math.isnan(value):
        return "–"
    plus = "+" if sign else ""
    return f"{100 * value:{plus}.2f}" if share else f"{value:{plus}.4g}"


def shown(figure: Figure, share: bool = True) -> str:
    """Mean and interval."""
    return number(figure.mean, share) + ("" if math.isnan(figure.half) else f" ± {number(figure.half, share)}")


def _t(count: int) -> float:
    from scipy.stats import t

    return float(t.ppf(0.975, count - 1))
