"""The pictures in ``docs/embeddings.md``, drawn from the results that ``benchmarks.embeddings`` left.

python -m benchmarks.embedding_pictures benchmarks/results/embeddings --output docs
"""

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

UNTOUCHED_DEV, UNTOUCHED_TEST = 86.71, 82.04
"""STS-B Spearman of the untouched all-MiniLM-L6-v2."""
INK, COLOURS = "#22313f", ("#c0392b", "#d98e04", "#2471a3", "#1e8449", "#7d3c98", "#5d6d7e")
WEIGHTS = ("anchor 0.3", "anchor 1", "anchor 3", "anchor 10")
LONGER = ("anchor 0.1, hidden, then full, 6 epochs",)
FIRST_HEADS = ("anchor 0.1, hidden, then full", "anchor 0.2, hidden, then full")
OVER_EPOCHS = {
    "plain": "AG News + CoNLL, rate 2e-4",
    "joint, rate 5e-05": "AG News + CoNLL, rate 5e-5",
    "snips, rate 0.0002": "SNIPS, rate 2e-4",
    "snips, rate 5e-05": "SNIPS, rate 5e-5",
    "sst2, rate 0.0002": "SST-2, rate 2e-4",
    "sst2, rate 5e-05": "SST-2, rate 5e-5",
    "anchor 0.1, hidden, then full": "AG News + CoNLL, anchored, λ 0.1",
}
Results = Mapping[str, Sequence[Mapping[str, Any]]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    options = parser.parse_args()
    results: dict[str, list[Any]] = {}
    for file in sorted(options.results.glob("*-seed-*.json")):
        row = json.loads(file.read_text(encoding="utf-8"))
        results.setdefault(row["name"], []).append(row)
    plt.rcParams.update({"font.size": 10, "axes.edgecolor": INK, "text.color": INK, "axes.labelcolor": INK})
    over_epochs(results, options.output / "embeddings-epochs.png")
    over_weights(results, options.output / "embeddings-anchor.png")


def over_epochs(results: Results, path: Path) -> None:
    """STS-B development Spearman after each epoch: a line a run, with a band over its seeds."""
    figure, axes = plt.subplots(figsize=(8.4, 4.6), layout="constrained")
    colours = iter((*COLOURS, INK))
    for name, title in OVER_EPOCHS.items():
        runs = results.get(name, ())
        if not runs:
            continue
        curves = [[100 * each["embedding"]["spearman"] for each in run["epochs"]] for run in runs]
        if name.endswith("then full"):  # in its first epoch heads alone learn
            curves = [curve[1:] for curve in curves]
        colour = next(colours)
        means = [UNTOUCHED_DEV, *(sum(values) / len(values) for values in zip(*curves, strict=True))]
        low = [UNTOUCHED_DEV, *(min(values) for values in zip(*curves, strict=True))]
        high = [UNTOUCHED_DEV, *(max(values) for values in zip(*curves, strict=True))]
        steps = range(len(means))
        seeds = f"{len(runs)} seeds" if len(runs) > 1 else "1 seed"
        axes.plot(steps, means, color=colour, marker="o", label=f"{title} ({seeds})")
        axes.fill_between(steps, low, high, color=colour, alpha=0.18, linewidth=0)
    axes.axhline(UNTOUCHED_DEV, color=INK, linewidth=1, linestyle=":")
    axes.annotate("untouched, and any fork", (3, UNTOUCHED_DEV), xytext=(0, 4), textcoords="offset points", ha="right")
    axes.set(xlabel="epochs in which the encoder learns", ylabel="STS-B Spearman, development set", xticks=range(4))
    _finish(axes)
    axes.legend(frameon=False, fontsize=9, loc="lower left")
    figure.savefig(path, dpi=130)


def over_weights(results: Results, path: Path) -> None:
    """What the anchor's weight costs and keeps, on test data."""
    figure, panels = plt.subplots(1, 3, figsize=(9.6, 3.6), layout="constrained")
    shown = (
        ("STS-B Spearman", lambda run: run["embedding"]["spearman"]),
        ("CoNLL-2003 span F1", lambda run: run["test"]["entities.span_f1"]),
        ("AG News accuracy", lambda run: run["test"]["topic.accuracy"]),
    )
    for axes, (title, value) in zip(panels, shown, strict=True):
        for names, label, colour in (
            (WEIGHTS, "the recipe with an anchor", COLOURS[2]),
            (FIRST_HEADS, "heads first, hidden layer, 4 epochs", COLOURS[3]),
            (LONGER, "the same, 6 epochs", COLOURS[4]),
        ):
            found = {name: [100 * value(run) for run in results.get(name, ())] for name in names}
            found = {name: values for name, values in found.items() if values}
            weights = [float(name.split()[1].rstrip(",")) for name in found]
            means = [sum(values) / len(values) for values in found.values()]
            errors = [
                [mean - min(values) for mean, values in zip(means, found.values(), strict=True)],
                [max(values) - mean for mean, values in zip(means, found.values(), strict=True)],
            ]
            axes.errorbar(weights, means, yerr=errors, color=colour, marker="o", capsize=3, label=label)
        plain = [100 * value(run) for run in results["plain"]]
        if min(plain) > 80:
            _level(axes, plain, "plain")
        else:
            axes.set_title(f"plain: {min(plain):.1f} to {max(plain):.1f}", fontsize=9, loc="right", color=COLOURS[0])
            axes.axhline(UNTOUCHED_TEST, color=INK, linestyle=":", linewidth=1)
            axes.annotate("untouched", (10, UNTOUCHED_TEST), xytext=(0, -12), textcoords="offset points", ha="right")
        axes.set(xscale="log", xlabel="weight λ of the anchor", ylabel=f"{title}, test")
        axes.set_xticks([0.1, 0.3, 1, 3, 10], ["0.1", "0.3", "1", "3", "10"])
        axes.minorticks_off()
        _finish(axes)
    figure.legend(
        *panels[1].get_legend_handles_labels(), frameon=False, fontsize=9, ncols=3, loc="outside lower center"
    )
    figure.savefig(path, dpi=130)


def _level(axes: Axes, values: Iterable[float], name: str) -> None:
    found = list(values)
    axes.axhspan(min(found), max(found), color=COLOURS[0], alpha=0.18, linewidth=0)
    axes.axhline(sum(found) / len(found), color=COLOURS[0], linewidth=1)
    axes.annotate(name, (10, max(found)), xytext=(0, 3), textcoords="offset points", ha="right", color=COLOURS[0])


def _finish(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#d5d8dc", linewidth=0.6)
    axes.set_axisbelow(True)


if __name__ == "__main__":
    main()
