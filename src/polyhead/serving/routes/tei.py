"""The routes of text-embeddings-inference."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from polyhead._version import __version__
from polyhead.data.example import Example
from polyhead.kinds import EMBEDDING, ClassificationTask, MultilabelTask, Task
from polyhead.serving.asking import (
    answered,
    body,
    compared,
    embedding_model,
    named,
    overflow_of,
    post,
    prompt_of,
    service_of,
    texts_of,
    vectors,
)
from polyhead.serving.errors import RequestError
from polyhead.serving.models import Served, choose_head, choose_model
from polyhead.serving.responses import json_bytes, json_response
from polyhead.serving.schemas import EmbedBody, PredictBody, SimilarityBody, SimilarityParameters, TokenizeBody
from polyhead.serving.scores import label_scores

router = APIRouter(tags=["text-embeddings-inference"])
_MOST_TOKENIZED = 1_000_000
"""Characters of a request to ``/tokenize``, which cuts nothing."""


@post(router, "/embed", EmbedBody, "Embeddings.")
@post(router, "/", EmbedBody, "The same, at the root.", prefixes=("",))
@post(router, "", EmbedBody, "The same, at a model's root.", prefixes=("/models/{model}",))
async def embed(request: Request) -> Response:
    """A vector a text, at length 1 unless told otherwise."""
    asked = await body(request, EmbedBody)
    served = embedding_model(request)
    result = await service_of(request).answer(
        served,
        texts_of(asked.inputs),
        prompt=prompt_of(served, asked.prompt_name),
        overflow=overflow_of(asked.truncate),
    )
    normalize = asked.normalize is not False
    found = vectors(result.all(), served.model.width, dimensions=asked.dimensions, normalize=normalize)
    return await answered(request, lambda: list(found), result, served)


@post(router, "/predict", PredictBody, "Labels with their scores, best first.")
async def predict(request: Request) -> Response:
    """Of one text a list; of several a list of lists. Two texts for a head of pairs are one row."""
    asked = await body(request, PredictBody)
    served, task = choose_head(service_of(request).models, *named(request), _has_labels, "with labels of a text")
    examples, several = _rows(asked.inputs, served.tasks[task])
    result = await service_of(request).answer(served, examples, [task], overflow=overflow_of(asked.truncate))
    answers, own = result.all(), served.tasks[task]

    def value() -> Any:
        rows = [
            label_scores(own, each.logits[task], each.document, function="none" if asked.raw_scores else None)
            for each in answers
        ]
        return rows if several else rows[0]

    return await answered(request, value, result, served)


def _has_labels(task: Task) -> bool:
    return isinstance(task, ClassificationTask | MultilabelTask)


def _rows(given: str | Sequence[str | Sequence[str]], task: Task) -> tuple[list[Example], bool]:
    """The rows that are meant, and whether they are a batch."""
    pair = task.level == "pair"
    if isinstance(given, str) or (pair and len(given) == 2 and all(isinstance(each, str) for each in given)):
        return [_row(given, pair, "inputs")], False
    return [_row(each, pair, f"inputs.{number}") for number, each in enumerate(given)], True


def _row(given: str | Sequence[Any], pair: bool, where: str) -> Example:
    texts = [given] if isinstance(given, str) else list(given)
    if len(texts) != 1 + pair:
        wanted = "two texts" if pair else "one text"
        raise RequestError(422, f"{where}: this head reads {wanted}, found {len(texts)}", param="inputs")
    return Example(texts[0], others=tuple(texts[1:]))


@post(router, "/similarity", SimilarityBody, "How alike one sentence and others are.")
async def similarity(request: Request) -> Response:
    """The model's own similarity, a number a sentence."""
    asked = await body(request, SimilarityBody)
    told = asked.parameters or SimilarityParameters()
    return await compared(request, asked.inputs, told.prompt_name, overflow_of(told.truncate))


@post(router, "/tokenize", TokenizeBody, "Texts as the model's tokens.")
async def tokenize(request: Request) -> Response:
    """Every token with its id and its place in the text, the prompt before it included; nothing is cut."""
    asked = await body(request, TokenizeBody)
    served = embedding_model(request)
    given = [asked.inputs] if isinstance(asked.inputs, str) else asked.inputs
    before = served.model.pretrained.settings.prompt_text(prompt_of(served, asked.prompt_name))
    texts = [before + each for each in given]
    tokenizer, size = served.model.pretrained.tokenizer, sum(map(len, texts))
    if size > _MOST_TOKENIZED:
        raise RequestError(
            422, f"{size:,} characters; {_MOST_TOKENIZED:,} at most are tokenized at a time", param="inputs"
        )

    def content() -> bytes:
        rows = tokenizer.tokens(texts, special=asked.add_special_tokens)
        return json_bytes(
            [
                [{"id": t.id, "text": t.text, "special": t.special, "start": t.start, "stop": t.end} for t in row]
                for row in rows
            ]
        )

    return Response(await service_of(request).beside(size, content), media_type="application/json")


@router.get("/info", summary="What is served, and its limits.")
@router.get("/models/{model}/info", summary="What one model is.", responses={404: {"description": "no such model"}})
@router.get("/models/{model}/tasks/{task}/info", summary="The same.", responses={404: {"description": "no such model"}})
async def info(request: Request) -> Response:
    """As text-embeddings-inference says it; the heads beside."""
    service = service_of(request)
    model, task = named(request)
    served = choose_model(service.models, model)
    if task not in (None, EMBEDDING):
        choose_head([served], None, task, lambda each: True, "anything")  # 404, if there is none of that name
    return json_response(_info(served, service.settings.requests, service.settings.texts))


def _info(served: Served, requests: int, texts: int) -> dict[str, Any]:
    model = served.model
    return {
        "model_id": served.name,
        "model_sha": served.hash,
        "model_dtype": str(model.engine.dtype).removeprefix("torch."),
        "model_type": {"embedding": {"pooling": model.pretrained.settings.pooling}},
        "max_concurrent_requests": requests,
        "max_input_length": model.max_length,
        "max_batch_tokens": model.engine.max_tokens,
        "max_client_batch_size": texts,
        "version": __version__,
        "embedding_width": model.width,
        "prompts": sorted(model.prompts),
        "heads": {
            name: {"kind": each.kind, "level": each.level, "labels": list(each.labels)}
            for name, each in served.tasks.items()
        },
    }
