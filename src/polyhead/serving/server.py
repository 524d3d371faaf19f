"""The process: uvicorn, with a stop that loses nothing it has accepted."""

import os
import socket
import time
from collections.abc import Callable, Sequence
from types import FrameType

import uvicorn

from polyhead.errors import UserError
from polyhead.serving.app import Server, create_app
from polyhead.serving.connections import Patience
from polyhead.serving.logs import event, to_standard_error
from polyhead.serving.models import Served
from polyhead.serving.settings import ServingSettings

_BACKLOG = 2048
"""Connections that may wait to be taken."""
_TICKS = 5
"""Ticks, of which there are ten a second, between two looks at the connections."""


class HttpServer(uvicorn.Server):
    """After the first signal new requests get 503 while accepted ones finish; the second ends it at once.

    Clients that keep it waiting longer than ``settings.client_seconds`` are cut off.
    """

    def __init__(self, config: uvicorn.Config, app: Server, settings: ServingSettings) -> None:
        super().__init__(config)
        self._app = app
        self._seconds = settings.drain_seconds
        self._until: float | None = None
        self._patience = Patience(settings.client_seconds)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """What a signal does."""
        if self._until is not None or not self.started:
            super().handle_exit(sig, frame)
            return
        self._until = time.monotonic() + self._seconds
        self._app.refuse("the server is stopping")

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: whether it is time to go."""
        if counter % _TICKS == 0 and (closed := self._patience.look(self.server_state.connections, time.monotonic())):
            event("cut off", connections=closed)
        drained = self._until is not None and (not self._app.gate.open or time.monotonic() > self._until)
        return await super().on_tick(counter) or drained


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 is any free one.

    Raises:
        UserError: it cannot, since another process does, or there is no such address.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise UserError(f"serve: cannot listen on {host} port {port} ({reason}); choose another --port") from None


def serve(
    load: Callable[[], Sequence[Served]],
    settings: ServingSettings,
    place: socket.socket,
    *,
    log_level: str = "info",
) -> None:
    """Answer at ``place`` until SIGINT or SIGTERM.

    Raises:
        Exception: what ``load`` raised.
    """
    to_standard_error(log_level)
    event("listening", host=place.getsockname()[0], port=place.getsockname()[1])
    running: list[HttpServer] = []

    def failed() -> None:
        for each in running:
            each.should_exit = True

    app = create_app(load, settings, on_failure=failed)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=5,
    )
    running.append(HttpServer(config, app, settings))
    running[0].run(sockets=[place])
    if app.fault is not None:
        raise app.fault
