"""What every request passes first: is the server ready, has it a key, is its body small enough. Then it is noted.

Plain ASGI, since it stands before each request.
"""

import asyncio
import hashlib
import hmac
import logging
import time
from collections.abc import Sequence
from typing import Any, Protocol

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from polyhead.serving.errors import RequestError
from polyhead.serving.logs import event
from polyhead.serving.metrics import Metrics
from polyhead.serving.responses import error_response
from polyhead.serving.settings import ServingSettings

PUBLIC = frozenset({"/health", "/ready", "/metrics", "/", "/openapi.json"})
"""Routes that need no key, where they are asked by GET."""
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
_CSP = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    b" font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class State(Protocol):
    """What the gate looks at."""

    unready: str | None
    """Why no request is taken, if none is."""
    settings: ServingSettings
    metrics: Metrics


class Gate:
    """Stands before the application."""

    def __init__(self, app: ASGIApp, state: State) -> None:
        self.app = app
        self.state = state
        self.open = 0
        """Requests that were taken and not answered yet."""
        self._keys = [_digest(key.encode()) for key in state.settings.keys]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let it pass, or answer what is wrong."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500
        public = scope["method"] in ("GET", "HEAD") and _is_public(scope["path"])

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *_HEADERS, (b"content-security-policy", _CSP)]
            await send(message)

        self.open += not public
        try:
            try:
                receive = await self._admitted(scope, receive, public=public)
            except RequestError as error:
                await error_response(error, scope["path"])(scope, receive, noted)
            else:
                await self._answered(scope, receive, noted)
        finally:
            self.open -= not public
            self._note(scope, status, time.perf_counter() - started, public=public)

    async def _answered(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The application's answer; 500 with the headers of all answers, where it fails before it has begun one."""
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:
            event("failed", logging.ERROR, error=error, route=_route(scope))
            if begun:
                raise
            fault = RequestError(500, "the server failed; its log says where")
            await error_response(fault, scope["path"])(scope, receive, send)

    async def _admitted(self, scope: Scope, receive: Receive, *, public: bool) -> Receive:
        state = self.state
        if public:
            return receive
        if state.unready is not None:
            raise RequestError(503, state.unready, retry_after=1)
        if self._keys:
            self._check_key(scope["headers"])
        if scope["method"] != "POST":
            return receive
        if self.open > state.settings.requests:
            raise RequestError(429, f"{state.settings.requests} requests are under way; try again later", retry_after=1)
        return await self._body(scope, receive)

    def _check_key(self, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """All keys are compared, in constant time, whichever it is."""
        given = next((value for name, value in headers if name == b"authorization"), b"")
        scheme, _, key = given.partition(b" ")
        found = [hmac.compare_digest(_digest(key.strip()), own) for own in self._keys]
        if scheme.lower() != b"bearer" or not any(found):
            raise RequestError(401, "a key is needed: Authorization: Bearer KEY", code="invalid_api_key")

    async def _body(self, scope: Scope, receive: Receive) -> Receive:
        """The whole body, read while it is small and quick enough; who comes after gets it at once."""
        settings = self.state.settings
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if declared.isdigit() and int(declared) > settings.body_bytes:
            raise _too_large(settings)
        parts: list[bytes] = []
        size, last = 0, False
        try:
            async with asyncio.timeout(settings.client_seconds):
                while not last:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise RequestError(408, "the client went away before its body was here")
                    parts.append(message.get("body", b""))
                    size += len(parts[-1])
                    if size > settings.body_bytes:
                        raise _too_large(settings)
                    last = not message.get("more_body", False)
        except TimeoutError:
            raise RequestError(408, f"the body was not here within {settings.client_seconds:g} seconds") from None
        whole: Message | None = {"type": "http.request", "body": b"".join(parts), "more_body": False}

        async def again() -> Message:
            nonlocal whole
            message, whole = whole, None
            return message if message is not None else await receive()

        return again

    def _note(self, scope: Scope, status: int, seconds: float, *, public: bool) -> None:
        route = _route(scope)
        self.state.metrics.requests.labels(route, str(status)).inc()
        self.state.metrics.seconds.labels(route).observe(seconds)
        if not public:
            facts: dict[str, Any] = dict(scope.get("state", {}).get("facts", {}))
            event("request", route=route, status=status, seconds=round(seconds, 5), **facts)


def _route(scope: Scope) -> str:
    """The route's path; that of the request is the client's word."""
    return str(getattr(scope.get("route"), "path", "other"))


def _is_public(path: str) -> bool:
    return path in PUBLIC or path.startswith("/page/")


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()


def _too_large(settings: ServingSettings) -> RequestError:
    return RequestError(413, f"the body is larger than {settings.body_bytes:,} bytes; send fewer texts at a time")
