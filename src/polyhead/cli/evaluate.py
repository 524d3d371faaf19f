"""``polyhead evaluate``."""

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from polyhead.cli.common import (
    AllowMismatch,
    Device,
    Dtype,
    Json,
    Model,
    json_line,
    names_of,
    note_cut,
    notes,
    open_model,
    original_of,
    out,
    print_json,
)
from polyhead.errors import UserError
from polyhead.printing import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from polyhead.api import Polyhead
    from polyhead.data.example import Example
    from polyhead.data.faults import FaultLog
    from polyhead.evaluation import Report


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(no_args_is_help=True)(evaluate)


def evaluate(
    model: Model,
    recipe: Annotated[
        Path | None,
        typer.Argument(help="A recipe, of which only the data is read; or give --data.", show_default=False),
    ] = None,
    split: Annotated[Literal["train", "validation", "test"], typer.Option(help="Which split of the recipe.")] = "test",
    data: Annotated[Path | None, typer.Option(help="A file to evaluate on, without a recipe.")] = None,
    format: Annotated[str | None, typer.Option(help="The file's format; guessed from its ending if left out.")] = None,  # noqa: A002
    text: Annotated[list[str] | None, typer.Option(help="The file's text column; several are joined.")] = None,
    text_pair: Annotated[
        list[str] | None, typer.Option(help="The field with the second text; for pairs also the negatives'.")
    ] = None,
    words: Annotated[str | None, typer.Option(help="The field with words, where rows have words.")] = None,
    markup: Annotated[str | None, typer.Option(help="The field with entities in brackets: [type : text].")] = None,
    columns: Annotated[str | None, typer.Option(help="csv without a header: its columns' names, by commas.")] = None,
    task: Annotated[
        list[str] | None,
        typer.Option(help="NAME=FIELD: a task and the field (conll: the column) of its labels; NAME if named alike."),
    ] = None,
    data_root: Annotated[Path | None, typer.Option(help="What the recipe's data paths are relative to.")] = None,
    unseen: Annotated[
        Literal["error", "count"],
        typer.Option(help="A gold label that the model never saw: refuse it, or count it as wrong."),
    ] = "error",
    errors: Annotated[
        Path | None, typer.Option(help="Write the rows that went wrong here, as JSONL, the surest errors first.")
    ] = None,
    embeddings: Annotated[
        Path | None,
        typer.Option(help="Measure the embedding on this file: two sentences and a score a row, CSV or JSONL."),
    ] = None,
    original: Annotated[
        str | None,
        typer.Option(help="The model whose embedding it is held against; the one that training started from."),
    ] = None,
    dtype: Dtype = "auto",
    device: Device = None,
    allow_mismatch: AllowMismatch = False,
    json: Json = False,
) -> None:
    """Score a model's heads on labelled data, or its embedding on pairs. Labels and their order are the model's."""
    if embeddings is not None:
        _check_alone(
            {
                "the recipe": recipe,
                "--data": data,
                "--errors": errors,
                "--format": format,
                "--text": text,
                "--text-pair": text_pair,
                "--words": words,
                "--markup": markup,
                "--columns": columns,
                "--task": task,
                "--data-root": data_root,
            }
        )
        opened = open_model(model, device=device, dtype=dtype, allow_mismatch=allow_mismatch)
        _embedding(opened, embeddings, original, device=device, dtype=dtype, json=json)
        return
    if original is not None:
        raise typer.BadParameter("--original is for --embeddings")
    if (recipe is None) == (data is None):
        raise typer.BadParameter("give a recipe, or --data FILE with --format, or --embeddings PAIRS")
    from polyhead.cli.train import noted
    from polyhead.recipe.announce import fallback_of
    from polyhead.recipe.examples import file_examples, recipe_examples

    opened = open_model(model, device=device, dtype=dtype, allow_mismatch=allow_mismatch)
    if not opened.tasks:
        raise UserError(
            f"{model}: this model has no heads to evaluate; train some: polyhead train RECIPE --from {model}"
        )
    instead = fallback_of(noted(Path(model) / "recipe.yaml"))
    if instead is not None:
        notes.print(f"! {printable(instead, 400)}", markup=False)
    if recipe is not None:
        root = data_root or noted(recipe).get("data_root")
        sets, log = recipe_examples(recipe, split, opened.tasks, data_root=root, count_unseen=unseen == "count")
    else:
        assert data is not None
        layout = {"text": text, "text_pair": text_pair, "words": words, "markup": markup, "columns": names_of(columns)}
        sets, log = file_examples(data, format, layout, task or [], opened.tasks, count_unseen=unseen == "count")
    _heads(opened, sets, log, errors, json=json)


def _check_alone(others: "Mapping[str, object]") -> None:
    """Refuse what would be passed over beside ``--embeddings``."""
    given = [name for name, value in others.items() if value]
    if given:
        raise typer.BadParameter(f"--embeddings is measured by itself; leave {', '.join(given)} out")


def _heads(
    model: "Polyhead", sets: "Sequence[Sequence[Example]]", log: "FaultLog", errors: Path | None, *, json: bool
) -> None:
    """Score them, and show or write what came of it."""
    from polyhead.evaluation.bootstrap import RESAMPLES
    from polyhead.evaluation.mistakes import by_confidence
    from polyhead.folder.files import write_text
    from polyhead.inference.progress import progress

    wrong: list[dict[str, Any]] = []
    with progress("evaluating", sum(map(len, sets)), shown=not json) as advance:
        report = model.evaluate(
            chain.from_iterable(sets),
            resamples=RESAMPLES,
            on_mistake=wrong.append if errors is not None else None,
            advance=advance,
        )
    if errors is not None:
        write_text(errors, "".join(json_line(row) + "\n" for row in by_confidence(wrong)))
    if json:
        print_json({**report.as_dict(), "oddities": dict(log.counts)})
        return
    for line in log.lines():
        notes.print(f"! {printable(line)}", markup=False)
    _print(report)
    note_cut(report.truncated, model.max_length)
    if errors is not None:
        out.print(f"{len(wrong):,} rows that went wrong are in {errors}, the surest errors first", markup=False)


def _embedding(
    model: "Polyhead", path: Path, original: str | None, *, device: str | None, dtype: str, json: bool
) -> None:
    from polyhead.data.pairs import read_pairs
    from polyhead.evaluation.tables import embedding_table

    pairs = read_pairs(path)
    before = original_of(model, original, device=device, dtype=dtype)
    report = model.evaluate_embedding(pairs, original=before)
    if json:
        print_json(report.as_dict())
        return
    out.print(embedding_table(report))


def _print(report: "Report") -> None:
    from polyhead.evaluation.tables import tables

    for table in tables(report):
        out.print(table)
        out.print()
    for name in report.skipped:
        out.print(f"skipped: head {name} has no labels in this data")
    for name, task_report in report.tasks.items():
        if words := task_report.details.get("cut_words"):
            out.print(f"{name}: {words:,} words were beyond the length limit: they have no tag, which counts as wrong")
