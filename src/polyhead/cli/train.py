"""``polyhead train``."""

from pathlib import Path
from typing import Annotated

import typer

from polyhead.cli.common import Device, Json, notes, out, print_json
from polyhead.errors import UserError


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(no_args_is_help=True, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(
        train
    )


def train(
    context: typer.Context,
    recipe: Annotated[Path, typer.Argument(help="The recipe's YAML file.", show_default=False)],
    output: Annotated[
        Path | None, typer.Option(help="The run's folder; runs/NAME if left out, numbered if that is taken.")
    ] = None,
    data_root: Annotated[
        Path | None, typer.Option(help="What the recipe's data paths are relative to; its own folder if left out.")
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="Go on from this saved model; its heads are kept, new tasks added.")
    ] = None,
    device: Device = None,
    json: Json = False,
) -> None:
    """Train a model from a recipe.

    Any key of the recipe can be set here: [bold]--training.epochs=5 --model.pooling=cls[/]
    """
    overrides = parse_overrides(context.args)
    from polyhead.cli.watch import watch
    from polyhead.recipe import load_recipe
    from polyhead.recipe import train as run

    loaded = load_recipe(recipe, overrides=overrides, data_root=data_root or noted_root(recipe))
    folder = output or free_folder(Path("runs"), loaded.name)
    notes.print(f"Training {loaded.name} into {folder}", markup=False)
    with watch(quiet=json) as watcher:
        try:
            result = run(loaded, folder, start=start, device=device, watcher=watcher)
        except KeyboardInterrupt:
            done = (folder / "model").is_dir()
            kept = f"the best model so far is in {folder / 'model'}" if done else "no epoch was done"
            raise UserError(f"interrupted; {kept}") from None
    best = result.epochs[result.best_epoch - 1]
    if json:
        summary = {"run": str(folder), "model": str(result.model), "best_epoch": result.best_epoch}
        print_json({**summary, "seconds": result.seconds, "validation": best.report.as_dict()})
        return
    early = " (stopped early)" if result.stopped_early else ""
    splits = {split for each in loaded.data.values() for split in (*each.sources, *each.shares)}
    split = "test" if "test" in splits else "validation" if "validation" in splits else "train"
    lines = (
        f"\nDone in {result.seconds:,.0f} s{early}; kept epoch {result.best_epoch} in {result.model}",
        f"Curves: {folder / 'curves.png'}",
        f"Next:   polyhead evaluate {folder} {folder / 'recipe.yaml'} --split {split}",
        f'        polyhead predict {folder} "a sentence of yours"',
    )
    for line in lines:
        out.print(line, markup=False)


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


def noted_root(recipe: Path) -> Path | None:
    """Where the data of a run's own recipe lies: noted beside it when the run was made."""
    from polyhead.folder.files import read_json

    facts = recipe.parent / "run.json"
    root = read_json(facts).get("data_root") if recipe.name == "recipe.yaml" and facts.is_file() else None
    return Path(root) if isinstance(root, str) else None
