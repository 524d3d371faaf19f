"""Logs as JSON, a line an event, on standard error. No text of a user is ever in them."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

logger = logging.getLogger("polyhead.serving")


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        row: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info and record.exc_info[0] is not None:
            row["error"] = record.exc_info[0].__name__  # its message may hold a user's text
            row["where"] = _places(record.exc_info[2])
        return json.dumps(row, ensure_ascii=True, default=str)


def _places(trace: Any) -> list[str]:
    found = []
    while trace is not None:
        code = trace.tb_frame.f_code
        found.append(f"{code.co_filename.rpartition('/')[2]}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return found


def to_standard_error(level: str = "info") -> None:
    """Send uvicorn's events and ours there."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines())
    for name in ("polyhead.serving", "uvicorn", "uvicorn.error"):
        own = logging.getLogger(name)
        own.handlers, own.propagate = [handler] if name != "uvicorn.error" else [], name == "uvicorn.error"
        own.setLevel(level.upper())


def event(message: str, level: int = logging.INFO, *, error: Exception | None = None, **facts: Any) -> None:
    """Write one; of an ``error`` its class and the places that it came through."""
    logger.log(level, message, exc_info=error, extra={"facts": facts})
