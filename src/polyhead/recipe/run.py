"""One training from a recipe: read, build, train, and leave a folder from which it can be repeated and gone on with."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from polyhead.errors import UserError, shown
from polyhead.folder.files import write_json, write_text
from polyhead.folder.lock import alone
from polyhead.pretrained import Pretrained
from polyhead.recipe.announce import disk_note, fallback_notes, plan_notes, unmeasured_notes
from polyhead.recipe.check import quick_findings
from polyhead.recipe.data import Data
from polyhead.recipe.facts import FACTS, facts_of
from polyhead.recipe.report import write_report
from polyhead.recipe.resume import RESULT, check_best, compare, last_checkpoint, unfinished, way_on
from polyhead.recipe.schema import Recipe
from polyhead.recipe.signals import stop_signals
from polyhead.recipe.start import begin
from polyhead.recipe.trackers import check_trackers, trackers
from polyhead.training import Callbacks, Diverged, Interrupted, TrainingResult, check_settings
from polyhead.training import train as run_loop
from polyhead.training.activations.room import check_place
from polyhead.training.checkpoint import Checkpoint
from polyhead.training.embedding.mixtures import forget_weights
from polyhead.training.history import METRICS_FILE
from polyhead.training.prepare import check_learns

RECIPE = "recipe.yaml"


@dataclass(frozen=True, slots=True)
class Watcher(Callbacks):
    """Who is told how a run goes: besides the loop's callbacks, what was read."""

    on_data: Callable[[Data], None] = lambda data: None


def train(
    recipe: Recipe,
    output: str | Path,
    *,
    start: str | Path | None = None,
    device: str | None = None,
    watcher: Watcher | None = None,
    resume: bool = False,
    cache: str | Path | None = None,
    report: bool = True,
) -> TrainingResult:
    """Train what ``recipe`` says into the folder ``output``, which must be new or empty, or an unfinished run's.

    ``start`` is a saved model to go on from: its heads are kept, the recipe's tasks are added to them. ``resume`` goes
    on with the run in ``output`` from its last checkpoint, with the same result as if it had never stopped. ``cache``
    is a folder in which the output of frozen layers is kept for other runs, too; ``report`` whether report.html is
    written.

    Raises:
        UserError: the recipe's data, backbone or plan does not work out, each fault with its place; or the run is
            finished, or is not this recipe's any more; or another process is at work in ``output``; or ``cache`` is a
            file.
        Interrupted: SIGINT or SIGTERM came; what was done is saved.
    """
    watcher, folder, kept = watcher or Watcher(), Path(output), None if cache is None else Path(cache)
    check_place(kept)
    with ExitStack() as held:
        if resume and folder.is_dir():
            held.enter_context(alone(folder))
        known = unfinished(folder) if resume else None
        if known is None:
            _check_new(folder)
        begun = _begin(recipe, folder, known, start=start, device=device, watcher=watcher)
        if known is None:
            held.enter_context(alone(folder))
            _check_new(folder)  # another may have come and gone meanwhile
            write_json(folder / FACTS, begun.facts)
            write_text(folder / RECIPE, yaml.safe_dump(dict(begun.recipe.raw), sort_keys=False, allow_unicode=True))
        with _saying_the_way_on(folder):
            result = _run(begun, folder, device, watcher, kept)
            write_json(folder / RESULT, _summary(result))
            forget_weights(folder)
        if report:
            _report(begun, result, folder, device, watcher)
        return result


@dataclass(frozen=True, slots=True)
class _Begun:
    """What a training needs, read and checked; ``checkpoint`` is where it goes on from, if it does."""

    recipe: Recipe
    data: Data
    pretrained: Pretrained
    facts: dict[str, Any]
    checkpoint: Checkpoint | None


