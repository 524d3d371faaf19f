"""Histograms of data, as PNG: how long texts are against the limit, and how often labels occur."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from polyhead.documents import IntArray
from polyhead.evaluation.pictures import colours, plain, save_figure

_MOST_LABELS = 30


def draw_lengths(lengths: Mapping[str, IntArray], limit: int, path: Path) -> None:
    """A histogram of tokens a text for each name, with the limit as a line; what is to its right is cut off."""
    figure, panels = _panels(len(lengths), height=2.1)
    longest = max(int(np.percentile(each, 99.5)) for each in lengths.values())
    bins = np.linspace(0, max(longest, limit) * 1.05, 60)
    for axes, (name, tokens), colour in zip(panels, lengths.items(), colours(len(lengths)), strict=True):
        axes.hist(np.minimum(tokens, bins[-1]), bins=bins.tolist(), color=colour)
        cut = int((tokens > limit).sum())
        axes.axvline(limit, color="#333333", linestyle=":", linewidth=1)
        axes.set_title(f"{plain(name)}: {cut:,} of {len(tokens):,} longer than {limit}", loc="left", fontsize=10)
        axes.set_ylabel("texts")
        axes.spines[["top", "right"]].set_visible(False)
    panels[-1].set_xlabel("tokens")
    save_figure(figure, path)


def draw_labels(labels: Mapping[str, Mapping[str, Mapping[str, int]]], path: Path) -> None:
    """Bars a label and split, for each task; ``labels`` is by task, label and split. The first labels are shown."""
    rows = [min(len(each), _MOST_LABELS) for each in labels.values()]
    figure = Figure(figsize=(8, sum(0.6 + 0.32 * count for count in rows)), layout="constrained", dpi=120)
    panels = figure.subplots(len(labels), 1, squeeze=False, height_ratios=[1 + count for count in rows])[:, 0]
    for axes, (task, counts) in zip(panels, labels.items(), strict=True):
        names = list(counts)[:_MOST_LABELS]
        splits = list(counts[names[0]])
        for index, (split, colour) in enumerate(zip(splits, colours(len(splits)), strict=True)):
            places = np.arange(len(names)) + (index - (len(splits) - 1) / 2) * 0.8 / len(splits)
            values = [counts[name][split] for name in names]
            axes.barh(places, values, height=0.8 / len(splits), color=colour, label=split)
        hidden = len(counts) - len(names)
        axes.set_title(plain(task) + (f" (and {hidden} more labels)" if hidden else ""), loc="left", fontsize=10)
        axes.set_yticks(range(len(names)), [plain(name[:40]) for name in names], fontsize=8)
        axes.invert_yaxis()
        axes.legend(fontsize=8, frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
    panels[-1].set_xlabel("how often it occurs")
    save_figure(figure, path)


def _panels(count: int, *, height: float) -> tuple[Figure, Sequence[Axes]]:
    figure = Figure(figsize=(8, 0.5 + height * count), layout="constrained", dpi=120)
    return figure, list(figure.subplots(count, 1, squeeze=False, sharex=True)[:, 0])
