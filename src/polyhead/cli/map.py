"""``polyhead map``."""

from collections.abc import Collection, Mapping, Sequence
from importlib.util import find_spec
from itertools import islice
from math import isfinite, isnan, nan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from polyhead.cli.common import Device, Dtype, Json, Model, names_of, note_cut, notes, open_model, out, print_json
from polyhead.errors import UserError, shown
from polyhead.printing import printable

if TYPE_CHECKING:
    from polyhead.data.example import Example
    from polyhead.data.faults import FaultLog
    from polyhead.evaluation.maps import Colouring
    from polyhead.evaluation.projections import Method
    from polyhead.kinds import Task
    from polyhead.kinds.base import FloatArray
    from polyhead.predictions import Prediction

_MISSING = ("", "nan", "none", "null")
"""How files say that there is no value."""
_SLOW = 10_000


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("map", no_args_is_help=True)(map_)


def map_(
    model: Model,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The texts: a text a line, or rows with a text column.")],
    method: Annotated[str, typer.Option(help="How: pca, tsne, umap, or several by commas.")] = "pca",
    label: Annotated[
        list[str] | None, typer.Option(help="A field of the file to colour by, beside the heads' answers.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Where to: NAME.png and NAME.html are written; the file's name if left out.")
    ] = None,
    rows: Annotated[int, typer.Option(min=1, help="The most rows that are drawn; the file's first.")] = 50_000,
    format: Annotated[str | None, typer.Option(help="The file's format; guessed from its ending if left out.")] = None,  # noqa: A002
    text: Annotated[list[str] | None, typer.Option(help="The file's text column; several are joined.")] = None,
    words: Annotated[str | None, typer.Option(help="The field with words, where rows have words.")] = None,
    columns: Annotated[str | None, typer.Option(help="csv without a header: its columns' names, by commas.")] = None,
    title: Annotated[str | None, typer.Option(help="The page's title.")] = None,
    dtype: Dtype = "auto",
    device: Device = None,
    json: Json = False,
) -> None:
    """Draw a file's embeddings in two dimensions: a picture, and a page with hover, lasso, legend and search.

    Points are coloured by the fields named with --label, and by each head's answer: a label, labels, the types of the
    entities, a range of numbers. The picture shows three at most, and of heads only classes where there are any.
    """
    import numpy as np

    from polyhead.data.faults import FaultLog
    from polyhead.evaluation.maps import draw_map, map_page
    from polyhead.folder.files import write_text
    from polyhead.inference.progress import progress

    methods, log, fields = _methods(method), FaultLog(), label or []
    place = output or Path(f"{file.stem}-map")
    if not place.name or place.is_dir():
        raise UserError(
            f"--output: must be the pictures' name, such as maps/mine, and no folder; found {shown(str(output))}"
        )
    if place.suffix in (".png", ".html"):
        place = place.with_suffix("")
    found = _read(file, format, {"text": text, "words": words, "columns": names_of(columns)}, fields, log)
    if len(found) > rows:
        notes.print(f"! {len(found):,} rows: the first {rows:,} are drawn; --rows says how many")
    examples = list(islice(found, rows))
    if len(examples) > _SLOW and "tsne" in methods:
        notes.print(f"! t-SNE of {len(examples):,} texts takes many minutes; umap or pca are faster")
    opened = open_model(model, device=device, dtype=dtype)
    texts = [each.text for each in examples]
    heads = [name for name, task in opened.tasks.items() if task.level != "pair"]
    classes = [name for name in heads if opened.tasks[name].kind == "classification"]
    with progress("reading the texts", len(examples), shown=not json) as advance:
        inputs = [each.word_texts or each.text for each in examples]
        answers = list(opened.predictions(inputs, [*heads, "embedding"], advance=advance))
    embeddings = np.stack([np.asarray(each.embedding) for each in answers])
    drawn = _of_fields(examples, fields) | _of_heads(answers, classes, fields)
    others = _of_heads(answers, [name for name in heads if name not in classes], fields)
    colourings = drawn | others
    points = _points(embeddings, methods, quiet=json)
    picture, page = place.with_name(place.name + ".png"), place.with_name(place.name + ".html")
    draw_map(points, drawn or others, picture, texts=texts)
    name = title or f"{file.name} as {Path(model).name or model} sees it"
    about = f"{len(texts):,} texts, {embeddings.shape[1]} numbers each"
    write_text(page, map_page(name, about, texts, points, colourings))
    cut = sum(each.truncated for each in answers)
    if json:
        groups = {name: each.names for name, each in colourings.items()}
        print_json({"picture": str(picture), "page": str(page), "texts": len(texts), "truncated": cut,
                    "oddities": dict(log.counts), "colourings": groups})  # fmt: skip
        return
    for line in log.lines():
        notes.print(f"! {printable(line)}", markup=False)
    note_cut(cut, opened.max_length)
    out.print(f"{picture}  the picture\n{page}  the same to explore: open it in a browser", markup=False)


