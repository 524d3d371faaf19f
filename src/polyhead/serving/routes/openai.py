"""OpenAI's routes: embeddings, and the list of models."""

import base64
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from polyhead.serving.asking import answered, body, embedding_model, named, post, service_of, texts_of, vectors
from polyhead.serving.errors import RequestError
from polyhead.serving.models import choose_model
from polyhead.serving.responses import json_response
from polyhead.serving.schemas import EmbeddingsBody

router = APIRouter(tags=["OpenAI"])
_NONE: dict[int | str, dict[str, Any]] = {404: {"description": "no such model"}}


@post(router, "/v1/embeddings", EmbeddingsBody, "Embeddings, as OpenAI's API gives them.")
@post(router, "/embeddings", EmbeddingsBody, "The same under the other name.")
async def embeddings(request: Request) -> Response:
    """A vector a text; base64 is of little-endian fp32."""
    asked = await body(request, EmbeddingsBody)
    given = asked.input
    if not isinstance(given, str) and any(not isinstance(each, str) for each in given):
        raise RequestError(
            422,
            "input: must be texts, found token ids of another tokenizer; LangChain's OpenAIEmbeddings sends texts with"
            " check_embedding_ctx_length=False",
            param="input",
        )
    served = embedding_model(request, asked.model)
    result = await service_of(request).answer(served, texts_of(given))  # type: ignore[arg-type]  # texts, as was seen
    answers = result.all("input")
    found = vectors(answers, served.model.width, dimensions=asked.dimensions, normalize=asked.dimensions is not None)

    def value() -> dict[str, Any]:
        rows: Any = found
        if asked.encoding_format == "base64":
            rows = [base64.b64encode(row.astype("<f4").tobytes()).decode() for row in found]
        data = [{"object": "embedding", "index": number, "embedding": row} for number, row in enumerate(rows)]
        usage = {"prompt_tokens": result.tokens, "total_tokens": result.tokens}
        return {"object": "list", "data": data, "model": served.name, "usage": usage}

    return await answered(request, value, result, served)


@router.get("/v1/models", summary="The models that are served.")
@router.get("/models/{model}/v1/models", summary="The one.", responses=_NONE)
@router.get("/models/{model}/tasks/{task}/v1/models", summary="The same.", responses=_NONE)
async def models(request: Request) -> Response:
    """Their names, as OpenAI's API lists them; under a model's name, it alone."""
    model, _ = named(request)
    found = service_of(request).models
    data = [_model(each.name) for each in (found if model is None else [choose_model(found, model)])]
    return json_response({"object": "list", "data": data})


@router.get("/v1/models/{name}", summary="One of them.", responses=_NONE)
@router.get("/models/{model}/v1/models/{name}", summary="The same.", responses=_NONE)
@router.get("/models/{model}/tasks/{task}/v1/models/{name}", summary="The same.", responses=_NONE)
async def model(request: Request, name: str) -> Response:
    """Whether there is one of that name."""
    return json_response(_model(choose_model(service_of(request).models, name).name))


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "polyhead"}
