"""What a study's results say: means with intervals, differences that exceed the spread, and a recommendation.

Choices (a plan's settings, the recommended plan) are made by validation scores; test metrics are only reported.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

Result = Mapping[str, Any]
_FASTER = 1.1
"""Times as fast, from which on a plan counts as cheaper than another."""


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
    ``full``, seed by seed; ``pairs`` the embedding's Spearman before and after; ``collapsed`` says of how many seeds
    some head gave all validation rows a single label.
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


@dataclass(frozen=True, slots=True)
class Summary:
    """The plans, best validation score first; the tasks trained alone; and what is to be done, in words."""

    lines: Sequence[Line]
    alone: Mapping[str, Figure]
    recommendation: Sequence[str]


def summarize(results: Sequence[Result]) -> Summary:
    """All of it, from the results of the jobs that are done."""
    together = [each for each in results if each["task"] is None]
    single = _chosen([each for each in results if each["task"] is not None], by=("task",))
    alone: dict[str, dict[int, float]] = defaultdict(dict)
    for each in single:
        for name, value in each["test"].items():
            alone[name][each["seed"]] = value
    groups: dict[str, list[Result]] = defaultdict(list)
    for each in _chosen(together, by=("name",)):
        groups[each["name"]].append(each)
    ranked = sorted((_line(name, own, alone) for name, own in groups.items()), key=_rank)
    best = next(iter(_scored(ranked)), None)
    lines = [replace(line, behind=None if best is None else gap(best, line)) for line in ranked]
    figures = {name: Figure.of(list(values.values())) for name, values in alone.items()}
    return Summary(lines, figures, recommend(lines))


def gap(best: Line, line: Line) -> Figure | None:
    """The difference of their validation scores, seed by seed, as ``Line.behind``."""
    common = sorted(best.scores.keys() & line.scores.keys())
    if line is best or len(common) < 2:
        return None
    found = Figure.of([line.scores[seed] - best.scores[seed] for seed in common])
    return found if math.isfinite(found.mean) else None


def _scored(lines: Sequence[Line]) -> list[Line]:
    """Those that may be recommended: with a score, and not collapsed if there are others."""
    with_score = [line for line in lines if math.isfinite(line.score.mean)]
    return [line for line in with_score if not line.collapsed] or with_score


def differs(one: Line, other: Line) -> bool:
    """Whether the validation scores' difference, seed by seed, exceeds its spread: 0 is not in its 95 % interval."""
    figure = gap(one, other)
    return figure is not None and figure.exceeds


def recommend(lines: Sequence[Line]) -> list[str]:
    """What to do, in plain words, with the reason."""
    scored = _scored(lines)
    if not scored:
        return ["No plan has a validation score; give the data sets validation rows."]
    best = scored[0]
    if best.score.seeds < 2:
        return [
            f"{best.name} has the best validation score ({percent(best.score.mean)}), in one seed only: whether it is"
            " better than the others cannot be said. Run with --seeds 3 or more."
        ]
    near = [line for line in scored if not differs(best, line)]
    fastest = min(near, key=lambda line: line.seconds.mean)
    ratio = best.seconds.mean / max(fastest.seconds.mean, 1e-9)
    cheap = fastest if ratio >= _FASTER else best
    words = [f"{best.name} has the best validation score: {shown(best.score)}."]
    if len(near) > 1:
        others = ", ".join(line.name for line in near if line is not best)
        words.append(f"Within the spread of it, seed by seed: {others}.")
    if cheap is not best:
        words.append(f"Of these {cheap.name} is the cheapest, {ratio:.1f} times as fast as {best.name}.")
    kept = [line for line in near if line.pairs is not None]
    if kept:
        keeper = max(kept, key=lambda line: line.pairs[1].mean if line.pairs else -1.0)
        assert keeper.pairs is not None
        before, after = keeper.pairs
        words.append(f"The embedding stays best with {keeper.name}: {percent(before)} before, {shown(after)} after.")
        cheap = keeper if keeper.pairs[1].mean - (cheap.pairs[1].mean if cheap.pairs else 0) > 0.01 else cheap
    fallen = [line for line in scored if differs(best, line)]
    if fallen:
        worst = fallen[-1]
        words.append(f"Clearly worse: {', '.join(line.name for line in fallen)} (down to {shown(worst.score)}).")
    collapsed = [line.name for line in lines if line.collapsed]
    if collapsed:
        words.append(f"Collapsed to a single label in some seed: {', '.join(collapsed)}; do not use these settings.")
    return [f"Use {cheap.name}.", *words]


def percent(value: float) -> str:
    """In per cent, two digits."""
    return f"{100 * value:.2f}"


def shown(figure: Figure) -> str:
    """Mean and interval, in per cent."""
    return percent(figure.mean) + ("" if math.isnan(figure.half) else f" ± {percent(figure.half)}")


def _line(name: str, results: Sequence[Result], alone: Mapping[str, Mapping[int, float]]) -> Line:
    metrics = [metric for metric in results[0]["test"] if all(metric in each["test"] for each in results)]
    beside = {
        metric: Figure.of([each["test"][metric] - alone[metric][each["seed"]] for each in results])
        for metric in metrics
        if metric in alone and all(each["seed"] in alone[metric] for each in results)
    }
    pairs = [each["pairs"] for each in results if each["pairs"] is not None]
    return Line(
        name=name,
        settings=results[0]["changes"],
        behind=None,
        score=Figure.of([_number(each["score"]) for each in results]),
        test={metric: Figure.of([each["test"][metric] for each in results]) for metric in metrics},
        alone=beside,
        seconds=Figure.of([each["seconds"] for each in results]),
        memory=max(each["memory"] for each in results),
        learning=results[0]["learning"],
        parameters=results[0]["parameters"],
        epochs=float(np.mean([each["epochs"] for each in results])),
        pairs=(pairs[0][0], Figure.of([after for _, after in pairs])) if pairs else None,
        collapsed=sum(any(count == 1 for count in each["labels_given"].values()) for each in results),
        curves=[each["curve"] for each in results],
        scores={each["seed"]: _number(each["score"]) for each in results},
    )


def _chosen(results: Sequence[Result], *, by: Sequence[str]) -> list[Result]:
    """Of each group, the results with the settings whose mean validation score is best."""
    groups: dict[tuple[Any, ...], dict[str, list[Result]]] = defaultdict(lambda: defaultdict(list))
    for each in results:
        groups[tuple(each[key] for key in by)][repr(sorted(each["changes"].items()))].append(each)
    found: list[Result] = []
    for settings in groups.values():
        most = max(len(own) for own in settings.values())
        whole = [own for own in settings.values() if len(own) == most]  # a study that is under way
        found += max(whole, key=lambda own: float(np.mean([_number(each["score"], -math.inf) for each in own])))
    return found


def _rank(line: Line) -> float:
    return -line.score.mean if math.isfinite(line.score.mean) else math.inf


def _number(value: float | None, missing: float = math.nan) -> float:
    return missing if value is None or not math.isfinite(value) else float(value)


def _t(count: int) -> float:
    from scipy.stats import t

    return float(t.ppf(0.975, count - 1))
