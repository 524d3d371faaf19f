"""Pictures: a run's curves, and embeddings in two dimensions, as PNG."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from polyhead.folder.files import write_bytes
from polyhead.kinds.base import FloatArray

COLOURS = ("#3b6fb6", "#d1603d", "#4a9a6a", "#8d5fa8", "#c9a227", "#5b8a9f", "#a34a5e", "#6b6b6b")


_HEADLINES = ("_accuracy", "_span_f1", "_average_precision", "_spearman", "_mrr", "eval_exact_rows")


def draw_curves(history: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Losses left (training thin, validation with dots), metrics right, from the lines of ``metrics.jsonl``."""
    epochs = [row for row in history if "eval_loss" in row]
    steps = [row for row in history if "learning_rate" in row]
    named = [key[len("train_") : -len("_loss")] for key in _keys(steps, "train_", "_loss")]
    named += [key[len("eval_") : -len("_loss")] for key in _keys(epochs, "eval_", "_loss") if key != "eval_loss"]
    tasks = sorted(set(named))
    figure = Figure(figsize=(11, 4.2), layout="constrained", dpi=120)
    losses, metrics = figure.subplots(1, 2)
    palette = dict(zip(tasks, colours(len(tasks)), strict=True))
    for task, colour in palette.items():
        _line(losses, steps, f"train_{task}_loss", colour, label=f"{task}, training", linewidth=1, alpha=0.55)
        _line(losses, epochs, f"eval_{task}_loss", colour, label=f"{task}, validation", marker="o", markersize=4)
    shown = [key for key in _keys(epochs, "eval_", "") if not key.endswith("_loss") and _is_headline(key)]
    for key in shown:
        own = [task for task in tasks if key.startswith(f"eval_{task}_")]
        colour = palette[max(own, key=len)] if own else "#333333"
        _line(metrics, epochs, key, colour, label=key.removeprefix("eval_").replace("_", " "), marker="o", markersize=4)
    best = next((row for row in reversed(epochs) if row.get("best")), None)
    if best:
        metrics.axvline(best["step"], color="#999999", linestyle=":", linewidth=1, label=f"kept: epoch {best['epoch']}")
    for axes, title in ((losses, "Loss"), (metrics, "Metrics on validation data")):
        axes.set_title(title, loc="left", fontsize=11)
        axes.set_xlabel("step")
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize=8, frameon=False)
    save_figure(figure, path)


def draw_embeddings(embeddings: FloatArray, colourings: Mapping[str, Sequence[str]], path: Path) -> None:
    """Embeddings (texts, width) in two dimensions by t-SNE (van der Maaten and Hinton, 2008), once for each colouring.

    ``colourings`` maps a title to a label a text. Fewer than four texts, too few for t-SNE, are drawn by two of their
    dimensions.
    """
    rows = len(embeddings)
    if rows < 4:
        points = np.pad(embeddings - embeddings.mean(axis=0), ((0, 0), (0, 2)))[:, :2]
    else:
        perplexity = min(30.0, (rows - 1) / 3)
        with threadpool_limits(1):  # for so few points threads mostly wait for each other
            points = TSNE(n_components=2, perplexity=perplexity, init="pca", random_state=0).fit_transform(embeddings)
    figure = Figure(figsize=(5.4 * len(colourings), 4.8), layout="constrained", dpi=120)
    panels = figure.subplots(1, len(colourings), squeeze=False)[0]
    for axes, (title, labels) in zip(panels, colourings.items(), strict=True):
        names = sorted(set(labels))
        chosen = np.asarray(labels)
        for name, colour in zip(names, colours(len(names)), strict=True):
            group = points[chosen == name]
            axes.scatter(*group.T, s=20, color=colour, label=f"{plain(name)} ({len(group)})", alpha=0.85, linewidths=0)
        axes.set_title(plain(title), loc="left", fontsize=11)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_color("#bbbbbb")
        axes.legend(fontsize=8, frameon=True, framealpha=0.8, edgecolor="none")
    save_figure(figure, path)


def plain(text: str) -> str:
    """A label or title from somebody's file as matplotlib draws it: text in which no dollar sign begins a formula."""
    return text.encode("utf-8", "replace").decode().replace("$", r"\$")


def _keys(rows: Sequence[Mapping[str, Any]], prefix: str, suffix: str) -> list[str]:
    found = dict.fromkeys(key for row in rows for key in row)
    return [key for key in found if key.startswith(prefix) and key.endswith(suffix)]


def _is_headline(key: str) -> bool:
    """Whether a metric is worth a line: one a task."""
    return key.endswith(_HEADLINES) and not key.endswith(("_piece_accuracy", "_token_accuracy"))


def _line(axes: Axes, rows: Sequence[Mapping[str, Any]], key: str, colour: str, **style: Any) -> None:
    found = [(row["step"], row[key]) for row in rows if row.get(key) is not None]
    if found:
        axes.plot(*zip(*found, strict=True), color=colour, **style)


def colours(count: int) -> list[str]:
    """As many colours as asked for, from the palette, over and over."""
    return [COLOURS[index % len(COLOURS)] for index in range(count)]


def save_figure(figure: Figure, path: Path) -> None:
    """Write a PNG, whole or not at all."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    write_bytes(path, buffer.getvalue())
