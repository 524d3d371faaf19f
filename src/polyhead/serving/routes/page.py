"""The page at ``/``, and what it asks for beside the other routes."""

from importlib.resources import files

from fastapi import APIRouter, Request
from starlette.responses import Response

from polyhead.serving.asking import embedding_model, service_of
from polyhead.serving.errors import RequestError
from polyhead.serving.responses import json_response

router = APIRouter(include_in_schema=False)
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FILES = {
    each.name: each.read_bytes()
    for each in files("polyhead.serving").joinpath("page").iterdir()
    if each.name[each.name.rfind(".") :] in _TYPES
}


@router.get("/")
async def index(request: Request) -> Response:
    """The page itself."""
    return _file("index.html")


@router.get("/page/{name}")
async def part(request: Request, name: str) -> Response:
    """A part of it."""
    return _file(name)


def _file(name: str) -> Response:
    if name not in _FILES:
        raise RequestError(404, "there is no such part of the page")
    kind = _TYPES[name[name.rfind(".") :]]
    return Response(_FILES[name], headers={"Cache-Control": "no-cache"}, media_type=kind)


@router.get("/models/{model}/history")
async def history(request: Request) -> Response:
    """What was measured after each epoch of the training that made the model, if that is known."""
    return json_response({"rows": embedding_model(request).history})


@router.get("/v1/status")
async def status(request: Request) -> Response:
    """The numbers of now."""
    return json_response({**service_of(request).status(), "requests_open": request.app.gate.open})
