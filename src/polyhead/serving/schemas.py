"""What requests look like. Fields that a client sends beside these are passed over, as its other servers do."""

import json
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, FailFast, Field, ValidationError

from polyhead.serving.errors import RequestError


class FirstFault(FailFast):
    """A list stops at its first fault, since a fault a text would take more memory than the body."""

    __hash__ = object.__hash__  # so that it can stand in a union


Strings = Annotated[list[str], FirstFault()]
Texts = str | Strings
_Ids = Annotated[list[int], FirstFault()]
_Right = Literal["Right", "right"]
"""The side on which texts are cut, as clients spell it; there is no other."""


class Body(BaseModel):
    """The body of a request."""

    model_config = ConfigDict(extra="ignore")
    halves: ClassVar[bool] = False
    """Whether half a surrogate pair may stand in it, so that the text that holds it can have an error of its own."""


class EmbeddingsBody(Body):
    """OpenAI's ``/v1/embeddings``."""

    input: Texts | _Ids | Annotated[list[_Ids], FirstFault()]
    model: str | None = None
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: int | None = Field(None, ge=1)


class EmbedBody(Body):
    """TEI's ``/embed`` and Hugging Face's ``feature-extraction``."""

    inputs: Texts
    truncate: bool | None = None
    normalize: bool | None = None
    dimensions: int | None = Field(None, ge=1)
    prompt_name: str | None = None
    truncation_direction: _Right | None = None


class PredictBody(Body):
    """TEI's ``/predict``: a text, two together, or a batch of either."""

    inputs: Texts | Annotated[list[Strings], FirstFault()]
    raw_scores: bool = False
    truncate: bool | None = None
    truncation_direction: _Right | None = None


class Sentences(BaseModel):
    """One sentence, and those that it is compared with."""

    source_sentence: str
    sentences: Strings = Field(min_length=1)


class SimilarityParameters(BaseModel):
    """How its texts are read."""

    truncate: bool | None = None
    truncation_direction: _Right | None = None
    prompt_name: str | None = None


class SimilarityBody(Body):
    """TEI's ``/similarity``."""

    inputs: Sentences
    parameters: SimilarityParameters | None = None


class TokenizeBody(Body):
    """TEI's ``/tokenize``."""

    inputs: Texts
    add_special_tokens: bool = True
    prompt_name: str | None = None


class PipelineParameters(BaseModel):
    """What a pipeline is told, all kinds together."""

    model_config = ConfigDict(extra="ignore")

    top_k: int | None = Field(None, ge=1)
    function_to_apply: Literal["softmax", "sigmoid", "none"] | None = None
    aggregation_strategy: Literal["none", "simple", "first", "average", "max"] | None = None
    ignore_labels: Strings | None = None
    normalize: bool | None = None
    dimensions: int | None = Field(None, ge=1)
    encoding_format: Literal["float"] | None = None
    truncate: bool | None = None
    truncation_direction: _Right | None = None
    prompt_name: str | None = None


class PipelineBody(Body):
    """Hugging Face's ``/pipeline/{task}``; of ``feature-extraction`` the parameters may stand beside the inputs."""

    inputs: Texts | Sentences
    parameters: PipelineParameters | None = None
    normalize: bool | None = None
    dimensions: int | None = Field(None, ge=1)
    encoding_format: Literal["float"] | None = None
    truncate: bool | None = None
    truncation_direction: _Right | None = None
    prompt_name: str | None = None


class AnalyzeBody(Body):
    """Ours: ``/v1/analyze``. An input is a text, a list of words, or ``{"text": …, "text_pair": …}``."""

    halves: ClassVar[bool] = True
    inputs: list[Any]
    tasks: Strings | None = None
    model: str | None = None
    prompt_name: str | None = None
    overflow: Literal["error", "truncate", "window"] | None = None


_Body = TypeVar("_Body", bound=Body)


def parsed(schema: type[_Body], raw: bytes) -> _Body:
    """The body, read.

    Raises:
        RequestError: 422: it is no JSON of this shape; the message says where and what was found.
    """
    try:
        return _read(schema, raw)
    except ValidationError as error:
        faults = [(_place(schema, each["loc"]), each["msg"]) for each in error.errors(include_url=False)]
        # of what may be meant, the one that came furthest
        place, message = max(faults, key=lambda each: len(each[0]))
        param = ".".join(place) or None
        raise RequestError(422, f"{param or 'body'}: {message}"[:300], param=param) from None


def _read(schema: type[_Body], raw: bytes) -> _Body:
    try:
        return schema.model_validate_json(raw)
    except ValidationError:
        if not schema.halves or b"\\u" not in raw:
            raise
        try:
            value = json.loads(raw)  # which takes half a surrogate pair
        except (ValueError, RecursionError):
            value = None
        if value is None:
            raise
        return schema.model_validate(value)


def _place(schema: type[Body], location: Sequence[str | int]) -> list[str]:
    """Where in the body, without the names of the types that were tried."""
    known = {name for each in (schema, Sentences, PipelineParameters) for name in each.model_fields}
    return [str(each) for each in location if isinstance(each, int) or each in known]
