"""``polyhead train``."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from polyhead.cli.common import Device, Json, notes, out, print_json, train_command
from polyhead.printing import printable

if TYPE_CHECKING:
    from polyhead.evaluation.embeddings import EmbeddingReport
    from polyhead.recipe import Recipe
    from polyhead.training import TrainingResult
    from polyhead.training.result import Moved

_MANY = 0.02
"""The share of a frozen head's answers that may change before one is told what would have kept them."""


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(no_args_is_help=True, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(
        train
    )


def train(
    context: typer.Context,
    recipe: Annotated[
        Path | None, typer.Argument(help="The recipe's YAML file; a run's own repeats it.", show_default=False)
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="The run's folder; runs/NAME if left out, numbered if that is taken.")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(help="Go on with the unfinished run in this folder, from its last checkpoint.")
    ] = None,
    data_root: Annotated[
        Path | None, typer.Option(help="What the recipe's data paths are relative to; its own folder if left out.")
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="Go on from this saved model; its heads are kept, new tasks added.")
    ] = None,
    dry: Annotated[
        bool, typer.Option("--dry-run", help="Show what would learn, how fast and from when on; train nothing.")
    ] = False,
    cache_dir: Annotated[
        Path | None,
        typer.Option(
            help="Keep the output of frozen layers in this folder, for other runs; else it goes with the run."
        ),
    ] = None,
    device: Device = None,
    json: Json = False,
) -> None:
    """Train a model from a recipe, or go on with a run that was stopped.

    Any key of the recipe can be set here: [bold]--training.epochs=5 --model.pooling=cls[/]

    Ctrl-C finishes the step and saves it; [bold]--resume[/] goes on from there as if nothing had happened.
    """
    arguments = list(context.args)
    if recipe is not None and str(recipe).startswith("--"):
        arguments, recipe = [str(recipe), *arguments], None  # an override stood where the recipe would be
    overrides = parse_overrides(arguments)
    if recipe is None and resume is None:
        raise typer.BadParameter("give a recipe, or --resume RUN")
    if resume is not None and (output or start):
        raise typer.BadParameter("--resume goes on in the run's own folder and model; leave --output and --from out")
    from polyhead.recipe import load_recipe
    from polyhead.recipe.facts import changed_files, read_facts

    path = recipe or Path(resume or "") / "recipe.yaml"
    known = noted(path) if resume is None else read_facts(resume)
    loaded = load_recipe(path, overrides=overrides, data_root=data_root or known.get("data_root"))
    origin = start or known.get("from")
    if dry:
        from polyhead.cli.dry_run import dry_run

        given = {"from": start, "data-root": data_root, "output": output, "cache-dir": cache_dir, "device": device}
        again = train_command(path, {**overrides, **given})
        if resume is not None:
            again = f"polyhead train --resume {shlex.quote(str(resume))}"
        dry_run(loaded, again, start=origin, device=device, json=json)
        return
    if loaded.training.plan.name == "frozen" and resume is None:
        from polyhead.cli.frozen import frozen

        if cache_dir is not None:
            raise typer.BadParameter("--cache-dir: the plan frozen reads each text once and keeps nothing on the disk")
        frozen(loaded, output, start=origin, device=device, json=json)
        return
    folder = resume or output or free_folder(Path("runs"), path.resolve().parent.name if known else loaded.name)
    for line in changed_files(known, loaded.root) if resume is None else ():
        notes.print(f"! {printable(line)}", markup=False)
    notes.print(f"{'Going on with' if resume else 'Training'} {loaded.name} in {folder}", markup=False)
    _train(loaded, folder, start=origin, device=device, resume=resume is not None, cache=cache_dir, json=json)


def _train(
    recipe: "Recipe",
    folder: Path,
    *,
    start: str | None,
    device: str | None,
    resume: bool,
    cache: Path | None,
    json: bool,
) -> None:
    """Train while somebody watches, and show what came of it."""
    from dataclasses import replace

    from polyhead.cli.watch import watch
    from polyhead.recipe import train as run

    lines: list[str] = []
    oddities: dict[str, int] = {}
    with watch(quiet=json) as watcher:
        if json:
            watcher = replace(watcher, on_note=lines.append, on_data=lambda data: oddities.update(data.log.counts))
        result = run(recipe, folder, start=start, device=device, watcher=watcher, resume=resume, cache=cache)
    if json:
        _print_json(folder, result, lines, oddities)
    else:
        _print(folder, result, recipe)


