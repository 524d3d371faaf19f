"""``polyhead encode``."""

import io
from pathlib import Path
from typing import Annotated

import typer

from polyhead.cli.common import (
    Device,
    Dtype,
    Json,
    Model,
    Texts,
    note_encoder,
    notes,
    open_model,
    out,
    print_json,
    read_texts,
    safe,
)
from polyhead.errors import UserError


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(no_args_is_help=True)(encode)


def encode(
    model: Model,
    texts: Texts = None,
    output: Annotated[Path | None, typer.Option(help="Write to this file: .npy, or .parquet with the texts.")] = None,
    prompt_name: Annotated[str | None, typer.Option(help="The name of a prompt that the model keeps.")] = None,
    prompt: Annotated[str | None, typer.Option(help="A prompt to stand before every text.")] = None,
    normalize: Annotated[bool, typer.Option("--normalize", help="Give every embedding the length 1.")] = False,
    truncate_dim: Annotated[int | None, typer.Option(min=1, help="Keep the first dimensions only.")] = None,
    dtype: Dtype = "auto",
    device: Device = None,
    json: Json = False,
) -> None:
    """Embeddings of texts. --json prints one object a line."""
    if output and output.suffix not in (".npy", ".parquet"):
        raise UserError(f"--output: must end in .npy or .parquet, found {output.name}")
    given = read_texts(texts)
    opened = open_model(model, device=device, dtype=dtype, allow_mismatch=True)
    embeddings = opened.encode(
        given,
        prompt_name=prompt_name,
        prompt=prompt,
        normalize_embeddings=normalize,
        truncate_dim=truncate_dim,
        show_progress_bar=output is not None and not json,
    )
    note_encoder(opened, given)
    if output:
        from polyhead.folder.files import write_bytes

        write_bytes(output, _npy(embeddings) if output.suffix == ".npy" else _parquet(given, embeddings))
        notes.print(f"{len(embeddings):,} embeddings of {embeddings.shape[1]} dimensions in {output}", markup=False)
    if json:
        for text, row in zip(given, embeddings.tolist(), strict=True):
            print_json({"text": text, "embedding": row}, indent=None)
    elif not output:
        for text, row in zip(given, embeddings, strict=True):
            head = " ".join(f"{value:+.3f}" for value in row[:6])
            out.print(f"[bold]{safe(text, 60)}[/]  {head} … ({len(row)} dimensions)")
        out.print("Write all of it with --output embeddings.npy, or --json")


def _npy(embeddings: object) -> bytes:
    import numpy as np

    buffer = io.BytesIO()
    np.save(buffer, np.asarray(embeddings), allow_pickle=False)
    return buffer.getvalue()


def _parquet(texts: list[str], embeddings: object) -> bytes:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    matrix = np.asarray(embeddings, dtype=np.float32)
    column = pa.FixedSizeListArray.from_arrays(pa.array(matrix.reshape(-1)), matrix.shape[1])
    clean = [text.encode("utf-8", "replace").decode() for text in texts]
    buffer = io.BytesIO()
    pq.write_table(pa.table({"text": pa.array(clean), "embedding": column}), buffer)
    return buffer.getvalue()
