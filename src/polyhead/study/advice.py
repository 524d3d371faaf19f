"""A study's recommendation, in plain words, with its reason.

The plan is chosen by validation scores and by time. What each makes of the embedding is said beside it: what that is
worth only the reader knows, and the pairs that it is measured on may be test data.
"""

import math
from collections.abc import Sequence

from polyhead.study.lines import Figure, Line, differs, eligible, number, paired, shown

_FASTER = 1.1
"""Times as fast, from which on a plan counts as cheaper than another."""
_MANY = 0.05
"""The share of a frozen head's answers, from which on it matters that they are others."""


def recommend(lines: Sequence[Line]) -> tuple[Line | None, list[str]]:
    """The plan to use, if one can be named, and what to do, in words. ``lines``: best validation score first."""
    scored = eligible(lines)
    if not scored:
        return None, ["No plan has a validation score; give the data sets validation rows."]
    best = scored[0]
    if best.score.seeds < 2:
        return best, [
            f"{best.name} has the best validation score ({number(best.score.mean, best.shares)}), in one seed only:"
            " whether it is better than the others cannot be said. Run with --seeds 3 or more."
        ]
    near = as_good(scored)
    chosen = min([best, *(line for line in near if _faster(line, best))], key=lambda line: line.seconds.mean)
    ratio = best.seconds.mean / max(chosen.seconds.mean, 1e-9)
    words = [f"Use {chosen.name}.", f"{best.name} has the best validation score: {shown(best.score, best.shares)}."]
    if len(near) > 1:
        others = ", ".join(line.name for line in near if line is not best)
        words.append(f"Within the spread of it, seed by seed: {others}.")
    if chosen is not best:
        words.append(f"Of these {chosen.name} is the cheapest, {ratio:.1f} times as fast as {best.name}.")
    worse = [line for line in scored if differs(best, line)]
    between = [line.name for line in scored if line not in near and line not in worse]
    if between:
        words.append(f"Scattered so widely that they cannot be told from anything: {', '.join(between)}.")
    if worse:
        last = shown(worse[-1].score, best.shares)
        words.append(f"Worse: {', '.join(line.name for line in worse)} (down to {last}).")
    unscored = [line.name for line in lines if not math.isfinite(line.score.mean)]
    if unscored:
        words.append(f"Without a validation score by training.score, and so not compared: {', '.join(unscored)}.")
    collapsed = [line.name for line in lines if line.collapsed]
    if collapsed:
        words.append(f"Collapsed to a single label in some seed: {', '.join(collapsed)}; do not use these settings.")
    return chosen, [*words, *_moved(chosen), *_embedding(chosen, near, scored)]


def _faster(line: Line, best: Line) -> bool:
    """Whether it is by so much, and the difference of the times, seed by seed, exceeds its spread."""
    gained = paired(line.times, best.times)
    return gained is not None and gained.exceeds and best.seconds.mean >= _FASTER * line.seconds.mean


def as_good(scored: Sequence[Line]) -> list[Line]:
    """The best, and those that cannot be told from it.

    A plan's difference from the best, seed by seed, has 0 in its interval, and no plan that is worse than the best
    beats it in every seed: else the plan whose scores scatter most would be within the spread of anything.
    """
    best = scored[0]
    worse = [line for line in scored if differs(best, line)]
    return [line for line in scored if line not in worse and not any(_beats(other, line) for other in worse)]


def _beats(one: Line, other: Line) -> bool:
    common = one.scores.keys() & other.scores.keys()
    return len(common) > 1 and all(one.scores[seed] > other.scores[seed] for seed in common)


def _moved(chosen: Line) -> list[str]:
    """That heads which the plan freezes answer otherwise all the same, as the encoder moves under them."""
    moved = [f"{shown(figure)} % of {name}'s" for name, figure in chosen.drift.items() if figure.mean > _MANY]
    if not moved:
        return []
    return [
        f"It freezes heads whose answers are others all the same: {', '.join(moved)}. To keep them, freeze the"
        " backbone, too, or use an anchor or a fork (embedding.mode)."
    ]


def _embedding(chosen: Line, near: Sequence[Line], scored: Sequence[Line]) -> list[str]:
    """Which plan to use instead if the embedding matters, and what each point of score costs it."""
    measured = [line for line in scored if line.pairs is not None]
    if not measured or chosen.pairs is None:
        return []
    words = []
    keeper = max((line for line in near if line.pairs is not None), key=_kept)
    figure = paired(chosen.embedding, keeper.embedding)
    if keeper is not chosen and figure is not None and figure.exceeds:
        words.append(
            f"If the embedding matters, use {keeper.name}, within the spread as well:"
            f" Spearman {shown(_after(keeper))} instead of {shown(_after(chosen))}."
        )
    front = [
        line for number, line in enumerate(measured) if all(_kept(line) > _kept(above) for above in measured[:number])
    ]
    if len(front) > 1:
        each = "; ".join(f"{line.name} {number(line.score.mean, line.shares)}, {number(_kept(line))}" for line in front)
        words.append(
            f"Score and embedding ({number(chosen.pairs[0])} before): {each}. Each other plan is in neither better"
            " than some one of these."
        )
    return words


def _after(line: Line) -> Figure:
    assert line.pairs is not None
    return line.pairs[1]


def _kept(line: Line) -> float:
    return -1.0 if line.pairs is None else line.pairs[1].mean
