"""What the routes share: which model and head is meant, texts as examples, headers about the work."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import numpy as np
from fastapi import APIRouter, Request
from starlette.responses import Response

from polyhead.data.example import Example
from polyhead.errors import UserError
from polyhead.kinds.base import FloatArray
from polyhead.serving.cache import Answer
from polyhead.serving.errors import RequestError
from polyhead.serving.models import Served, choose_model
from polyhead.serving.responses import json_bytes
from polyhead.serving.routing import Direct
from polyhead.serving.schemas import Body, Sentences, parsed
from polyhead.serving.service import Answered, Service
from polyhead.serving.settings import Overflow

_Body = TypeVar("_Body", bound=Body)
Route = Callable[[Request], Awaitable[Response]]

PREFIXES = ("", "/models/{model}", "/models/{model}/tasks/{task}")
"""Where each route stands: bare, under a model's name, and under a head's."""
_STATUSES: dict[int | str, dict[str, Any]] = {
    status: {"description": about}
    for status, about in {
        401: "no key, or a wrong one",
        404: "no such model or head",
        408: "the body came too slowly",
        413: "the body is too large",
        422: "the body is not as it must be; the message says where",
        429: "too much is waiting; see Retry-After",
        503: "starting, stopping or broken",
    }.items()
}


def post(
    router: APIRouter, path: str, schema: type[Body], about: str, *, prefixes: Sequence[str] = PREFIXES
) -> Callable[[Route], Route]:
    """Put a route at ``path`` under each of the prefixes, with its body's schema in the OpenAPI document."""
    content = {"application/json": {"schema": schema.model_json_schema(ref_template="#/components/schemas/{model}")}}
    content["application/json"]["schema"].pop("$defs", None)

    def add(route: Route) -> Route:
        for prefix in prefixes:
            parameters = [
                {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                for name in ("model", "task")
                if f"{{{name}}}" in prefix
            ]
            router.add_api_route(
                f"{prefix}{path}",
                route,
                methods=["POST"],
                route_class_override=Direct,
                summary=about,
                responses=_STATUSES,
                openapi_extra={"requestBody": {"required": True, "content": content}, "parameters": parameters},
                operation_id=f"{route.__name__}{path}{prefix}".replace("/", "_").replace("{", "").replace("}", ""),
            )
        return route

    return add


async def body(request: Request, schema: type[_Body]) -> _Body:
    """The request's body, read.

    Raises:
        RequestError: 422: it is not as it must be, or has more texts than a request may have.
    """
    raw, service = await request.body(), service_of(request)
    asked = await service.beside(len(raw), lambda: parsed(schema, raw))
    field = "input" if "input" in schema.model_fields else "inputs"
    given = getattr(asked, field, None)
    given = given.sentences if isinstance(given, Sentences) else given
    if isinstance(given, list) and len(given) > service.settings.texts:
        most = f"a request may have {service.settings.texts:,}: send several"
        raise RequestError(422, f"{len(given):,} texts; {most}", param=field)
    return asked


def service_of(request: Request) -> Service:
    """The server's service."""
    found: Service = request.app.state.service
    return found


def named(request: Request, given: str | None = None) -> tuple[str | None, str | None]:
    """The model and the head that the path names, or the body; the only model whatever the body calls it."""
    model, task = request.path_params.get("model"), request.path_params.get("task")
    if model is None and given is not None and len(service_of(request).models) > 1:
        model = given
    return model, task


def embedding_model(request: Request, given: str | None = None) -> Served:
    """The model whose embedding is asked for.

    Raises:
        RequestError: it is not clear which, or the path names a head.
    """
    model, task = named(request, given)
    if task not in (None, "embedding"):
        raise RequestError(422, f"an embedding is no answer of a head: use /models/{model}", param="task")
    return choose_model(service_of(request).models, model)


def texts_of(given: str | Sequence[str]) -> list[Example]:
    """Texts as examples."""
    return [Example(text) for text in ([given] if isinstance(given, str) else given)]


def overflow_of(truncate: bool | None) -> Overflow | None:
    """What ``truncate`` says of texts that are too long; the server's own choice where it says nothing."""
    return None if truncate is None else "truncate" if truncate else "error"


def vectors(answers: Sequence[Answer], width: int, *, dimensions: int | None, normalize: bool) -> FloatArray:
    """Their embeddings, the first ``dimensions``, at length 1 if wanted. *Shape:* (texts, dimensions).

    Raises:
        RequestError: 422: more dimensions than there are.
    """
    if dimensions is not None and dimensions > width:
        raise RequestError(422, f"dimensions must be from 1 to {width}, found {dimensions}", param="dimensions")
    if not answers:
        return np.zeros((0, dimensions or width), dtype=np.float32)
    found: FloatArray = np.stack([each.embedding for each in answers])[:, :dimensions]
    if normalize:
        found = found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
    return np.ascontiguousarray(found, dtype=np.float32)


def prompt_of(served: Served, name: str | None) -> str | None:
    """The text of a prompt that the model has.

    Raises:
        RequestError: 422: it has none of that name.
    """
    if name is None:
        return None
    try:
        return served.model.pretrained.settings.prompt_text(None, name)
    except UserError as error:
        raise RequestError(422, str(error), param="prompt_name") from None


async def compared(request: Request, given: Sentences, prompt_name: str | None, overflow: Overflow | None) -> Response:
    """A response with the model's own similarity of one sentence and each of the others."""
    served = embedding_model(request)
    texts, prompt = texts_of([given.source_sentence, *given.sentences]), prompt_of(served, prompt_name)
    result = await service_of(request).answer(served, texts, prompt=prompt, overflow=overflow)
    found = np.stack([each.embedding for each in result.all()])
    return await answered(request, lambda: served.model.similarity(found[:1], found[1:])[0], result, served)


async def answered(request: Request, value: Callable[[], Any], given: Answered, served: Served) -> Response:
    """A response with ``value`` as JSON, and headers that say what the work was."""
    numbers = len(given.answers) * served.model.width
    content = await service_of(request).beside(numbers // 8, lambda: json_bytes(value()))
    request.state.facts = {
        "model": served.name,
        "texts": len(given.answers),
        "tokens": given.tokens,
        "truncated": given.truncated,
    }
    times = given.times
    headers = {
        "x-model": served.name,
        "x-compute-tokens": str(given.tokens),
        "x-truncated": str(given.truncated),
        "x-tokenization-time": str(round(1000 * times.tokenize)),
        "x-queue-time": str(round(1000 * times.queue)),
        "x-inference-time": str(round(1000 * times.inference)),
    }
    return Response(content, 200, headers, "application/json")
