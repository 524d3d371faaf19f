"""A run's ``report.html``: one page that needs no network, of what was trained, on what, and what came of it."""

from collections.abc import Mapping, Sequence
from html import escape
from itertools import chain, islice
from math import isfinite
from pathlib import Path
from typing import Any

import yaml

from polyhead.api import Polyhead
from polyhead.evaluation import Report
from polyhead.evaluation.bootstrap import RESAMPLES
from polyhead.evaluation.markup import card, embedding_card, metrics_card, table, task_cards, tiles
from polyhead.folder.files import write_text
from polyhead.page import offline
from polyhead.printing import duration
from polyhead.recipe.announce import fallback_of
from polyhead.recipe.data import Data
from polyhead.recipe.schema import Recipe
from polyhead.training import TrainingResult

REPORT = "report.html"
_MOST = 20_000
_LABELS = 40
_AS_THEY_ARE = ("spearman", "pearson", "matthews", "mae")
"""Metrics that are no shares: they are not shown in per cent."""


def write_report(
    recipe: Recipe,
    data: Data,
    result: TrainingResult,
    facts: Mapping[str, Any],
    history: Sequence[Mapping[str, Any]],
    folder: Path,
    *,
    device: str | None = None,
) -> None:
    """Evaluate the best model on the validation data once more, with intervals and errors, and write the page.

    Of more than 20,000 validation rows the first are looked at, and the page says so.

    Raises:
        UserError: the page cannot be written.
    """
    model = Polyhead.from_pretrained(result.model, device=device)
    mistakes: list[dict[str, Any]] = []
    validation = chain.from_iterable(each.validation for each in data.sets)
    report = model.evaluate(islice(validation, _MOST), resamples=RESAMPLES, on_mistake=mistakes.append)
    rows = sum(len(each.validation) for each in data.sets)
    on = f"the first {_MOST:,} of {rows:,} validation rows" if rows > _MOST else f"{rows:,} validation rows"
    validated = bool(report.tasks)
    written = escape(yaml.safe_dump(dict(recipe.raw), sort_keys=False, allow_unicode=True))
    body = "".join(
        (
            _tiles(result, facts, report),
            _instead(facts),
            _curves(result, validated=validated),
            metrics_card(report, f"{on}; choices were made on them, so test data is the judge") if validated else "",
            task_cards(report, mistakes),
            "" if result.best.embedding is None else embedding_card(result.best.embedding),
            '<div class="grid2">',
            card("Data", _data(data), cut_texts(history, model.max_length)),
            card("Machine and versions", _facts(facts)),
            "</div>",
            card("Recipe", f'<pre class="recipe" tabindex="0">{written}</pre>'),
        )
    )
    write_text(
        folder / REPORT, offline(f"{recipe.name}: report", "report.js", {"history": _epochs(history, result)}, body)
    )


def _epochs(history: Sequence[Mapping[str, Any]], result: TrainingResult) -> list[dict[str, Any]]:
    """The evaluations' lines of ``metrics.jsonl``, each with the mean training losses since the one before."""
    train = {each.step: each.train_losses for each in result.evaluations}
    return [
        {**row, **{f"train_{name}_loss": loss for name, loss in train.get(row["step"], {}).items() if isfinite(loss)}}
        for row in history
        if "eval_loss" in row
    ]


def _curves(result: TrainingResult, *, validated: bool) -> str:
    """The places of the curves that there is something to draw of."""
    measured = result.best.embedding is not None and result.best.embedding.spearman is not None
    metrics = card(
        "Metrics over the epochs", '<div id="metrics-curve"></div>', note="validation data" if validated else ""
    )
    losses = card(
        "Losses over the epochs",
        '<div id="loss-curve"></div>',
        note="validation data; thin lines: training data" if validated else "training data",
    )
    return f'<div class="grid2">{metrics if validated or measured else ""}{losses}</div>'


def _instead(facts: Mapping[str, Any]) -> str:
    """That these are figures of another backbone than the recipe's, if they are."""
    said = fallback_of(facts)
    return "" if said is None else f'<p class="note">{escape(said)}</p>'


def _tiles(result: TrainingResult, facts: Mapping[str, Any], report: Report) -> str:
    best = result.best
    first = [(name, *next(iter(task.metrics.items()))) for name, task in report.tasks.items()]
    figures = [
        *((_figure(metric, value), f"{name} {metric}") for name, metric, value in first[:4]),
        (str(best.epoch), "epoch that was kept"),
        (duration(result.seconds), "training"),
        (str(facts["backbone"]).rsplit("/", 1)[-1], "backbone"),
    ]
    kept = "the last epoch is kept" if best.step == result.evaluations[-1].step else f"epoch {best.epoch} is kept"
    return card("In short", tiles(figures), note="" if report.tasks else f"no validation data; {kept}")


def _figure(metric: str, value: float) -> str:
    return f"{value:.3f}" if metric in _AS_THEY_ARE else f"{100 * value:.1f}"


def cut_texts(history: Sequence[Mapping[str, Any]], limit: int) -> str:
    """How many training texts were cut, of an epoch: the next one reads them again."""
    counts = [row["cut_texts"] for row in history if "cut_texts" in row and row["epoch"] == 1]
    if not counts:
        return ""
    count = sum(counts)
    many = f"{count:,} training texts were" if count > 1 else f"{'One' if count else 'No'} training text was"
    rest = ", of which no more than that was read" if count else ""
    return f'<p class="quiet">{many} longer than the limit of {limit:,} tokens{rest} (in the first epoch).</p>'


def _data(data: Data) -> str:
    counts = [(f"{name}, {split}", f"{found.rows:,}") for (name, split), found in data.surveys.items()]
    labels: list[tuple[str, str, str, str]] = []
    for task in data.tasks:
        splits = [
            [found.labels[task] for (_, own), found in data.surveys.items() if own == split and task in found.labels]
            for split in ("train", "validation")
        ]
        names = dict.fromkeys(label for counted in chain.from_iterable(splits) for label in counted)
        for place, name in enumerate(islice(names, _LABELS)):
            cells = [f"{sum(counted[name] for counted in split):,}" for split in splits]
            labels.append((task if place == 0 else "", name, cells[0], cells[1]))
        if len(names) > _LABELS:
            labels.append(("", f"and {len(names) - _LABELS:,} more", "", ""))
    odd = [(name, f"{count:,}") for name, count in data.log.counts.items()]
    return (
        table(("data set", "rows"), counts, numbers=(1,))
        + table(("task", "label", "train", "validation"), labels, numbers=(2, 3))
        + (table(("oddity", "times"), odd, numbers=(1,)) if odd else "")
    )


def _facts(facts: Mapping[str, Any]) -> str:
    rows = [(key, str(value)) for part in ("machine", "versions") for key, value in facts[part].items()]
    return table(("", ""), [("backbone", str(facts["backbone"])), ("seed", str(facts["seed"])), *rows])
