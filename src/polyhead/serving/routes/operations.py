"""Routes for whoever runs the server."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from polyhead.serving.asking import service_of
from polyhead.serving.errors import RequestError
from polyhead.serving.responses import json_response

router = APIRouter(tags=["operations"])
_UNWELL: dict[int | str, dict[str, Any]] = {503: {"description": "starting, stopping or broken"}}


@router.head("/health", include_in_schema=False)
@router.get("/health", summary="Runs every model on a word; 503 if one does not answer in time.", responses=_UNWELL)
async def health(request: Request) -> Response:
    """Alive and well."""
    unready = request.app.state.unready
    fault = unready or await service_of(request).healthy()
    if fault is not None:
        raise RequestError(503, fault, retry_after=1)
    return json_response({"status": "ok"})


@router.head("/ready", include_in_schema=False)
@router.get("/ready", summary="Whether requests are taken.", responses=_UNWELL)
async def ready(request: Request) -> Response:
    """Nothing is run."""
    if request.app.state.unready is not None:
        raise RequestError(503, request.app.state.unready, retry_after=1)
    return json_response({"status": "ready", "models": [each.name for each in service_of(request).models]})


@router.get("/metrics", summary="Numbers for Prometheus.")
async def metrics(request: Request) -> Response:
    """In its text format."""
    return Response(service_of(request).metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
