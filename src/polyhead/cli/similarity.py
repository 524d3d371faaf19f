"""``polyhead similarity``."""

from typing import Annotated

import typer
from rich.table import Table

from polyhead.cli.common import Device, Dtype, Json, Model, note_encoder, open_model, out, print_json, safe


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(no_args_is_help=True)(similarity)


def similarity(
    model: Model,
    text: Annotated[str, typer.Argument(metavar="A", help="The text to compare with.", show_default=False)],
    others: Annotated[list[str], typer.Argument(metavar="B …", help="One text or several.", show_default=False)],
    dtype: Dtype = "auto",
    device: Device = None,
    json: Json = False,
) -> None:
    """How alike texts are, most alike first."""
    opened = open_model(model, device=device, dtype=dtype, allow_mismatch=True)
    scores = opened.similarity(opened.encode([text]), opened.encode(others))[0].tolist()
    note_encoder(opened, [text, *others])
    ranked = sorted(zip(scores, others, strict=True), key=lambda pair: -pair[0])
    if json:
        print_json({"text": text, "similarities": [{"text": other, "score": score} for score, other in ranked]})
        return
    table = Table(title=f"similarity to: {safe(text, 80)}", title_justify="left")
    table.add_column(opened.pretrained.settings.similarity, justify="right")
    table.add_column("text")
    for score, other in ranked:
        table.add_row(f"{score:.4f}", safe(other))
    out.print(table)
