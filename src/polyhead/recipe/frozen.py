"""The plan ``frozen``: nothing learns; what classifiers beside the encoder and its saved heads make of it as it is."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from polyhead.api import Polyhead
from polyhead.data.example import Example, labelled_tasks
from polyhead.evaluation import Report
from polyhead.modeling.components import components
from polyhead.recipe.announce import fallback_notes
from polyhead.recipe.check import quick_findings
from polyhead.recipe.data import Data
from polyhead.recipe.examples import split_examples
from polyhead.recipe.run import Watcher
from polyhead.recipe.schema import Recipe
from polyhead.recipe.start import begin
from polyhead.training.plans import stages
from polyhead.training.selection import check_score, score_of

SAVED = "the saved heads"


@dataclass(frozen=True, slots=True)
class FrozenResult:
    """One way to use the frozen encoder: its reports by split (validation; test where there is one).

    ``score`` is what ``training.score`` says of validation data; NaN where it cannot be had.
    """

    name: str
    reports: Mapping[str, Report]
    score: float


@dataclass(frozen=True, slots=True)
class FrozenEvaluation:
    """The model as it is, the recipe and data that were read, and what came of each classifier."""

    model: Polyhead
    recipe: Recipe
    data: Data
    results: Sequence[FrozenResult]


def evaluate_frozen(
    recipe: Recipe,
    *,
    start: str | Path | None = None,
    device: str | None = None,
    watcher: Watcher | None = None,
) -> FrozenEvaluation:
    """Fit logistic regression and nearest neighbours on embeddings of the training rows, each text encoded once.

    ``start`` is a saved model, whose trained heads are evaluated, too; else the recipe's backbone is used. Settings of
    the classifiers are chosen on validation data. Pairs and similarity tasks are answered by the embedding itself.

    Raises:
        UserError: the recipe's data or backbone does not work out, each fault with its place.
    """
    watcher = watcher or Watcher()
    recipe, data, pretrained = begin(recipe, start)
    check_score(recipe.training.score, pretrained.tasks)
    stages(recipe.training.plan, components(pretrained.model))  # which refuses names that there are not
    watcher.on_data(data)
    for line in (*fallback_notes(recipe), *quick_findings(data, pretrained.tokenizer)):
        watcher.on_note(line)
    saved = {name for name, head in pretrained.heads.items() if head.trained}
    model = Polyhead(pretrained, device=device)
    splits = {
        part: list(chain.from_iterable(each.split(part) for each in data.sets)) for part in ("train", "validation")
    }
    if any("test" in {*each.sources, *each.shares} for each in recipe.data.values()):
        tests, log = split_examples(recipe, "test", model.tasks, where=recipe.name, count_unseen=True)
        splits["test"] = list(chain.from_iterable(tests))
        for line in (*log.lines(), *(f"counted as wrong: {fault}" for fault in log.faults())):
            watcher.on_note(f"! {line}")
    parts = [part for part in ("validation", "test") if labelled_tasks(splits.get(part, ()))]
    from polyhead.recipe.external import Frozen  # scikit-learn would make every verb start later

    done, total = 0, sum(map(len, splits.values()))

    def told(count: int) -> None:
        nonlocal done
        done += count
        watcher.on_cached(done, total)

    found = Frozen(model, splits, told).reports(*parts)
    if saved:
        found[SAVED] = {part: model.evaluate(_of(splits[part], saved)) for part in parts}
    results = [FrozenResult(name, reports, _score(recipe, model, reports)) for name, reports in found.items()]
    return FrozenEvaluation(model, recipe, data, results)


def _of(rows: Sequence[Example], names: set[str]) -> list[Example]:
    """The rows with labels of these tasks, and those alone."""
    own = [replace(row, labels={name: row.labels[name] for name in row.labels.keys() & names}) for row in rows]
    return [row for row in own if row.labels]


def _score(recipe: Recipe, model: Polyhead, reports: Mapping[str, Report]) -> float:
    """Not a number where it would not be of all the recipe's tasks."""
    validation = reports.get("validation")
    if validation is None or not recipe.tasks.keys() <= validation.tasks.keys():
        return math.nan
    return score_of(recipe.training.score, model.tasks, validation, math.nan)
