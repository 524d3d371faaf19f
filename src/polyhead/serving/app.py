"""The application: everything put together. Nothing is listened to, loaded or trained here."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

from polyhead._version import __version__
from polyhead.serving.errors import RequestError
from polyhead.serving.gate import Gate
from polyhead.serving.logs import event
from polyhead.serving.metrics import Metrics
from polyhead.serving.models import Served
from polyhead.serving.responses import error_response
from polyhead.serving.routes import analyze, openai, operations, page, pipeline, tei
from polyhead.serving.routes.pipeline import PIPELINES
from polyhead.serving.routing import Table
from polyhead.serving.schemas import PipelineParameters, Sentences
from polyhead.serving.service import Service
from polyhead.serving.settings import ServingSettings

_ROUTES = (analyze, openai, tei, pipeline, operations, page)
_STARTING = "the server is starting"
_EXPOSED = ("x-model", "x-compute-tokens", "x-truncated", "x-tokenization-time", "x-queue-time", "x-inference-time",
            "retry-after")  # fmt: skip


class Server(FastAPI):
    """The application and its state.

    ``unready`` says why no request is taken, if none is; ``gate`` counts those that were; ``fault`` is what loading
    the models came to, if it failed.
    """

    gate: Gate
    fault: Exception | None = None

    def refuse(self, message: str) -> None:
        """Take no more requests; those that were taken are answered."""
        self.state.unready = message

    def openapi(self) -> dict[str, object]:
        """The OpenAPI document, with the schemas that bodies refer to."""
        made = self.openapi_schema is None
        document = super().openapi()
        if made:
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            schemas |= {each.__name__: each.model_json_schema() for each in (Sentences, PipelineParameters)}
            if self.state.settings.keys:
                document["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
                document["security"] = [{"key": []}]
        return document


def create_app(
    load: Callable[[], Sequence[Served]],
    settings: ServingSettings,
    *,
    on_failure: Callable[[], None] = lambda: None,
) -> Server:
    """The application; ``load`` gives the models, in a thread, while requests are answered with 503 already.

    ``on_failure`` is called when it raises, which is then the application's ``fault``.
    """
    service = Service(settings, Metrics())

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        loading = asyncio.create_task(_load(server, load, on_failure))
        yield
        loading.cancel()
        service.close()

    server = Server(
        title="Polyhead", version=__version__, lifespan=life, docs_url=None, redoc_url=None, redirect_slashes=False,
        separate_input_output_schemas=False,
    )  # fmt: skip
    server.state.service = service
    server.state.unready = _STARTING
    server.state.settings = settings
    server.state.metrics = service.metrics
    server.state.routes = [route for each in _ROUTES for route in each.router.routes]
    server.router.routes += [Table(server.state.routes), *server.state.routes]
    server.add_exception_handler(RequestError, _refused)
    server.add_exception_handler(HTTPException, _not_found)

    def gate(app: object) -> Gate:
        server.gate = Gate(app, server.state)  # type: ignore[arg-type]
        return server.gate

    server.add_middleware(gate)
    if settings.origins:
        server.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.origins),
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
            expose_headers=list(_EXPOSED),
        )
    return server


async def _load(server: Server, load: Callable[[], Sequence[Served]], on_failure: Callable[[], None]) -> None:
    service: Service = server.state.service
    try:
        service.open(await asyncio.to_thread(_opened, load))
    except Exception as error:  # noqa: BLE001  (whoever started the server is told)
        server.fault = error
        server.refuse("the models could not be loaded")
        on_failure()
        return
    while (fault := await service.healthy()) is not None and server.state.unready == _STARTING:
        event("unwell", logging.WARNING, fault=fault)
        await asyncio.sleep(1)
    if server.state.unready == _STARTING:  # and not stopping already
        server.state.unready = None
        event("ready", models=[each.name for each in service.models])


def _opened(load: Callable[[], Sequence[Served]]) -> Sequence[Served]:
    models = load()
    for each in models:
        event("loaded", model=each.name, hash=each.hash)
    return models


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestError)
    return error_response(error, request.url.path)


async def _not_found(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404 and "/pipeline/" in request.url.path:
        error = HTTPException(404, f"there is no such pipeline; there are {', '.join(PIPELINES)}")
    response = error_response(RequestError(error.status_code, str(error.detail)), request.url.path)
    response.headers.update(error.headers or {})
    return response
