"""What every request passes first: is the server ready, has it a key, is its body small enough. Then it is noted.

Plain ASGI, since it stands before each request.
"""

import asyncio
import hashlib
import hmac
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol

from starlette.routing import BaseRoute, Match
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
)
_CSP = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    b" font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


_BODIES = 4
"""As many times the requests that may be under way may be on their way here: a slow client takes none's place."""
_LEAVES = 0.2
"""Seconds after which it is worth while to notice that a client has left."""
_LEFT = 499
"""The status that is noted for such a request; nobody gets it."""


class State(Protocol):
    """What the gate looks at."""

    unready: str | None
    """Why no request is taken, if none is."""
    settings: ServingSettings
    metrics: Metrics
    routes: Sequence[BaseRoute]


class Gate:
    """Stands before the application."""

    def __init__(self, app: ASGIApp, state: State) -> None:
        self.app = app
        self.state = state
        self.open = 0
        """Requests that were taken and not answered yet."""
        self.working = 0
        """Those of them whose body is here."""
        state.metrics.under_way(lambda: self.working)
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
                given = await self._admitted(scope, receive, public=public)
            except RequestError as error:
                await error_response(error, scope["path"])(scope, receive, noted)
                return
            self.working += not public
            try:
                async with _while_there(receive):
                    await self._answered(scope, given, noted)
            except ClientLeft:
                status = _LEFT
            finally:
                self.working -= not public
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
            event("failed", logging.ERROR, error=error, route=self._route(scope))
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
        self._check_room(self.open > _BODIES * state.settings.requests)
        receive = await self._body(scope, receive)
        self._check_room()
        return receive

    def _check_room(self, full: bool = False) -> None:
        most = self.state.settings.requests
        if full or self.working >= most:
            raise RequestError(429, f"{most} requests are under way; try again later", retry_after=1)

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
        route = self._route(scope)
        self.state.metrics.requests.labels(route, str(status)).inc()
        self.state.metrics.seconds.labels(route).observe(seconds)
        if not public:
            facts: dict[str, Any] = dict(scope.get("state", {}).get("facts", {}))
            event("request", route=route, status=status, seconds=round(seconds, 5), **facts)

    def _route(self, scope: Scope) -> str:
        """The route's path, of one that was refused, too; that of the request is the client's word."""
        route = scope.get("route") or next(
            (each for each in self.state.routes if each.matches(scope)[0] is not Match.NONE), None
        )
        return str(getattr(route, "path", "other"))


class ClientLeft(Exception):
    """There is nobody to answer any more."""


@asynccontextmanager
async def _while_there(receive: Receive) -> AsyncIterator[None]:
    """Do what is in the block as long as there is a client.

    Raises:
        ClientLeft: it went away; what waited in the queue for it is forgotten.
    """
    doing, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert doing is not None
    left, watch = False, None

    async def look() -> None:
        nonlocal left
        while (await receive())["type"] != "http.disconnect":
            pass
        left = True
        doing.cancel()

    def begin() -> None:
        nonlocal watch
        watch = loop.create_task(look())

    later = loop.call_later(_LEAVES, begin)
    try:
        yield
    except asyncio.CancelledError:
        if left and not doing.uncancel():
            raise ClientLeft from None
        raise
    finally:
        later.cancel()
        if watch is not None:
            watch.cancel()


def _is_public(path: str) -> bool:
    return path in PUBLIC or path.startswith("/page/")


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()


def _too_large(settings: ServingSettings) -> RequestError:
    return RequestError(413, f"the body is larger than {settings.body_bytes:,} bytes; send fewer texts at a time")
