"""The page at ``/``, and what it asks for beside the other routes."""

import io
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from polyhead.page.files import PARTS, TYPES, ending
from polyhead.serving.asking import body, embedding_model, service_of
from polyhead.serving.errors import RequestError
from polyhead.serving.responses import json_response
from polyhead.serving.schemas import Body, FirstFault

router = APIRouter(include_in_schema=False)
_ROWS, _COLUMNS = 10_000, 256


@router.head("/")
@router.get("/")
async def index(request: Request) -> Response:
    """The page itself."""
    return _file("index.html")


@router.get("/page/{name}")
async def part(request: Request, name: str) -> Response:
    """A part of it."""
    return _file(name)


def _file(name: str) -> Response:
    if name not in PARTS:
        raise RequestError(404, "there is no such part of the page")
    return Response(PARTS[name], headers={"Cache-Control": "no-cache"}, media_type=TYPES[ending(name)])


class RowsBody(Body):
    """Rows of plain values."""

    rows: Annotated[list[dict[str, str | float | int | bool | None]], FirstFault(), Field(max_length=_ROWS)]


@router.post("/page/parquet")
async def parquet(request: Request) -> Response:
    """Rows as a Parquet file; a column of numbers is of floats, one of more than one type is of text."""
    asked = await body(request, RowsBody)
    names = list(dict.fromkeys(name for row in asked.rows for name in row))
    if len(names) > _COLUMNS:
        raise RequestError(422, f"rows: {len(names):,} columns; {_COLUMNS} at most", param="rows")
    size = 100 * len(asked.rows) * len(names)
    content = await service_of(request).beside(size, lambda: _parquet(asked.rows, names))
    return Response(content, media_type="application/octet-stream")


def _parquet(rows: list[dict[str, Any]], names: list[str]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = io.BytesIO()
    try:
        pq.write_table(pa.table({name: _column([row.get(name) for row in rows]) for name in names}), file)
    except (pa.ArrowException, OverflowError, UnicodeEncodeError) as error:
        raise RequestError(422, f"rows: cannot be written as Parquet ({type(error).__name__})", param="rows") from None
    return file.getvalue()


def _column(values: list[Any]) -> list[Any]:
    types = {type(value) for value in values if value is not None}
    if types == {int, float}:
        return [None if value is None else float(value) for value in values]
    return values if len(types) < 2 else [None if value is None else str(value) for value in values]


@router.get("/models/{model}/history")
async def history(request: Request) -> Response:
    """What was measured after each epoch of the training that made the model, if that is known; and its card."""
    served = embedding_model(request)
    return json_response({"rows": served.history, "card": served.card})


@router.get("/v1/status")
async def status(request: Request) -> Response:
    """The numbers of now."""
    return json_response({**service_of(request).status(), "requests_open": request.app.gate.open})
