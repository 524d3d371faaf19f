"""One file of examples without a recipe: what the command line's options say about it becomes a source."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from polyhead.data.example import Example
from polyhead.data.faults import FaultLog
from polyhead.data.lines import PACKED
from polyhead.data.read import read
from polyhead.data.readers import SOURCES
from polyhead.errors import UserError, shown
from polyhead.kinds import Task
from polyhead.recipe.faults import validate

_ENDINGS = {
    ".jsonl": "jsonl", ".json": "json", ".csv": "csv", ".tsv": "tsv", ".conll": "conll", ".txt": "text",
    ".parquet": "parquet", ".arrow": "arrow",
}  # fmt: skip


def read_file(
    path: Path,
    form: str | None,
    layout: Mapping[str, Any],
    fields: Mapping[str, str | None],
    tasks: Mapping[str, Task],
    log: FaultLog,
    *,
    optional: bool = False,
    separator: str | None = None,
) -> Sequence[Example]:
    """The rows of one file, which is streamed where its format can be.

    ``form`` is guessed from the file's ending if left out; ``layout`` are the source's settings, as far as they are not
    ``None``; ``fields`` says where each task's labels are, ``None`` for the usual place; ``optional`` that the file
    need not have them; ``separator`` what parts several labels in a cell.

    Raises:
        UserError: an unknown format, a setting that it does not have, or a file that is wrong.
    """
    packed = path.suffix in PACKED
    form = form or _ENDINGS.get(Path(path.stem).suffix if packed else path.suffix)
    if form not in SOURCES:
        raise UserError(f"--format: must be one of {', '.join(SOURCES)}; found {shown(form)}")
    if form != "datasets" and not path.exists():
        raise UserError(f"{path}: no such file")
    settings = {
        "format": form,
        "stream": SOURCES[form].streams and not packed,
        "path": str(path.resolve()),
        "tasks": {name: _binding(tasks[name], form, field, separator) for name, field in fields.items()},
        **{key: value for key, value in layout.items() if value},
    }
    source, faults = validate(SOURCES[form], settings)
    if source is None:
        raise UserError(*(f"--{'.'.join(place)}: {message}" for place, message in faults))
    pairs = [] if source.text_pair else [name for name in fields if tasks[name].level == "pair"]
    if pairs and not optional:
        raise UserError(f"--task: {pairs[0]} needs two texts a row; name the second one's field: --text-pair FIELD")
    if pairs:  # a file need not have all that the model knows
        kept = {name: binding for name, binding in source.tasks.items() if name not in pairs}
        source = source.model_copy(update={"tasks": kept})
    return read(source, tasks, root=Path("/"), log=log, optional=optional)


def named_fields(given: Sequence[str]) -> dict[str, str | None]:
    """NAME or NAME=FIELD, each, as a mapping."""
    return {name: field or None for name, _, field in (each.partition("=") for each in given)}


def _binding(task: Task, form: str, field: str | None, separator: str | None) -> dict[str, str | int]:
    parted = {"separator": separator} if separator and task.kind == "multilabel" else {}
    if field is None:
        return {**parted}
    if form == "conll":
        if not field.lstrip("-").isdecimal():
            raise UserError(f"--task: in conll files a task's labels are a column's number, found {shown(field)}")
        return {"column": int(field)}
    return {"spans": field} if task.level == "token" else {"label": field, **parted}
