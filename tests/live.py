"""Servers for tests: real ones, on a port of their own, in a thread; models are tiny and their heads untrained."""

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from polyhead import Polyhead
from polyhead.serving import Served, ServingSettings, create_app
from polyhead.serving.app import Server
from polyhead.serving.server import HttpServer


class Live:
    """A server that runs: its application, its address, and a client for it."""

    def __init__(self, app: Server, url: str) -> None:
        self.app = app
        self.url = url
        self.http = httpx.Client(base_url=url, timeout=30)


@contextmanager
def serving(models: Sequence[Served], *, loaded: bool = True, load: Any = None, **settings: Any) -> Iterator[Live]:
    """A server of these models; ``loaded`` waits until it takes requests."""
    given = ServingSettings(**settings)
    app = create_app(load or (lambda: models), given)
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        port = some.getsockname()[1]
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, access_log=False)
    server = HttpServer(config, app, given)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started or (loaded and app.state.unready is not None):
        assert thread.is_alive()
        assert not loaded or app.fault is None, app.fault
        time.sleep(0.005)
    live = Live(app, f"http://127.0.0.1:{port}")
    try:
        yield live
    finally:
        live.http.close()
        server.should_exit = True
        thread.join(timeout=20)
        assert not thread.is_alive()


def with_heads(backbone: Path) -> Polyhead:
    """A model with a head of each sort that routes tell apart, in fp32."""
    model = Polyhead.from_pretrained(backbone, dtype="float32")
    model.add_head("topic", "classification", ["travel", "politics", "other"])
    model.add_head("sentiment", "classification", ["positive", "negative"])
    model.add_head("themes", "multilabel", ["sun", "rain"])
    model.add_head("entities", "tagging", ["PER", "LOC"], word_shapes=True)
    model.add_head("same", "classification", ["yes", "no"], pair=True)
    model.add_head("stars", "regression", range=(0, 5))
    return model


def slowed(app: Server, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every pass of the only model take so long."""
    predictor = app.state.service.models[0].predictor
    run = predictor.run

    def later(*given: Any, **options: Any) -> Any:
        time.sleep(seconds)
        return run(*given, **options)

    monkeypatch.setattr(predictor, "run", later)
