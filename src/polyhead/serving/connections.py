"""Connections that keep the server waiting: clients whose request does not come, or who do not read their answer.

uvicorn bounds how long a connection may rest between two requests; it waits for ever for the first byte of the first,
for the rest of a head that has begun, and for a client that takes nothing of what is sent to it.
"""

from collections.abc import Collection
from typing import Any
from weakref import WeakKeyDictionary


class Patience:
    """Closes connections that have not gone on for ``seconds``."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since: WeakKeyDictionary[Any, tuple[object, float]] = WeakKeyDictionary()

    def look(self, connections: Collection[Any], now: float) -> int:
        """Look at all of uvicorn's ``connections``; how many were closed. To be called again and again."""
        closed = 0
        for each in [*connections]:
            state = _state(each)
            known, since = self._since.get(each, (None, now))
            if state is None or known != state:
                self._since[each] = (state, now)
            elif now - since > self._seconds:
                each.transport.abort()
                closed += 1
        return closed


def _state(connection: Any) -> object:
    """What the server waits for the client to do, with all that changes when it does some of it; None for nothing."""
    cycle = connection.cycle
    if connection.flow.write_paused:
        return "read", id(cycle), connection.transport.get_write_buffer_size()
    between = cycle is None or cycle.response_complete
    resting = connection.timeout_keep_alive_task is not None  # which uvicorn ends by itself
    return ("ask", id(cycle)) if between and not resting else None
