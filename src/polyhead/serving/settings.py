"""What a server is told: its limits, its keys, who may ask it."""

from dataclasses import dataclass
from typing import Literal

Overflow = Literal["error", "truncate"]
"""What becomes of a text that is longer than the model reads: it is refused, or cut and marked."""


@dataclass(frozen=True, slots=True)
class ServingSettings:
    """Limits are per server, whatever the number of models.

    ``body_bytes`` and ``texts`` bound one request, ``text_tokens`` a text where a model reads more; ``requests`` and
    ``queue_texts`` bound what waits at a time, beyond which the answer is 429; ``cache_bytes`` bounds the answers that
    are remembered, 0 for none. Times are in seconds: ``client_seconds`` for a client to send its head or its body, or
    to take some of its answer; ``health_seconds`` for the model to answer before health goes red; ``drain_seconds``
    for accepted requests to finish after SIGTERM. ``keys`` are Bearer keys, any of which opens; none for an open
    server. ``origins`` are the web origins whose pages may ask, ``*`` for all.
    """

    body_bytes: int = 32 * 2**20
    texts: int = 10_000
    text_tokens: int | None = None
    requests: int = 512
    queue_texts: int = 20_000
    cache_bytes: int = 64 * 2**20
    overflow: Overflow = "error"
    client_seconds: float = 30.0
    health_seconds: float = 10.0
    drain_seconds: float = 60.0
    keys: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