def _methods(given: str) -> list["Method"]:
    """The methods that were named, by commas.

    Raises:
        UserError: there is no such method.
        ModuleNotFoundError: one needs a library that is not here.
    """
    from polyhead.evaluation.projections import METHODS

    named = [name for each in given.split(",") if (name := each.strip())]
    found = [method for name in named for method in METHODS if method == name]
    if not found or len(found) < len(named):
        raise UserError(f"--method: must be of {', '.join(METHODS)}; found {shown(given)}")
    if "umap" in found and find_spec("umap") is None:
        raise ModuleNotFoundError("umap", name="umap")
    return found


def _points(embeddings: "FloatArray", methods: Sequence["Method"], *, quiet: bool) -> dict[str, "FloatArray"]:
    """Points by what each method is called; that of a method for which there are too few texts says so."""
    from polyhead.evaluation.projections import FEWEST, NAMES, project

    points = {}
    for method in methods:
        if not quiet:
            notes.print(f"drawing by {NAMES[method]} …")
        few = len(embeddings) < FEWEST[method]
        points[f"PCA: too few texts for {NAMES[method]}" if few else NAMES[method]] = project(embeddings, method)
    return points


def _read(
    file: Path, form: str | None, layout: Mapping[str, Any], fields: Sequence[str], log: "FaultLog"
) -> Sequence["Example"]:
    from polyhead.kinds import ClassificationTask
    from polyhead.recipe.files import read_file

    tasks: dict[str, Task] = {_name(place): ClassificationTask(kind="classification") for place in range(len(fields))}
    named = {_name(place): field for place, field in enumerate(fields)}
    try:
        examples = read_file(file, form, layout, named, tasks, log, optional=True)
    except UserError as error:  # it says what the fields are called as tasks
        raise UserError(*(_in_fields(fault, named) for fault in error.faults)) from None
    for place, field in enumerate(fields):
        if not any(_name(place) in each.labels for each in examples):
            raise UserError(f"{file}: no row has the field {shown(field)}, which --label names")
    if not len(examples):
        raise UserError(f"{file}: holds no text to draw")
    return examples


def _name(place: int) -> str:
    """What a field is called as a task: fields have names that tasks cannot have."""
    return f"label{place}"


def _in_fields(fault: str, named: Mapping[str, str]) -> str:
    """A fault of a task as one of the field that --label names."""
    for name in reversed(list(named)):
        fault = fault.replace(name, named[name])
    return fault.replace("--task:", "--label:")


def _of_fields(examples: Sequence["Example"], fields: Sequence[str]) -> dict[str, "Colouring"]:
    return {
        field: _of_values([each.labels.get(_name(place)) for each in examples]) for place, field in enumerate(fields)
    }


def _of_values(values: Sequence[Any]) -> "Colouring":
    """Ranges where all are numbers and there are many of them, else each value as it is."""
    from polyhead.evaluation.maps import GROUPS, NOTHING, Colouring

    texts = ["" if each is None else str(each).strip() for each in values]
    numbers = [_number(each) for each in texts]
    present = [each for each in numbers if each is not None and not isnan(each)]
    if None not in numbers and len(set(present)) > GROUPS:
        return Colouring.of_numbers([nan if each is None else each for each in numbers])
    return Colouring.of([each if each.lower() not in _MISSING else NOTHING for each in texts])


def _number(text: str) -> float | None:
    """NaN where nothing is given, None where it is no number."""
    if text.lower() in _MISSING:
        return nan
    try:
        found = float(text)
    except ValueError:
        return None
    return found if isfinite(found) else None


def _of_heads(answers: Sequence["Prediction"], heads: Sequence[str], taken: Collection[str]) -> dict[str, "Colouring"]:
    """By head; those whose names fields have ``taken`` say that they are predicted."""
    from polyhead.evaluation.maps import Colouring

    found = {}
    for head in heads:
        values = [_said(each[head]) for each in answers]
        numbers = [each for each in values if isinstance(each, float)]
        name = f"{head} (predicted)" if head in taken else head
        found[name] = Colouring.of_numbers(numbers) if numbers else Colouring.of(list(map(str, values)))
    return found


def _said(answer: Any) -> str | float:
    """A head's answer as one name, or a number."""
    if hasattr(answer, "entities"):
        return ", ".join(sorted({each.entity_group for each in answer.entities})) or "none"
    if hasattr(answer, "labels"):
        return ", ".join(each.label for each in answer.labels) or "none"
    return float(answer.value) if hasattr(answer, "value") else str(answer.label)
