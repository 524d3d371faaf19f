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
    words: Annotated[str | None, typer.Option(help="The field with words, where rows have words.")] = None,
    markup: Annotated[str | None, typer.Option(help="The field with entities in brackets: [type : text].")] = None,
    columns: Annotated[str | None, typer.Option(help="csv without a header: its columns' names, by commas.")] = None,
    label: Annotated[
        list[str] | None, typer.Option(help="NAME or NAME=FIELD: a class label, and the field that it is in.")
    ] = None,
    entities: Annotated[
        list[str] | None, typer.Option(help="NAME or NAME=FIELD: entities, and the field (conll: the column).")
    ] = None,
) -> None:
    """Turn any format that can be read into JSONL: text, class labels under their names, entities as spans."""
    from polyhead.data.convert import as_row
    from polyhead.data.faults import FaultLog
    from polyhead.folder.files import write_lines
    from polyhead.kinds import ClassificationTask, TaggingTask, Task
    from polyhead.recipe.files import named_fields, read_file

    log = FaultLog()
    layout = {
        "text": text,
        "words": words,
        "markup": markup,
        "columns": names_of(columns),
    }
    classes, spans = named_fields(label or []), named_fields(entities or [])
    tasks: dict[str, Task] = {**dict.fromkeys(classes, ClassificationTask()), **dict.fromkeys(spans, TaggingTask())}
    examples = read_file(file, format, layout, {**classes, **spans}, tasks, log)
    count = write_lines(output, (json_line(as_row(example)) for example in examples))
    for line in log.lines():
        notes.print(f"! {printable(line)}", markup=False)
    notes.print(f"{count:,} rows are in {output}", markup=False)
