"""``polyhead check``."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from polyhead.cli.common import Device, Json, notes, out, print_json
from polyhead.errors import UserError
from polyhead.printing import duration, printable, size

if TYPE_CHECKING:
    from polyhead.recipe.check import Checked
    from polyhead.recipe.data import Data
    from polyhead.training.estimate import Estimate


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(no_args_is_help=True, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(
        check
    )


def check(
    context: typer.Context,
    recipe: Annotated[Path, typer.Argument(help="The recipe's YAML file.", show_default=False)],
    output: Annotated[Path | None, typer.Option(help="Folder for the histograms; checks/NAME if left out.")] = None,
    data_root: Annotated[Path | None, typer.Option(help="What the recipe's data paths are relative to.")] = None,
    start: Annotated[str | None, typer.Option("--from", help="The saved model that training will go on from.")] = None,
    device: Device = None,
    json: Json = False,
) -> None:
    """Look at a recipe and its data before training: labels, lengths, leaks between splits, time and memory.

    Exit status 1 if there is a fault; what is only odd is a warning.
    """
    from polyhead.cli.train import parse_overrides

    overrides = parse_overrides(context.args)
    from polyhead.cli.train import noted
    from polyhead.evaluation.histograms import draw_labels, draw_lengths
    from polyhead.inference.progress import progress
    from polyhead.recipe import load_recipe
    from polyhead.recipe.announce import fallback_notes
    from polyhead.recipe.check import check as look
    from polyhead.recipe.schema import SPLITS
    from polyhead.recipe.start import begin
    from polyhead.training import check_settings
    from polyhead.training.estimate import estimate

    facts = noted(recipe)
    loaded = load_recipe(recipe, overrides=overrides, data_root=data_root or facts.get("data_root"))
    loaded, data, pretrained = begin(loaded, start or facts.get("from"), splits=SPLITS, strict=False)
    for line in fallback_notes(loaded):
        notes.print(printable(line), markup=False)
    faults = data.log.faults()
    try:
        subject = check_settings(pretrained, data.sets, loaded.training, device, data.keeping)
    except UserError as error:
        faults += error.faults
    taken = None
    if not faults and loaded.training.plan.name != "frozen":
        notes.print("trying a few steps …")
        taken = estimate(subject.view, data.sets, loaded.training, device=device)
    with progress("looking at the texts", 2 * sum(each.rows for each in data.surveys.values()), shown=not json) as told:
        found = look(data, pretrained.tokenizer, advance=told)
    folder = output or Path("checks") / loaded.name
    draw_lengths({name: each.tokens for name, each in found.lengths.items()}, pretrained.tokenizer.max_length,
                 folder / "lengths.png")  # fmt: skip
    if found.labels:
        draw_labels(found.labels, folder / "labels.png")
    if json:
        print_json(_summary(data, found, faults, taken, folder))
    else:
        _show(data, found, taken, folder)
    if faults:
        raise UserError(*faults)
    if not json:
        out.print(
            f"No faults, {len(found.warnings)} warnings. Next: polyhead train {shlex.quote(str(recipe))}", markup=False
        )


def _show(data: "Data", found: "Checked", taken: "Estimate | None", folder: Path) -> None:
    out.print(_rows_table(data))
    for name, labels in found.labels.items():
        out.print(_labels_table(name, labels))
    out.print(_lengths_table(found))
    out.print(f"Histograms: {', '.join(_histograms(found, folder))}", markup=False)
    if taken is not None:
        out.print(
            f"Training: {taken.steps:,} steps of {taken.seconds_per_step:.2f} s, about {duration(taken.seconds)} with"
            f" its evaluations; up to {size(taken.memory)} of memory"
        )
    for line in found.warnings:
        out.print(f"! {printable(line, 600)}", markup=False)


def _histograms(found: "Checked", folder: Path) -> list[str]:
    """The pictures that were drawn."""
    return [str(folder / "lengths.png"), *([str(folder / "labels.png")] if found.labels else [])]


def _rows_table(data: "Data") -> Table:
    table = Table(title="Rows", title_justify="left")
    table.add_column("data set", overflow="fold")
    table.add_column("rows", justify="right")
    for name in data.tasks:
        table.add_column(f"with {name}", justify="right")
    for (name, split), each in data.surveys.items():
        table.add_row(f"{name}.{split}", f"{each.rows:,}", *(f"{each.labelled[task]:,}" for task in data.tasks))
    return table


def _labels_table(task: str, labels: "dict[str, dict[str, int]] | Any") -> Table:
    splits = list(next(iter(labels.values())))
    totals = {split: max(1, sum(counts[split] for counts in labels.values())) for split in splits}
    table = Table(title=f"{task}: labels", title_justify="left")
    table.add_column("label", overflow="fold")
    for split in splits:
        table.add_column(split, justify="right")
        table.add_column("%", justify="right")
    for label, counts in labels.items():
        cells = [
            cell for split in splits for cell in (f"{counts[split]:,}", f"{100 * counts[split] / totals[split]:.1f}")
        ]
        table.add_row(Text(printable(label, 60)), *cells)
    return table


def _lengths_table(found: "Checked") -> Table:
    from polyhead.data.lengths import PERCENTILES

    table = Table(title="Tokens a text", title_justify="left")
    table.add_column("data set", overflow="fold")
    for name in (
        *(f"{each} %" if each < 100 else "longest" for each in PERCENTILES),
        "limit",
        "cut\ntexts",
        "cut\ntokens",
    ):
        table.add_column(name, justify="right")
    for name, each in found.lengths.items():
        row = each.as_dict()
        cells = [f"{value:,}" for value in (*row["percentiles"].values(), each.limit, each.cut_texts)]
        table.add_row(name, *cells, f"{each.cut_share:.2%}")
    return table


def _summary(
    data: "Data", found: "Checked", faults: list[str], taken: "Estimate | None", folder: Path
) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "faults": faults,
        "warnings": list(found.warnings),
        "rows": {f"{name}.{split}": each.rows for (name, split), each in data.surveys.items()},
        "labels": found.labels,
        "lengths": {name: each.as_dict() for name, each in found.lengths.items()},
        "leaks": [asdict(leak) for leak in found.leaks],
        "oddities": dict(data.log.counts),
        "estimate": None if taken is None else asdict(taken),
        "histograms": _histograms(found, folder),
    }
