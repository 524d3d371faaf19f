"""Pictures: runs' curves, as PNG."""

import io
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from polyhead.folder.files import write_bytes

COLOURS = ("#3b6fb6", "#d1603d", "#4a9a6a", "#8d5fa8", "#c9a227", "#5b8a9f", "#a34a5e", "#6b6b6b")


_HEADLINES = ("_accuracy", "_span_f1", "_average_precision", "_spearman", "_mrr", "eval_exact_rows")


def draw_curves(history: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Losses left (training thin, validation with dots), metrics right, from the lines of ``metrics.jsonl``."""
    figure = Figure(figsize=(11, 4), layout="constrained", dpi=120)
    losses, metrics = figure.subplots(1, 2)
    _draw_run(losses, metrics, history)
    _make_room(figure, (losses,))
    save_figure(figure, path)


def draw_runs(histories: Mapping[str, Sequence[Mapping[str, Any]]], path: Path) -> None:
    """Runs side by side, losses above metrics, on the same scales; each as ``draw_curves`` draws it."""
    width = max(5.5, 5.0 * len(histories))
    figure = Figure(figsize=(width, 7.2), layout="constrained", dpi=120)
    rows = figure.subplots(2, len(histories), sharey="row", squeeze=False)
    for place, (name, history) in enumerate(histories.items()):
        _draw_run(rows[0][place], rows[1][place], history)
        rows[0][place].set_title(f"{plain(name)[:60]}\nLoss", loc="left", fontsize=11)
    _make_room(figure, *rows)
    save_figure(figure, path)


def _draw_run(losses: Axes, metrics: Axes, history: Sequence[Mapping[str, Any]]) -> None:
    epochs = [row for row in history if "eval_loss" in row]
    steps = [row for row in history if "learning_rate" in row]
    named = [key[len("train_") : -len("_loss")] for key in _keys(steps, "train_", "_loss")]
    named += [key[len("eval_") : -len("_loss")] for key in _keys(epochs, "eval_", "_loss") if key != "eval_loss"]
    tasks = sorted(set(named))
    palette = dict(zip(tasks, colours(len(tasks)), strict=True))
    for task, colour in palette.items():
        _line(losses, steps, f"train_{task}_loss", colour, label=f"{task}, training", linewidth=1, alpha=0.55)
        _line(losses, epochs, f"eval_{task}_loss", colour, label=f"{task}, validation", marker="o", markersize=4)
    if len(_keys(epochs, "eval_", "_loss")) > 2:
        _line(losses, epochs, "eval_loss", "#333333", label="weighted sum, validation", marker="o", markersize=4)
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
            axes.legend(loc="upper left", bbox_to_anchor=(0, -0.14), ncols=2, fontsize=8, frameon=False)


def _make_room(figure: Figure, *rows: Iterable[Axes]) -> None:
    """Make the figure as much higher as the legends below its rows of panels need."""
    entries = sum(max(len(axes.get_legend_handles_labels()[0]) for axes in row) for row in rows)
    figure.set_figheight(figure.get_figheight() + 0.1 * entries)


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
    """Write a PNG, whole or not at all. Characters that the font lacks are boxes."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(buffer, format="png")
    write_bytes(path, buffer.getvalue())
