"""What goes wrong with a request, in the shape that the client of its route expects."""

import re
from typing import Any

_PREFIX = re.compile("^/models/[^/]+(/tasks/[^/]+)?")
"""What may stand before a route: a model's name, a head's."""
_OPENAI_TYPES = {401: "authentication_error", 429: "rate_limit_error"}
_TEI_TYPES = {
    401: "unauthorized",
    404: "not_found",
    405: "method_not_allowed",
    408: "timeout",
    413: "validation",
    422: "validation",
    429: "overloaded",
    503: "unhealthy",
}


class RequestError(Exception):
    """A request that gets an error: ``message`` is one line that says what to do.

    ``param`` names the part of the body; ``code`` is a name for programs; ``choices`` are what could be asked for
    instead; ``retry_after`` is in seconds.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        choices: list[str] | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.param = param
        self.code = code
        self.choices = choices
        self.retry_after = retry_after

    def body(self, path: str) -> dict[str, Any]:
        """What is answered on a route of this path."""
        extra = {} if self.choices is None else {"choices": self.choices}
        if is_openai(path):
            kind = _OPENAI_TYPES.get(self.status, "server_error" if self.status >= 500 else "invalid_request_error")
            return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code, **extra}}
        return {"error": self.message, "error_type": _TEI_TYPES.get(self.status, "backend"), **extra}

    @property
    def headers(self) -> dict[str, str]:
        """Headers that belong to it."""
        found = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return found | ({"WWW-Authenticate": "Bearer"} if self.status == 401 else {})


def is_openai(path: str) -> bool:
    """Whether a client of OpenAI's API asks, which reads errors of another shape."""
    route = _PREFIX.sub("", path)
    return route.startswith("/v1/") or route == "/embeddings"
