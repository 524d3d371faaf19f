"""Maps of embeddings: texts as points in two dimensions, as a picture and as a page that needs no network."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from polyhead.evaluation.pictures import COLOURS, plain, save_figure
from polyhead.kinds.base import FloatArray
from polyhead.page import offline

GROUPS = 7
"""Groups that have a colour of their own."""
_PANELS = 3
_FEW = 20
_LABEL = 44
_LONGEST = 400
_GRID = 10_000
OTHERS = "others"


NOTHING = "(none)"
"""The group of texts without a value."""


@dataclass(frozen=True, slots=True)
class Colouring:
    """Each text's group: ``codes`` are places in ``names``.

    Names are in alphabetical order, so that a label has one colour in all colourings; if there are more than colours,
    in order of how many texts they have. Ranges of numbers are in theirs.
    """

    names: Sequence[str]
    codes: Sequence[int]

    @classmethod
    def of(cls, groups: Sequence[str]) -> "Colouring":
        """From the name of each text's group."""
        counts = Counter(groups)
        names = sorted(counts) if len(counts) <= GROUPS else [name for name, _ in counts.most_common()]
        place = {name: number for number, name in enumerate(names)}
        return cls(names, [place[group] for group in groups])

    @classmethod
    def of_numbers(cls, values: Sequence[float]) -> "Colouring":
        """Ranges that hold about as many texts each, the lowest first; a few numbers are groups by themselves.

        Texts whose number is NaN are the last group.
        """
        numbers = np.asarray(values, dtype=np.float64)
        there = np.isfinite(numbers)
        if not there.all():
            found, codes = cls.of_numbers(numbers[there].tolist()), np.full(len(numbers), 0)
            codes[there], codes[~there] = found.codes, len(found.names)
            return cls([*found.names, NOTHING], codes.tolist())
        own = np.unique(numbers)
        if len(own) <= GROUPS:
            return cls([f"{each:.3g}" for each in own], np.searchsorted(own, numbers).tolist())
        bounds = np.unique(np.quantile(numbers, np.linspace(0, 1, GROUPS + 1)))
        codes = np.clip(np.searchsorted(bounds, numbers, side="left") - 1, 0, None)
        return cls([f"{low:.3g} – {high:.3g}" for low, high in pairwise(bounds)], codes.tolist())


def draw_map(
    points: Mapping[str, FloatArray], colourings: Mapping[str, Colouring], path: Path, *, texts: Sequence[str] = ()
) -> None:
    """A PNG: a row of panels for each method, one a colouring (the first three). Points (texts, 2), by method.

    ``texts`` are written beside their points if there are few.
    """
    columns: dict[str, Colouring | None] = dict(list(colourings.items())[:_PANELS]) or {"": None}
    panels = [(method, own, name, each) for method, own in points.items() for name, each in columns.items()]
    across = len(columns) if len(columns) > 1 else len(points)
    down = len(panels) // across
    figure = Figure(figsize=(5.4 * across, 4.9 * down), layout="constrained", dpi=120)
    grid = figure.subplots(down, across, squeeze=False).flat
    for axes, (method, own, name, colouring) in zip(grid, panels, strict=True):
        _panel(axes, own, colouring)
        axes.set_title(plain(f"{method}, by {name}" if name else method), loc="left", fontsize=11)
        if 0 < len(texts) <= _FEW:
            _write(axes, texts, own)
    save_figure(figure, path)


def _write(axes: Axes, texts: Sequence[str], points: FloatArray) -> None:
    """Each text above its point, or below it where the nearest other point is above."""
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    nearest = points[distances.argmin(axis=1)]
    for text, (x, y), (_, other) in zip(texts, points, nearest, strict=True):
        short, place = plain(text if len(text) <= _LABEL else text[: _LABEL - 1] + "…"), (0, 6 if other <= y else -13)
        axes.annotate(short, (x, y), place, textcoords="offset points", ha="center", fontsize=7, color="#555555",
                      annotation_clip=False)  # fmt: skip
    axes.margins(0.28, 0.12)


def _panel(axes: Axes, points: FloatArray, colouring: Colouring | None) -> None:
    size = 20 if len(points) <= 1000 else 20_000 / len(points) + 1
    codes = np.zeros(len(points), dtype=int) if colouring is None else np.minimum(colouring.codes, GROUPS)
    names = [] if colouring is None else list(colouring.names)
    for code in sorted(set(codes.tolist())):
        group = points[codes == code]
        rest = len(names) > GROUPS and code == GROUPS
        name = OTHERS if rest else plain(names[code])[:40] if names else ""
        label = f"\u200b{name} ({len(group):,})" if names else None  # a legend leaves out what begins with _
        axes.scatter(group[:, 0], group[:, 1], s=size, color=COLOURS[code], label=label, alpha=0.8, linewidths=0)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_color("#bbbbbb")
    if names:
        axes.legend(fontsize=8, frameon=True, framealpha=0.8, edgecolor="none", markerscale=max(1.0, 4 / size**0.5))


def map_page(
    title: str,
    about: str,
    texts: Sequence[str],
    points: Mapping[str, FloatArray],
    colourings: Mapping[str, Colouring],
) -> str:
    """The page: hover, lasso, legend, search. ``points`` (texts, 2) by method; texts are cut at 400 characters."""
    data = {
        "about": about,
        "texts": [text[:_LONGEST] + ("…" if len(text) > _LONGEST else "") for text in texts],
        "points": {method: _on_grid(own) for method, own in points.items()},
        "colourings": {name: {"names": each.names, "codes": each.codes} for name, each in colourings.items()},
    }
    return offline(title, "points.js", data)


def _on_grid(points: FloatArray) -> list[list[int]]:
    """Whole numbers, which take a third of the room: the picture's longer side has ten thousand."""
    low = points.min(axis=0)
    span = float((points - low).max()) or 1.0
    return [[int(x), int(y)] for x, y in np.rint((points - low) / span * _GRID)]
