"""What a study's results say: a line a plan, with means, intervals and differences seed by seed.

A plan's settings are chosen by validation scores; test metrics are only reported.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from polyhead.study.advice import recommend
from polyhead.study.lines import Figure, Line, eligible, gap

Result = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Tried:
    """A plan with some of the settings that were tried, and its validation score, a share or not."""

    name: str
    settings: Mapping[str, str]
    score: Figure
    shares: bool = True


@dataclass(frozen=True, slots=True)
class Summary:
    """The plans, best validation score first; the tasks trained alone; what is to be done, and why, in words.

    ``chosen`` is the plan that is recommended, if one is; ``tried`` are all plans with all settings, where there were
    several.
    """

    lines: Sequence[Line]
    alone: Mapping[str, Figure]
    chosen: Line | None
    recommendation: Sequence[str]
    tried: Sequence[Tried] = ()


def summarize(results: Sequence[Result], failed: Sequence[str] = ()) -> Summary:
    """All of it, from the results of the jobs that are done; ``failed`` is why others are not, a line each."""
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
    best = next(iter(eligible(ranked)), None)
    lines = [replace(line, behind=None if best is None else gap(best, line)) for line in ranked]
    figures = {name: Figure.of(list(values.values())) for name, values in alone.items()}
    chosen, words = recommend(lines)
    if failed:
        words = [f"Not all could be done, and this is of the rest; failed: {'; '.join(failed)}.", *words]
    return Summary(lines, figures, chosen, words, _tried(together))


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
        shares=all(each.get("shares", True) for each in results),
        times={each["seed"]: each["seconds"] for each in results},
        embedding={each["seed"]: each["pairs"][1] for each in results if each["pairs"] is not None},
        drift=_drift(results),
    )


def _drift(results: Sequence[Result]) -> dict[str, Figure]:
    """Of frozen heads; studies of earlier versions did not note it."""
    noted = [each.get("drift") or {} for each in results]
    names = [name for name in noted[0] if all(name in each for each in noted)]
    return {name: Figure.of([each[name] for each in noted]) for name in names}


def _tried(results: Sequence[Result]) -> list[Tried]:
    """Every plan with every setting, if several were tried of one, best first."""
    groups: dict[tuple[str, str], list[Result]] = defaultdict(list)
    for each in results:
        groups[each["name"], repr(sorted(each["changes"].items()))].append(each)
    if len(groups) == len({name for name, _ in groups}):
        return []
    found = [
        Tried(
            own[0]["name"],
            own[0]["changes"],
            Figure.of([_number(each["score"]) for each in own]),
            own[0].get("shares", True),
        )
        for own in groups.values()
    ]
    return sorted(found, key=_rank)


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


def _rank(line: Line | Tried) -> float:
    return -line.score.mean if math.isfinite(line.score.mean) else math.inf


def _number(value: float | None, missing: float = math.nan) -> float:
    return missing if value is None or not math.isfinite(value) else float(value)
