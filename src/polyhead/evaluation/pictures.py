"""Pictures: a run's curves, and embeddings in two dimensions, as PNG."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.decomposition import PCA

from polyhead.folder.files import write_bytes
from polyhead.kinds.base import FloatArray

COLOURS = ("#3b6fb6", "#d1603d", "#4a9a6a", "#8d5fa8", "#c9a227", "#5b8a9f", "#a34a5e", "#6b6b6b")


def draw_curves(history: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Losses left (training thin, validation with dots), metrics right, from the lines of ``metrics.jsonl``."""
    epochs = [row for row in history if "eval_loss" in row]
    steps = [row for row in history if "learning_rate" in row]
    tasks = sorted(key[len("eval_") : -len("_loss")] for key in _keys(epochs, "eval_", "_loss") if key != "eval_loss")
    figure = Figure(figsize=(11, 4.2), layout="constrained", dpi=120)
    losses, metrics = figure.subplots(1, 2)
    for task, colour in zip(tasks, _colours(len(tasks)), strict=True):
        _line(losses, steps, f"train_{task}_loss", colour, label=f"{task}, training", linewidth=1, alpha=0.55)
        _line(losses, epochs, f"eval_{task}_loss", colour, label=f"{task}, validation", marker="o", markersize=4)
    shown = [key for key in _keys(epochs, "eval_", "") if not key.endswith("_loss") and _is_headline(key)]
    for key, colour in zip(shown, _colours(len(shown)), strict=True):
        _line(metrics, epochs, key, colour, label=key.removeprefix("eval_").replace("_", " "), marker="o", markersize=4)
    for row in (row for row in epochs if row.get("best")):
        best = row
    if epochs:
        metrics.axvline(best["step"], color="#999999", linestyle=":", linewidth=1, label=f"kept: epoch {best['epoch']}")
    for axes, title in ((losses, "Loss"), (metrics, "Metrics on validation data")):
        axes.set_title(title, loc="left", fontsize=11)
        axes.set_xlabel("step")
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize=8, frameon=False)
    _save(figure, path)


def draw_embeddings(embeddings: FloatArray, labels: Sequence[str], path: Path, *, title: str) -> None:
    """Embeddings (texts, width) by their first two principal components, coloured by label."""
    points = PCA(n_components=2, random_state=0).fit_transform(embeddings)
    figure = Figure(figsize=(6.4, 5.2), layout="constrained", dpi=120)
    axes = figure.subplots()
    names = sorted(set(labels))
    chosen = np.asarray(labels)
    for name, colour in zip(names, _colours(len(names)), strict=True):
        group = points[chosen == name]
        axes.scatter(
            group[:, 0], group[:, 1], s=18, color=colour, label=f"{name} ({len(group)})", alpha=0.8, linewidths=0
        )
    axes.set_title(title, loc="left", fontsize=11)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel("first principal component")
    axes.set_ylabel("second principal component")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=9, frameon=False)
    _save(figure, path)


def _keys(rows: Sequence[Mapping[str, Any]], prefix: str, suffix: str) -> list[str]:
    found = dict.fromkeys(key for row in rows for key in row)
    return [key for key in found if key.startswith(prefix) and key.endswith(suffix)]


def _is_headline(key: str) -> bool:
    return key.endswith(("_accuracy", "_f1_macro", "_span_f1")) and not key.endswith(
        ("_piece_accuracy", "_span_f1_macro")
    )


def _line(axes: Axes, rows: Sequence[Mapping[str, Any]], key: str, colour: str, **style: Any) -> None:
    found = [(row["step"], row[key]) for row in rows if row.get(key) is not None]
    if found:
        axes.plot(*zip(*found, strict=True), color=colour, **style)


def _colours(count: int) -> list[str]:
    return [COLOURS[index % len(COLOURS)] for index in range(count)]


def _save(figure: Figure, path: Path) -> None:
    import io

    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    write_bytes(path, buffer.getvalue())
