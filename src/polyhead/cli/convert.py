"""``polyhead convert``."""

from pathlib import Path
from typing import Annotated

import typer

from polyhead.cli.common import json_line, names_of, notes
from polyhead.printing import printable


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(no_args_is_help=True)(convert)


def convert(
    file: Annotated[Path, typer.Argument(help="The file, or the folder, to convert.", show_default=False)],
    output: Annotated[Path, typer.Option(help="The JSONL file to write.", show_default=False)],
    format: Annotated[  # noqa: A002
        str | None, typer.Option(help="The file's format; guessed from its ending if left out.")
    ] = None,
    text: Annotated[list[str] | None, typer.Option(help="The text field; several are joined.")] = None,
    text_pair: Annotated[
        list[str] | None, typer.Option(help="The second text's field; several for an anchor's positive and negatives.")
    ] = None,
    words: Annotated[str | None, typer.Option(help="The field with words, where rows have words.")] = None,
    markup: Annotated[str | None, typer.Option(help="The field with entities in brackets: [type : text].")] = None,
    columns: Annotated[str | None, typer.Option(help="csv without a header: its columns' names, by commas.")] = None,
    label: Annotated[
        list[str] | None, typer.Option(help="NAME or NAME=FIELD: a class label, and the field that it is in.")
    ] = None,
    labels: Annotated[
        list[str] | None, typer.Option(help="NAME or NAME=FIELD: several labels a row, and the field with the list.")
    ] = None,
    separator: Annotated[str | None, typer.Option(help="What parts several labels in a cell of text.")] = None,
    number: Annotated[list[str] | None, typer.Option(help="NAME or NAME=FIELD: a number, and its field.")] = None,
    entities: Annotated[
        list[str] | None, typer.Option(help="NAME or NAME=FIELD: entities, and the field (conll: the column).")
    ] = None,
) -> None:
    """Turn any format that can be read into JSONL: texts, labels and numbers under their names, entities as spans."""
    from polyhead.data.convert import as_row
    from polyhead.data.faults import FaultLog
    from polyhead.folder.files import write_lines
    from polyhead.kinds import ClassificationTask, MultilabelTask, RegressionTask, TaggingTask, Task
    from polyhead.recipe.files import named_fields, read_file

    log = FaultLog()
    layout = {
        "text": text,
        "text_pair": text_pair,
        "words": words,
        "markup": markup,
        "columns": names_of(columns),
    }
    anything = RegressionTask(range=(-1e300, 1e300))
    kinds: list[tuple[Task, list[str] | None]] = [
        (ClassificationTask(), label), (MultilabelTask(), labels), (anything, number), (TaggingTask(), entities)
    ]  # fmt: skip
    fields = {name: field for _, given in kinds for name, field in named_fields(given or []).items()}
    tasks = {name: task for task, given in kinds for name in named_fields(given or [])}
    examples = read_file(file, format, layout, fields, tasks, log, separator=separator)
    count = write_lines(output, (json_line(as_row(example)) for example in examples))
    for line in log.lines():
        notes.print(f"! {printable(line)}", markup=False)
    notes.print(f"{count:,} rows are in {output}", markup=False)
