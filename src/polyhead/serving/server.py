"""The process: uvicorn, with a stop that loses nothing it has accepted."""

import time
from collections.abc import Callable, Sequence
from types import FrameType

import uvicorn

from polyhead.serving.app import Server, create_app
from polyhead.serving.logs import to_standard_error
from polyhead.serving.models import Served
from polyhead.serving.settings import ServingSettings


class _Draining(uvicorn.Server):
    """After the first signal new requests get 503 while accepted ones finish; the second ends it at once."""

    def __init__(self, config: uvicorn.Config, app: Server, seconds: float) -> None:
        super().__init__(config)
        self._app = app
        self._seconds = seconds
        self._until: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """What a signal does."""
        if self._until is not None or not self.started:
            super().handle_exit(sig, frame)
            return
        self._until = time.monotonic() + self._seconds
        self._app.refuse("the server is stopping")

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: whether it is time to go."""
        drained = self._until is not None and (not self._app.gate.open or time.monotonic() > self._until)
        return await super().on_tick(counter) or drained


def serve(
    load: Callable[[], Sequence[Served]],
    settings: ServingSettings,
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    log_level: str = "info",
) -> None:
    """Listen until SIGINT or SIGTERM.

    Raises:
        Exception: what ``load`` raised.
    """
    to_standard_error(log_level)
    running: list[_Draining] = []

    def failed() -> None:
        for each in running:
            each.should_exit = True

    app = create_app(load, settings, on_failure=failed)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=5,
    )
    running.append(_Draining(config, app, settings.drain_seconds))
    running[0].run()
    if app.fault is not None:
        raise app.fault
