"""A load generator for HTTP servers, run as a process of its own: so many clients, each with a connection of its own.

It speaks just enough HTTP to cost little beside the server: bodies are made beforehand, of an answer only the status
and the length are read. It prints one line of JSON: seconds and status of every request.

    python -m benchmarks.load_client --port 8080 --path /embed --texts FILE --clients 32 --seconds 10
"""

import argparse
import asyncio
import json
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", default="/embed")
    parser.add_argument("--field", default="inputs", help="the body's key for the texts")
    parser.add_argument("--also", default="{}", help="JSON: what else the body holds")
    parser.add_argument("--texts", type=Path, required=True, help="a text a line")
    parser.add_argument("--size", type=int, default=1, help="texts of a request (%(default)s)")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--backoff", type=float, default=0.05, help="seconds after a 429")
    print(json.dumps(asyncio.run(run(parser.parse_args()))))


async def run(options: argparse.Namespace) -> dict[str, object]:
    """Every client's requests until the time is up; those under way are waited for."""
    bodies = cycle(requests(options))
    until = time.perf_counter() + options.seconds
    done: list[tuple[float, float, int]] = []
    await asyncio.gather(*(client(options, bodies, until, done) for _ in range(options.clients)))
    return {"seconds": [round(took, 6) for _, took, _ in done], "statuses": [status for _, _, status in done],
            "ended": [round(ended - until + options.seconds, 4) for ended, _, _ in done]}  # fmt: skip


def requests(options: argparse.Namespace) -> list[bytes]:
    """Whole requests, as bytes."""
    texts = options.texts.read_text(encoding="utf-8").splitlines()
    rows = [texts[start : start + options.size] for start in range(0, len(texts), options.size)]
    also, found = json.loads(options.also), []
    for row in rows:
        body = json.dumps({options.field: row[0] if options.size == 1 else row, **also}).encode()
        head = f"POST {options.path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        found.append(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return found


async def client(
    options: argparse.Namespace, bodies: Iterator[bytes], until: float, done: list[tuple[float, float, int]]
) -> None:
    """One connection; opened anew where the server closed it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", options.port)
    while (started := time.perf_counter()) < until:
        writer.write(next(bodies))
        try:
            status = await answer(reader)
        except (asyncio.IncompleteReadError, ConnectionError):
            status = 0  # the server closed the connection before it answered
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", options.port)
            except ConnectionError:  # it is gone
                return
        ended = time.perf_counter()
        done.append((ended, ended - started, status))
        if status == 429:
            await asyncio.sleep(options.backoff)
    writer.close()


async def answer(reader: asyncio.StreamReader) -> int:
    """Read one answer whole; its status."""
    head = await reader.readuntil(b"\r\n\r\n")
    start = head.lower().index(b"content-length:") + 15
    await reader.readexactly(int(head[start : head.index(b"\r\n", start)]))
    return int(head[9:12])


if __name__ == "__main__":
    main()