def _begin(
    recipe: Recipe,
    folder: Path,
    known: dict[str, Any] | None,
    *,
    start: str | Path | None,
    device: str | None,
    watcher: Watcher,
) -> _Begun:
    """Read and check all of it, and tell the watcher; ``known`` are the facts of the run that is gone on with."""
    start = start if known is None else known["from"]
    check_learns(recipe.training)
    check_trackers(recipe.training.report_to)
    recipe, data, pretrained = begin(recipe, start)
    facts = facts_of(recipe, data, pretrained, start=start, device=device)
    subject = check_settings(pretrained, data.sets, recipe.training, device, data.keeping)
    checkpoint = None
    if known is not None:
        compare(known, facts, folder, watcher.on_note)
        checkpoint = last_checkpoint(folder, watcher.on_note)
        check_best(folder, checkpoint)
    watcher.on_data(data)
    for line in (
        *fallback_notes(recipe),
        *quick_findings(data, pretrained.tokenizer),
        *plan_notes(subject, recipe.training),
        *unmeasured_notes(data),
        disk_note(subject, recipe.training, folder),
    ):
        watcher.on_note(line)
    return _Begun(recipe, data, pretrained, facts, checkpoint)


@contextmanager
def _saying_the_way_on(folder: Path) -> Iterator[None]:
    """What ends a training says how to go on with it; its curves are drawn as far as they came."""
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted("interrupted at once", way_on(folder)) from None
    except Interrupted as error:
        raise Interrupted(*error.faults, way_on(folder)) from None
    except Diverged as error:
        raise Diverged(*error.faults, f"change the recipe and train anew; what was done is in {folder}") from None
    except UserError as error:
        raise UserError(*error.faults, way_on(folder)) from None
    finally:
        if (folder / METRICS_FILE).is_file():
            from polyhead.evaluation.pictures import draw_curves  # matplotlib would make every verb start later

            draw_curves(read_history(folder), folder / "curves.png")


def _check_new(folder: Path) -> None:
    if taken(folder):
        raise UserError(f"{folder}: a run needs a new or empty folder; choose another --output, or --resume {folder}")


def _report(begun: _Begun, result: TrainingResult, folder: Path, device: str | None, watcher: Watcher) -> None:
    """The training is done, whatever becomes of its report."""
    try:
        history = read_history(folder)
        write_report(begun.recipe, begun.data, result, begun.facts, history, folder, device=device)
    except (UserError, RuntimeError, MemoryError) as error:
        watcher.on_note(f"! there is no report.html: {error}")


def _run(begun: _Begun, folder: Path, device: str | None, watcher: Watcher, cache: Path | None) -> TrainingResult:
    settings, project = begun.recipe.training, begun.recipe.name
    step = 0 if begun.checkpoint is None else begun.checkpoint.state["step"]
    with (
        trackers(settings.report_to, project=project, folder=folder, settings=settings.model_dump(), step=step) as log,
        stop_signals() as stopped,
    ):
        callbacks = replace(
            watcher,
            on_log=_both(watcher.on_log, log),
            should_stop=lambda: stopped() or watcher.should_stop(),
        )
        return run_loop(
            begun.pretrained,
            begun.data.sets,
            settings,
            folder=folder,
            device=device,
            callbacks=callbacks,
            checkpoint=begun.checkpoint,
            cache=cache,
            keeping=begun.data.keeping,
        )


def _both(one: Callable[[Any], None], other: Callable[[Any], None]) -> Callable[[Any], None]:
    def told(row: Any) -> None:
        one(row)
        other(row)

    return told


def taken(folder: Path) -> bool:
    """Whether something is there already."""
    return (folder.is_dir() and any(folder.iterdir())) or folder.is_file()


def read_history(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run's ``metrics.jsonl``.

    Raises:
        UserError: it cannot be read, or a line of it is no JSON object.
    """
    path, rows = folder / METRICS_FILE, []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read ({type(error).__name__})") from None
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            row = None
        if not isinstance(row, dict):
            raise UserError(f"{path}:{number}: must be a JSON object, found {shown(line)}; was the run killed?")
        rows.append(row)
    return rows


def _summary(result: TrainingResult) -> dict[str, Any]:
    best = result.best.as_dict()
    return {
        "best_epoch": best["epoch"],
        "best_step": best["step"],
        "evaluations": len(result.evaluations),
        "stopped_early": result.stopped_early,
        "stages": {"begun": result.stages, "of": result.planned},
        "skipped_steps": result.evaluations[-1].skipped,
        "seconds": round(result.seconds, 1),
        "embedding": best["embedding"],
        "embedding_held": result.held,
        **({"mixtures": [each.as_dict() for each in result.mixtures]} if result.mixtures else {}),
        **({"drift": {name: each.as_dict() for name, each in result.drift.items()}} if result.drift else {}),
        "validation": best["report"],
        "validation_losses": best["losses"],
    }
