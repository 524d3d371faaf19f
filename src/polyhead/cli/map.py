"""``polyhead map``."""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
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
    from polyhead.kinds import Task
    from polyhead.predictions import Prediction

_SLOW = 10_000


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("map", no_args_is_help=True)(map_)


def map_(
    model: Model,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The texts: a text a line, or rows of any format.")],
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
    columns: Annotated[str | None, typer.Option(help="csv without a header: its columns' names, by commas.")] = None,
    title: Annotated[str | None, typer.Option(help="The page's title.")] = None,
    dtype: Dtype = "auto",
    device: Device = None,
    json: Json = False,
) -> None:
    """Draw a file's embeddings in two dimensions: a picture, and a page with hover, lasso, legend and search.

    Points are coloured by each classification head's answer, and by the fields named with --label.
    """
    from polyhead.data.faults import FaultLog
    from polyhead.evaluation.maps import draw_map, map_page
    from polyhead.evaluation.projections import FEWEST, METHODS, NAMES, project
    from polyhead.folder.files import write_text
    from polyhead.inference.progress import progress

    methods = [name for each in method.split(",") if (name := each.strip())]
    if not methods or any(each not in METHODS for each in methods):
        raise UserError(f"--method: must be of {', '.join(METHODS)}; found {shown(method)}")
    if "umap" in methods and find_spec("umap") is None:
        raise ModuleNotFoundError("umap", name="umap")
    place = output or Path(f"{file.stem}-map")
    if not place.name:
        raise UserError(f"--output: must be a name, such as maps/mine; found {shown(str(output))}")
    log = FaultLog()
    examples = _read(file, format, {"text": text, "columns": names_of(columns)}, label or [], log)
    if len(examples) > rows:
        notes.print(f"! {len(examples):,} rows: the first {rows:,} are drawn; --rows says how many")
    examples = [example for example, _ in zip(examples, range(rows), strict=False)]
    opened = open_model(model, device=device, dtype=dtype)
    if len(examples) > _SLOW and "tsne" in methods:
        notes.print(f"! t-SNE of {len(examples):,} texts takes many minutes; umap or pca are faster")
    heads = [name for name, task in opened.tasks.items() if task.kind == "classification" and task.level != "pair"]
    with progress("reading the texts", len(examples), shown=not json) as advance:
        answers = list(opened.predictions([each.text for each in examples], [*heads, "embedding"], advance=advance))
    import numpy as np

    embeddings = np.stack([np.asarray(each.embedding) for each in answers])
    colourings = _colourings(examples, answers, label or [], heads)
    points = {}
    for each in methods:
        if not json:
            notes.print(f"drawing by {NAMES[each]} …")
        few = len(examples) < FEWEST[each]
        points[f"PCA: too few texts for {NAMES[each]}" if few else NAMES[each]] = project(embeddings, each)  # type: ignore[arg-type]
    picture, page = place.with_name(place.name + ".png"), place.with_name(place.name + ".html")
    name = title or f"{file.name} as {Path(model).name or model} sees it"
    about = f"{len(examples):,} texts, {embeddings.shape[1]} numbers each"
    texts = [each.text for each in examples]
    draw_map(points, colourings, picture, texts=texts)
    write_text(page, map_page(name, about, texts, points, colourings))
    if json:
        print_json({"picture": str(picture), "page": str(page), "texts": len(examples),
                    "truncated": sum(each.truncated for each in answers), "oddities": dict(log.counts),
                    "colourings": {name: each.names for name, each in colourings.items()}})  # fmt: skip
        return
    for line in log.lines():
        notes.print(f"! {printable(line)}", markup=False)
    note_cut(sum(each.truncated for each in answers), opened.max_length)
    out.print(f"{picture}  the picture\n{page}  the same to explore: open it in a browser", markup=False)


def _read(
    file: Path, form: str | None, layout: Mapping[str, Any], fields: Sequence[str], log: "FaultLog"
) -> Sequence["Example"]:
    from polyhead.kinds import ClassificationTask
    from polyhead.recipe.files import read_file

    tasks: dict[str, Task] = {_name(place): ClassificationTask(kind="classification") for place in range(len(fields))}
    examples = read_file(
        file, form, layout, {_name(place): field for place, field in enumerate(fields)}, tasks, log, optional=True
    )
    for place, field in enumerate(fields):
        if not any(_name(place) in each.labels for each in examples):
            raise UserError(f"{file}: no row has the field {shown(field)}, which --label names")
    if not len(examples):
        raise UserError(f"{file}: holds no text to draw")
    return examples


def _name(place: int) -> str:
    """What a field is called as a task: fields have names that tasks cannot have."""
    return f"label{place}"


def _colourings(
    examples: Sequence["Example"], answers: Sequence["Prediction"], fields: Sequence[str], heads: Sequence[str]
) -> dict[str, "Colouring"]:
    from polyhead.evaluation.maps import Colouring

    found = {
        field: Colouring.of([str(each.labels.get(_name(place), "(none)")) for each in examples])
        for place, field in enumerate(fields)
    }
    for head in heads:
        name = f"{head} (predicted)" if head in found else head
        found[name] = Colouring.of([each[head].label for each in answers])
    return found
