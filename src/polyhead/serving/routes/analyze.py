"""Our own route: every task of every text, from one pass."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from polyhead.data.example import Example
from polyhead.errors import UserError, shown
from polyhead.inference.inputs import as_examples
from polyhead.kinds import EMBEDDING
from polyhead.serving.asking import answered, body, named, post, prompt_of, service_of
from polyhead.serving.cache import Answer
from polyhead.serving.errors import RequestError
from polyhead.serving.models import Served, choose_model
from polyhead.serving.schemas import AnalyzeBody
from polyhead.serving.service import prediction

router = APIRouter(tags=["Polyhead"])


@post(router, "/v1/analyze", AnalyzeBody, "Every task of every text, from one pass.")
async def analyze(request: Request) -> Response:
    """A result an input, in their order: each task's answer under its name, or an ``error`` of its own."""
    asked = await body(request, AnalyzeBody)
    if asked.overflow == "window":
        raise RequestError(422, "overflow: windows are not there yet; use error or truncate", param="overflow")
    model, task = named(request, asked.model)
    served = choose_model(service_of(request).models, model)
    chosen = asked.tasks if task is None else [task]
    tasks = _tasks(served, chosen)
    heads = [name for name in tasks if name != EMBEDDING]
    needs_two = chosen is not None and any(served.tasks[name].level == "pair" for name in heads)
    examples = [_example(each, number, needs_two) for number, each in enumerate(asked.inputs)]
    prompt = prompt_of(served, asked.prompt_name)
    result = await service_of(request).answer(served, examples, heads, prompt=prompt, overflow=asked.overflow)

    def value() -> dict[str, Any]:
        times = result.times
        return {
            "model": served.name,
            "results": [_result(each, served, heads, EMBEDDING in tasks) for each in result.answers],
            "usage": {"prompt_tokens": result.tokens, "total_tokens": result.tokens},
            "seconds": {"tokenize": times.tokenize, "queue": times.queue, "inference": times.inference},
        }

    return await answered(request, value, result, served)


def _tasks(served: Served, names: Sequence[str] | None) -> list[str]:
    known = [EMBEDDING, *served.tasks]
    for name in names or ():
        if name not in known:
            raise RequestError(
                422, f"tasks: there are {', '.join(known)}; found {shown(name)}", param="tasks", choices=known
            )
    return known if names is None else list(dict.fromkeys(names))


def _example(value: Any, number: int, needs_two: bool) -> Example | RequestError:
    try:
        [example] = as_examples([value])
    except UserError as error:
        return RequestError(422, str(error).replace("inputs[0]", f"inputs[{number}]"), param="inputs")
    if any(_halved(text) for text in example.texts):
        return RequestError(422, f"inputs[{number}]: half a surrogate pair is no character; send the whole pair")
    if needs_two and not example.others:
        return RequestError(422, f"inputs[{number}]: a task here reads text and text_pair", param="inputs")
    return example


def _halved(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _result(answer: Answer | RequestError, served: Served, heads: Sequence[str], embedding: bool) -> dict[str, Any]:
    if isinstance(answer, RequestError):
        return {"error": {"message": answer.message, "code": answer.code or "bad_input"}}
    row = prediction(answer, served, heads, embedding=False).as_dict()
    del row["text"]
    return row | ({"embedding": answer.embedding} if embedding else {})
