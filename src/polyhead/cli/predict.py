"""``polyhead predict``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
from polyhead.errors import UserError, shown

if TYPE_CHECKING:
    from polyhead.api import Polyhead
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
    pairs: Annotated[
        bool, typer.Option("--pairs", help="Each text is two, parted by a tab, for heads that read both.")
    ] = False,
    min_score: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Abstain from classes, labels and entities with a lower score."),
    ] = None,
    embeddings: Annotated[
        Path | None,
        typer.Option(help="Instead of texts: embeddings from polyhead encode, .npy or .parquet (input: embedding)."),
    ] = None,
    dtype: Dtype = "auto",
    device: Device = None,
    allow_mismatch: AllowMismatch = False,
    json: Json = False,
) -> None:
    """Classes, labels, numbers and entities of texts, every task from one forward pass. --json: one object a line."""
    if embeddings is not None and (texts or pairs):
        raise typer.BadParameter("give texts or --embeddings, not both")
    given: list[Any] = [] if embeddings is not None else read_texts(texts)
    if pairs:
        given = [_pair(text, number) for number, text in enumerate(given, start=1)]
    opened = open_model(model, device=device, dtype=dtype, allow_mismatch=allow_mismatch)
    named = tasks is not None
    wanted = list(dict.fromkeys(each for name in (tasks or "").split(",") if (each := name.strip())))
    wanted = wanted if named else _fitting(opened, pairs=pairs, stored=embeddings is not None)
    if not wanted:
        raise UserError("no head to run; polyhead train gives a model heads, polyhead encode prints its embeddings")
    if wanted == ["embedding"] and not json:
        raise UserError("--tasks embedding alone has no table: add --json, or use polyhead encode")
    if embeddings is not None:
        from polyhead.inference.vectors import read_embeddings

        answers = iter(opened.predict_embeddings(read_embeddings(embeddings), wanted))
    else:
        answers = opened.predictions(given, wanted)
    cut, kept = 0, []
    for answer in answers:
        answer = answer if min_score is None else answer.at_least(min_score)
        cut += answer.truncated
        if json:
            print_json(answer.as_dict(), indent=None)
        else:
            kept.append(answer)
    if not json:
        out.print(predictions_table(kept, [name for name in wanted if name != "embedding"]))
    note_cut(cut, opened.max_length)


def _pair(text: str, number: int) -> dict[str, str]:
    first, tab, second = text.partition("\t")
    if not tab or not first.strip() or not second.strip():
        raise UserError(f"--pairs: text {number} must be two texts parted by a tab, found {shown(text)}")
    return {"text": first, "text_pair": second}


def _fitting(opened: "Polyhead", *, pairs: bool, stored: bool) -> list[str]:
    """The heads that what was given is enough for."""
    return [
        name
        for name, task in opened.tasks.items()
        if (task.reads_embedding if stored else pairs or task.level != "pair")
    ]


def predictions_table(predictions: "list[Prediction]", tasks: list[str]) -> Table:
    """A row a text, a column a task."""
    table = Table(show_lines=True)
    table.add_column("text", ratio=3, overflow="fold")
    for name in tasks:
        table.add_column(name, ratio=2, overflow="fold")
    for number, prediction in enumerate(predictions, start=1):
        texts = [text for text in (prediction.text, prediction.text_pair) if text] or [f"row {number}"]
        cut = " [dim](cut)[/]" if prediction.truncated else ""
        table.add_row("\n".join(map(safe, texts)) + cut, *(answer_text(prediction[name]) for name in tasks))
    return table


def answer_text(answer: "TaskPrediction") -> str:
    """A task's answer in a cell."""
    from polyhead.predictions import Classification, Multilabel, Regression, Similarity

    nothing = "[dim]–[/]"
    if isinstance(answer, Classification):
        return f"{nothing if answer.label is None else safe(answer.label)} [dim]{answer.score:.2f}[/]"
    if isinstance(answer, Multilabel):
        return "\n".join(f"{safe(each.label)} [dim]{each.score:.2f}[/]" for each in answer.labels) or nothing
    if isinstance(answer, Regression):
        return f"{answer.value:.2f}"
    if isinstance(answer, Similarity):
        return f"{answer.score:.3f}"
    lines = [
        f"{safe(each.word)} [bold]{safe(each.entity_group)}[/] [dim]{each.score:.2f}[/]" for each in answer.entities
    ]
    if answer.cut_words:
        lines.append(f"[dim]{answer.cut_words:,} words beyond the limit, not read[/]")
    return "\n".join(lines) or nothing
