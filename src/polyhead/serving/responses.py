"""Responses: JSON by orjson, which writes arrays without making lists of them."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

from polyhead.serving.errors import RequestError


def json_bytes(value: Any) -> bytes:
    """As JSON; arrays of numbers as lists, and what UTF-8 cannot hold escaped by the replacement character."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)
    except orjson.JSONEncodeError:
        return orjson.dumps(_without_surrogates(value), option=orjson.OPT_SERIALIZE_NUMPY)


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A response of JSON."""
    return Response(json_bytes(value), status, headers, "application/json")


def error_response(error: RequestError, path: str) -> Response:
    """An error, in the shape of its route."""
    return json_response(error.body(path), error.status, error.headers)


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, Mapping):
        return {_without_surrogates(key): _without_surrogates(each) for key, each in value.items()}
    return [_without_surrogates(each) for each in value] if isinstance(value, list | tuple) else value
