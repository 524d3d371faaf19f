"""The training loop, written out.

A step draws batches from the data sets, runs the encoder once on each, and sums the weighted losses of every task that
has labels there. At each epoch's end, and in between if so set, the model is evaluated, the best one kept, and a
checkpoint written from which the run goes on bit for bit.
"""

import time
from collections.abc import Sequence
from math import isfinite
from pathlib import Path

from polyhead.data.example import DataSet
from polyhead.errors import UserError
from polyhead.pretrained import Pretrained
from polyhead.pretrained.hardware import resolve_device
from polyhead.training.activations.room import check_place
from polyhead.training.checkpoint import Checkpoint
from polyhead.training.drift import Drift
from polyhead.training.embedding import Keeping
from polyhead.training.embedding.mixtures import START
from polyhead.training.keep import MODEL, calibrate, restore_best
from polyhead.training.mixing import interpolate
from polyhead.training.plans.overview import unbegun
from polyhead.training.prepare import check_learns, check_settings, prepare
from polyhead.training.result import Callbacks, EvaluationReport, Mixture, TrainingResult
from polyhead.training.run import Run
from polyhead.training.settings import TrainingSettings


class Interrupted(UserError):
    """The run was asked to stop, and did so after a checkpoint."""


def train(
    pretrained: Pretrained,
    data: Sequence[DataSet],
    settings: TrainingSettings,
    *,
    folder: Path,
    device: str | None = None,
    callbacks: Callbacks | None = None,
    checkpoint: Checkpoint | None = None,
    cache: Path | None = None,
    keeping: Keeping | None = None,
) -> TrainingResult:
    """Train every head that has data; the best model is kept in ``folder``/model, and ``pretrained`` is it in the end.

    ``checkpoint`` is one of the same run, to go on from. ``cache`` is a folder for what frozen layers give, which other
    runs may share; without one it is kept beside the run while that lasts. ``keeping`` says what is done for the
    embedding.

    Raises:
        UserError: what ``check_settings`` finds, ``cache`` is a file, or the folder cannot be written.
        Diverged: losses are not finite several times in a row.
        Interrupted: ``callbacks.should_stop`` said so; a checkpoint was written.
    """
    check_learns(settings)
    check_place(cache)
    keeping = keeping or Keeping()
    subject = check_settings(pretrained, data, settings, device, keeping)
    pretrained.model.to(resolve_device(device))
    pretrained = subject.view
    prepared = prepare(pretrained, data, settings, device, keeping)
    started = time.perf_counter()
    drift = Drift(prepared, data, prepared.frozen)
    run = Run(subject, prepared, data, settings, folder, callbacks or Callbacks(), checkpoint, cache, keeping)
    while run.step < run.steps and not run.selection.exhausted:
        for draws in prepared.sampler.steps(run.epoch, start=run.step % len(prepared.sampler)):
            run.advance(draws)
            ends = run.step % len(prepared.sampler) == 0
            if ends or _due(run.step, settings.eval_steps):
                run.evaluate()
            if ends:
                run.end_epoch()
            stop = run.callbacks.should_stop()
            if ends or stop or (_due(run.step, settings.save_steps) and not run.in_a_row):
                run.save()
            if stop and run.step < run.steps:
                raise Interrupted(f"interrupted after step {run.step} of {run.steps}")
            if run.selection.exhausted:
                break
    restore_best(subject, folder / MODEL)
    best = [each for each in run.evaluations if each.best][-1]
    tried: list[Mixture] = []
    if keeping.settings.interpolate and (folder / START).is_dir():
        best, tried = interpolate(run, best)
        run.callbacks.on_note(next(f"embedding.interpolate: {each.said()}" for each in tried if each.kept))
    elif keeping.settings.interpolate:
        run.callbacks.on_note(
            "! embedding.interpolate: the run ended before its encoder began to learn; nothing to mix"
        )
    if not best.held:
        run.callbacks.on_note(_not_held(best, keeping.settings.max_drop))
    calibrate(subject, prepared, run.feed.sources, folder / MODEL)
    run.clear()
    early = run.step < run.steps
    seconds = time.perf_counter() - started
    begun, planned = run.staging.number + 1, len(prepared.stages)
    if (line := unbegun(begun, planned)) is not None:
        run.callbacks.on_note(line)
    moved = drift.moved()
    return TrainingResult(folder / MODEL, best, run.evaluations, early, seconds, moved, begun, planned, tried)


def _due(step: int, every: int | None) -> bool:
    return every is not None and step % every == 0


def _not_held(best: EvaluationReport, allowed: float | None) -> str:
    assert best.embedding is not None
    if best.embedding.drop is None or not isfinite(best.embedding.drop):
        return "! embedding.max_drop: no correlation can be computed on the pairs, so that nothing says what was lost"
    return (
        f"! embedding.max_drop: no evaluation held the embedding within {allowed:g}; kept is the one that lost least,"
        f" {best.embedding.drop:.4f}; anchor it, or learn on a fork"
    )
