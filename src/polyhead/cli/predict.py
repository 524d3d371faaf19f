"""``polyhead predict``."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from polyhead.cli.common import (
    AllowMismatch,
    Device,
    Dtype,
    Json,
    Model,
    Texts,
    note_cut,
    open_model,
    out,
    print_json,
    read_texts,
    safe,
)
from polyhead.errors import UserError

if TYPE_CHECKING:
    from polyhead.predictions import Prediction, TaskPrediction


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(no_args_is_help=True)(predict)


def predict(
    model: Model,
    texts: Texts = None,
    tasks: Annotated[
        str | None, typer.Option(help="Heads to run, parted by commas, and embedding; every head if left out.")
    ] = None,
    dtype: Dtype = "auto",
    device: Device = None,
    allow_mismatch: AllowMismatch = False,
    json: Json = False,
) -> None:
    """Classes and entities of texts, every task from one forward pass. --json prints one object a line."""
    given = read_texts(texts)
    opened = open_model(model, device=device, dtype=dtype, allow_mismatch=allow_mismatch)
    wanted = list(opened.tasks) if tasks is None else [name.strip() for name in tasks.split(",") if name.strip()]
    if not wanted:
        raise UserError("no head to run; polyhead train gives a model heads, polyhead encode prints its embeddings")
    predictions = opened.predictions(given, wanted)
    if wanted == ["embedding"] and not json:
        raise UserError("--tasks embedding alone has no table: add --json, or use polyhead encode")
    cut, shown = 0, []
    for prediction in predictions:
        cut += prediction.truncated
        if json:
            print_json(prediction.as_dict(), indent=None)
        else:
            shown.append(prediction)
    if not json:
        out.print(predictions_table(shown, [name for name in wanted if name != "embedding"]))
    note_cut(cut, opened.max_length)


def predictions_table(predictions: "list[Prediction]", tasks: list[str]) -> Table:
    """A row a text, a column a task."""
    table = Table(show_lines=True)
    table.add_column("text", ratio=3, overflow="fold")
    for name in tasks:
        table.add_column(name, ratio=2, overflow="fold")
    for prediction in predictions:
        cut = " [dim](cut)[/]" if prediction.truncated else ""
        table.add_row(safe(prediction.text) + cut, *(answer_text(prediction[name]) for name in tasks))
    return table


def answer_text(answer: "TaskPrediction") -> str:
    """A task's answer in a cell."""
    from polyhead.predictions import Classification, Multilabel, Regression, Similarity

    if isinstance(answer, Classification):
        label = "[dim]–[/]" if answer.label is None else safe(answer.label)
        return f"{label} [dim]{answer.score:.2f}[/]"
    if isinstance(answer, Multilabel):
        return "\n".join(f"{safe(each.label)} [dim]{each.score:.2f}[/]" for each in answer.labels) or "[dim]–[/]"
    if isinstance(answer, Regression):
        return f"{answer.value:.2f}"
    if isinstance(answer, Similarity):
        return f"{answer.score:.3f}"
    lines = [
        f"{safe(each.word)} [bold]{safe(each.entity_group)}[/] [dim]{each.score:.2f}[/]" for each in answer.entities
    ]
    if answer.cut_words:
        lines.append(f"[dim]{answer.cut_words:,} words beyond the limit, not read[/]")
    return "\n".join(lines) or "[dim]–[/]"
