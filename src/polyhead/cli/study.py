"""``polyhead study``."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from polyhead.cli.common import Device, Json, notes, out, print_json, train_command
from polyhead.printing import duration, printable

if TYPE_CHECKING:
    from polyhead.study import Job, Summary

PLANS = "frozen,probe,top:2,thaw,probe-then-full,full,lora"


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(no_args_is_help=True)(study)


def study(
    recipe: Annotated[Path, typer.Argument(help="The recipe's YAML file.", show_default=False)],
    plans: Annotated[str, typer.Option(help="What is compared, with commas between; as under training.plan.")] = PLANS,
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds; the recipe's, and those after it.")] = 3,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="KEY=VALUE,VALUE…: settings that are tried; each plan's best counts."),
    ] = None,
    single_task: Annotated[bool, typer.Option("--single-task", help="Train each task alone, too.")] = False,
    rows: Annotated[int | None, typer.Option(min=1, help="The most rows of each data set to train on.")] = None,
    pairs: Annotated[
        Path | None, typer.Option(help="Pairs of sentences with a score (CSV or JSONL): how the embedding fares.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="The study's folder; studies/NAME if left out.")] = None,
    data_root: Annotated[Path | None, typer.Option(help="What the recipe's data paths are relative to.")] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="The saved model that every training goes on from.")
    ] = None,
    device: Device = None,
    json: Json = False,
) -> None:
    """Find out what to freeze: train a recipe by several plans and seeds, compare, recommend.

    Run it again to go on where it stopped. Leaves a page (study.html) and a table (study.md).
    """
    from polyhead.recipe import load_recipe
    from polyhead.recipe.announce import fallback_notes
    from polyhead.recipe.start import at_hand
    from polyhead.study import Design, summarize
    from polyhead.study import study as run
    from polyhead.study.design import FROZEN
    from polyhead.study.write import write_reports

    loaded = load_recipe(recipe, data_root=data_root)
    first = loaded.training.seed
    design = Design(
        plans=split_plans(plans),
        seeds=range(first, first + seeds),
        grid=grid_of(set_ or []),
        single_task=single_task,
        rows=rows,
    )
    folder = output or Path("studies") / loaded.name
    said: list[str] = []
    failed: list[str] = []

    def note(line: str) -> None:
        said.extend([line] if line.startswith("!") else [])
        notes.print(printable(line, 400), markup=False)

    for line in () if start is not None else fallback_notes(replace(loaded, model=at_hand(loaded.model))):
        note(line)
    view = _View(quiet=json)
    with view:
        results = run(
            recipe,
            design,
            folder,
            data_root=data_root,
            start=start,
            pairs=pairs,
            device=device,
            progress=view.told,
            done=lambda found: write_reports(folder, loaded.name, design, found, said, failed),
            on_note=note,
            on_fault=failed.append,
        )
    summary = summarize(results, failed)
    write_reports(folder, loaded.name, design, results, said, failed)
    if json:
        from dataclasses import asdict

        from polyhead.study.job import finite

        print_json(finite({"study": str(folder), "failed": failed, **asdict(summary)}))
        raise typer.Exit(1 if failed else 0)
    _show(summary)
    out.print(f"\nPage: {folder / 'study.html'}\nTable: {folder / 'study.md'}", markup=False)
    if summary.chosen is not None:
        plan = FROZEN if summary.chosen.name.startswith(f"{FROZEN}:") else summary.chosen.name
        given = {"data-root": data_root, "from": start, "device": device}
        again = train_command(recipe, {"training.plan": plan, **summary.chosen.settings, **given})
        out.print(f"{'Next:' if rows is None else 'Next, on all rows:'} {again}", markup=False)
    if failed:
        for line in failed:
            notes.print(f"! failed: {printable(line, 400)}", markup=False)
        notes.print("Run the same command again to try what failed once more.", markup=False)
        raise typer.Exit(1)


def _show(summary: "Summary") -> None:
    from polyhead.study.report import brief

    head, rows = brief(summary)
    shown = Table(title="Test data, shares in per cent", title_justify="left")
    for number, name in enumerate(head):
        shown.add_column(Text(printable(name)), justify="right" if number else "left", overflow="fold")
    for row in rows:
        shown.add_row(*(Text(printable(cell)) for cell in row))
    out.print(shown)
    for line in summary.recommendation:
        out.print(printable(line, 400), markup=False)


def split_plans(text: str) -> list[str]:
    """Plans between commas that are not inside of brackets: ``probe,{top: 2, layer_decay: 0.8}``."""
    found, depth = [""], 0
    for character in text:
        depth += (character in "{[") - (character in "}]")
        if character == "," and depth <= 0:
            found.append("")
        else:
            found[-1] += character
    return [each.strip() for each in found if each.strip()]


def grid_of(given: list[str]) -> dict[str, list[str]]:
    """``KEY=VALUE,VALUE`` as a mapping.

    Raises:
        typer.BadParameter: it is something else (exit status 2).
    """
    grid = {}
    for text in given:
        key, equals, values = text.partition("=")
        if not equals or "." not in key or not split_plans(values):
            raise typer.BadParameter(f"--set takes KEY=VALUE,VALUE…, such as training.learning_rate=1e-4,5e-5: {text}")
        if key in grid:
            raise typer.BadParameter(
                f"--set: {key} is given twice; name all of its values at once, with commas between"
            )
        grid[key] = split_plans(values)
    return grid


class _View:
    """One bar over all jobs, with the time that is left."""

    def __init__(self, *, quiet: bool) -> None:
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            TextColumn("left"),
            TimeRemainingColumn(elapsed_when_finished=True),
            TextColumn("{task.fields[doing]}"),
            console=notes,
            transient=True,
            disable=quiet or not notes.is_terminal,
        )
        self._task = self._bar.add_task("", total=1.0, doing="")
        self._quiet = quiet
        self._seen = 0

    def __enter__(self) -> "_View":
        from time import perf_counter

        self._started = perf_counter()
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def told(self, job: "Job", number: int, count: int, doing: str, share: float) -> None:
        """A step of a job, or its end."""
        from time import perf_counter

        done = (
            number
            if doing == "done" or doing.startswith("failed")
            else number - 1 + 0.98 * share * (doing == "training")
        )
        self._bar.update(
            self._task, completed=done / count, description=f"{number}/{count} {printable(job.name, 60)}", doing=doing
        )
        if doing.startswith("failed") and not self._quiet:
            notes.print(f"! {printable(doing, 400)}", markup=False)
        if doing == "done" and not self._quiet:
            elapsed = perf_counter() - self._started
            notes.print(f"{number}/{count} {printable(job.name, 80)} ({duration(elapsed)} so far)", markup=False)
