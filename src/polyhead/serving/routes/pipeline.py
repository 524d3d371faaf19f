"""Hugging Face's routes: ``/pipeline/{task}``, as its InferenceClient asks."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from polyhead.kinds import ClassificationTask, MultilabelTask, TaggingTask
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
from polyhead.serving.models import choose_head
from polyhead.serving.schemas import PipelineBody, PipelineParameters, Sentences
from polyhead.serving.scores import entities, label_scores, over_pieces

router = APIRouter(tags=["Hugging Face"])
PIPELINES = ("feature-extraction", "sentence-similarity", "text-classification", "token-classification")


@post(router, "/pipeline/feature-extraction", PipelineBody, "Embeddings.")
async def feature_extraction(request: Request) -> Response:
    """A vector a text, as the model gives it unless ``normalize`` is told."""
    asked, told = await _asked(request)
    served = embedding_model(request)
    result = await service_of(request).answer(
        served, texts_of(_texts(asked)), prompt=prompt_of(served, told.prompt_name), overflow=overflow_of(told.truncate)
    )
    found = vectors(result.all(), served.model.width, dimensions=told.dimensions, normalize=bool(told.normalize))
    return await answered(request, lambda: list(found), result, served)


@post(router, "/pipeline/sentence-similarity", PipelineBody, "How alike one sentence and others are.")
async def sentence_similarity(request: Request) -> Response:
    """The model's own similarity, a number a sentence."""
    asked, told = await _asked(request)
    if not isinstance(asked.inputs, Sentences):
        raise RequestError(422, "inputs: must be {source_sentence, sentences}", param="inputs")
    return await compared(request, asked.inputs, told.prompt_name, overflow_of(told.truncate))


@post(router, "/pipeline/text-classification", PipelineBody, "Labels with their scores, best first.")
async def text_classification(request: Request) -> Response:
    """A list of labels a text."""
    asked, told = await _asked(request)
    served, task = choose_head(
        service_of(request).models,
        *named(request),
        lambda each: isinstance(each, ClassificationTask | MultilabelTask) and each.level != "pair",
        "with labels of a text",
    )
    result = await service_of(request).answer(
        served, texts_of(_texts(asked)), [task], overflow=overflow_of(told.truncate)
    )
    answers, own = result.all(), served.tasks[task]
    return await answered(
        request,
        lambda: [
            label_scores(own, each.logits[task], each.document, function=told.function_to_apply, top=told.top_k)
            for each in answers
        ],
        result,
        served,
    )


@post(router, "/pipeline/token-classification", PipelineBody, "Entities.")
async def token_classification(request: Request) -> Response:
    """Of one text its entities, of several a list a text; with ``aggregation_strategy: none`` every word's tag."""
    asked, told = await _asked(request)
    strategy = told.aggregation_strategy or "simple"
    served, task = choose_head(
        service_of(request).models, *named(request), lambda each: isinstance(each, TaggingTask), "with entities"
    )
    texts, own = _texts(asked), served.tasks[task]
    assert isinstance(own, TaggingTask)
    if own.crf and strategy in ("average", "max"):
        raise RequestError(
            422, f"aggregation_strategy: {task} has a CRF, which answers for words; use first", param="parameters"
        )
    result = await service_of(request).answer(served, texts_of(texts), [task], overflow=overflow_of(told.truncate))
    answers = result.all()

    def value() -> Any:
        rows = []
        for each in answers:
            logits = over_pieces(own, each.logits[task], each.document, strategy)
            rows.append(entities(own, logits, each.document, grouped=strategy != "none", ignored=told.ignore_labels))
        return rows[0] if isinstance(texts, str) else rows

    return await answered(request, value, result, served)


async def _asked(request: Request) -> tuple[PipelineBody, PipelineParameters]:
    """The body, and its parameters, wherever they stand."""
    asked = await body(request, PipelineBody)
    told = asked.parameters or PipelineParameters()
    beside = {name: getattr(asked, name) for name in ("normalize", "dimensions", "truncate", "prompt_name")}
    return asked, told.model_copy(update={name: value for name, value in beside.items() if value is not None})


def _texts(asked: PipelineBody) -> str | list[str]:
    if isinstance(asked.inputs, Sentences):
        raise RequestError(422, "inputs: must be a text or a list of texts", param="inputs")
    return asked.inputs