def _print_json(folder: Path, result: "TrainingResult", lines: list[str], oddities: dict[str, int]) -> None:
    best = result.best
    summary = {"run": str(folder), "model": str(result.model), "best_epoch": best.epoch, "best_step": best.step}
    drift = {name: each.as_dict() for name, each in result.drift.items()}
    told: dict[str, Any] = {"warnings": lines, "oddities": oddities, "drift": drift}
    if result.mixtures:
        told["mixtures"] = [each.as_dict() for each in result.mixtures]
    print_json({**summary, "seconds": result.seconds, "validation": best.report.as_dict(), **told})


def _print(folder: Path, result: "TrainingResult", recipe: "Recipe") -> None:
    """What came of it, and what may be done next."""
    for name, moved in result.drift.items():
        out.print(of_frozen(name, moved), markup=False)
    embedding = result.best.embedding
    if embedding is not None and embedding.drift is not None:
        out.print(_of_embedding(embedding), markup=False)
    early = " (stopped early)" if result.stopped_early else ""
    splits = {split for each in recipe.data.values() for split in (*each.sources, *each.shares)}
    split = "test" if "test" in splits else "validation" if "validation" in splits else "train"
    best = result.best
    mixture = next((f", {each.share:g} of the way there" for each in result.mixtures if each.kept), "")
    kept = f"kept step {best.step:,} (epoch {best.epoch}{mixture}) in {result.model}"
    named = shlex.quote(str(folder))
    ending = (
        f"\nDone in {result.seconds:,.0f} s{early}; {kept}",
        f"Report: {folder / 'report.html'}",
        f"Next:   polyhead evaluate {named} {shlex.quote(str(folder / 'recipe.yaml'))} --split {split}",
        f'        polyhead predict {named} "a sentence of yours"',
    )
    for line in ending:
        out.print(line, markup=False)


def of_frozen(name: str, moved: "Moved") -> str:
    """What became of a frozen head's answers, and what would have kept them."""
    said = f"{name} was frozen; through the encoder {moved.changed:.1%} of its answers are others"
    keep = "; to keep them, freeze the backbone, too, or train with --embedding.mode=anchor or fork"
    return f"{said} (mean distance {moved.distance:.3f}){keep if moved.changed > _MANY else ''}"


def _of_embedding(report: "EmbeddingReport") -> str:
    assert report.drift is not None
    line = f"Embedding: {report.drift.neighbours:.0%} of texts' nearest neighbours are as they were"
    if report.spearman is not None and report.spearman_before is not None:
        line += f", Spearman on pairs {100 * report.spearman_before:.2f} → {100 * report.spearman:.2f}"
    return line


def parse_overrides(arguments: list[str]) -> dict[str, str]:
    """``--a.b=c`` and ``--a.b c`` as a mapping.

    Raises:
        typer.BadParameter: something else stands on the command line (exit status 2).
    """
    overrides: dict[str, str] = {}
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument.removeprefix("--").partition("=")
        if not argument.startswith("--") or "." not in name:
            raise typer.BadParameter(
                f"no such option or argument: {argument}; a recipe's keys are set by --section.key=value"
            )
        if not equals:
            value = next(rest, "")
            if not value:
                raise typer.BadParameter(f"{argument} needs a value: {argument}=VALUE")
        overrides[name] = value
    return overrides


def free_folder(parent: Path, name: str) -> Path:
    """``parent/name``, numbered if it is taken."""
    from polyhead.recipe.run import taken

    folder, number = parent / name, 1
    while taken(folder):
        number += 1
        folder = parent / f"{name}-{number}"
    return folder


def noted(recipe: Path) -> dict[str, Any]:
    """What was noted beside a run's own recipe when the run was made; nothing for any other recipe."""
    from polyhead.folder.files import read_json

    facts = recipe.parent / "run.json"
    return read_json(facts) if recipe.name == "recipe.yaml" and facts.is_file() else {}
