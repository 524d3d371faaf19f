"""What is refused, how it is said, and who may ask."""

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from conftest import sentences
from live import Live, serving, slowed, with_heads
from polyhead import Polyhead
from polyhead.serving import Served
from polyhead.serving.logs import _Lines


def error_of(answer: httpx.Response) -> str:
    """The message, in the shape that the route's clients read."""
    body = answer.json()
    if "/v1/" in answer.url.path.removeprefix("/models/v1"):
        assert body["error"].keys() >= {"message", "type", "param", "code"}
        return str(body["error"]["message"])
    assert body.keys() >= {"error", "error_type"}
    return str(body["error"])


@pytest.fixture(scope="module")
def strict(served: Polyhead) -> Any:
    """A server with small limits, keys and one origin."""
    limits: dict[str, Any] = {
        "body_bytes": 2000,
        "texts": 5,
        "keys": ("one", "zwei-ü"),
        "origins": ("https://page.example",),
    }
    with serving([Served("tiny", served)], client_seconds=0.5, **limits) as found:
        found.http.headers["Authorization"] = "Bearer one"
        yield found


@pytest.mark.parametrize("path", ["/embed", "/v1/embeddings", "/v1/analyze"])
def test_a_large_body_is_413_and_many_texts_are_422(strict: Live, path: str) -> None:
    field = "input" if path == "/v1/embeddings" else "inputs"
    answer = strict.http.post(path, json={field: ["a" * 3000]})
    assert answer.status_code == 413
    assert error_of(answer) == "the body is larger than 2,000 bytes; send fewer texts at a time"
    answer = strict.http.post(path, json={field: ["a"] * 6})
    assert answer.status_code == 422
    assert error_of(answer) == "6 texts; a request may have 5: send several"
    assert strict.http.post(path, json={field: ["a"] * 5}).status_code == 200


def test_a_body_without_a_length_is_bounded_too(strict: Live) -> None:
    def parts() -> Any:
        for _ in range(100):
            yield b" " * 100

    assert strict.http.post("/embed", content=parts()).status_code == 413


def test_a_lower_limit_of_tokens_than_the_model_s(backbones: Callable[[str], Path]) -> None:
    model = with_heads(backbones("bert"))
    long = " ".join(["river"] * 20)
    whole = model.encode([long])[0]
    with serving([Served("tiny", model)], text_tokens=8) as found:
        assert found.http.get("/info").json()["max_input_length"] == 8
        refused = found.http.post("/embed", json={"inputs": long})
        assert refused.status_code == 422
        assert "longer than the 8 tokens that tiny reads" in error_of(refused)
        cut = found.http.post("/embed", json={"inputs": long, "truncate": True, "normalize": False})
        assert cut.headers["x-truncated"] == "1"
        assert cut.headers["x-compute-tokens"] == "8"
        assert cut.json()[0] != pytest.approx(whole.tolist(), abs=1e-4)
        assert found.http.post("/embed", json={"inputs": "river"}).status_code == 200
    with serving([Served("tiny", with_heads(backbones("bert")))], text_tokens=9999) as found:
        assert found.http.get("/info").json()["max_input_length"] == 64


def test_a_client_that_sends_no_head_is_cut_off(strict: Live) -> None:
    host, port = strict.url.removeprefix("http://").split(":")
    whole = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    for begun in (b"", b"GET /hea", whole + b"GET /hea"):
        started = time.monotonic()
        with socket.create_connection((host, int(port)), timeout=10) as some:
            some.sendall(begun)
            said = b""
            with contextlib.suppress(ConnectionResetError):
                while part := some.recv(4096):
                    said += part
        assert said.count(b"200 OK") == begun.count(whole)
        assert 0.4 < time.monotonic() - started < 8


def test_a_client_that_rests_between_requests_is_not(strict: Live) -> None:
    with httpx.Client(base_url=strict.url) as one:
        for _ in range(2):
            assert one.get("/ready").status_code == 200
            [connection] = one._transport._pool.connections  # type: ignore[attr-defined]
            time.sleep(2)
        assert connection.is_idle()


def test_a_client_that_does_not_read_its_answer_is_cut_off(served: Polyhead) -> None:
    with serving([Served("tiny", served)], client_seconds=0.5, texts=100_000, queue_texts=100_000) as found:
        host, port = found.url.removeprefix("http://").split(":")
        body = json.dumps({"inputs": ["word"] * 30_000}).encode()
        with socket.socket() as some:
            some.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            some.connect((host, int(port)))
            head = f"POST /embed HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
            some.sendall(head.encode() + body)
            until = time.monotonic() + 30
            while "/embed" not in found.http.get("/metrics").text:  # the answer is made
                assert time.monotonic() < until
                time.sleep(0.05)
            time.sleep(2)
            read = 0
            with contextlib.suppress(ConnectionResetError):
                while part := some.recv(1 << 20):
                    read += len(part)
            assert 0 < read < 30_000 * 32 * 5, "all of it waited for who did not read"
        assert found.http.post("/embed", json={"inputs": "word"}).status_code == 200


def test_a_slow_body_is_408(strict: Live) -> None:
    with socket.create_connection(("127.0.0.1", int(strict.url.rpartition(":")[2]))) as client:
        client.sendall(b"POST /embed HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer one\r\nContent-Length: 99\r\n\r\n{")
        assert client.recv(4096).startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize("given", [None, "Bearer", "Bearer two", "Basic one", "one", "Bearer one2", "Bearer on"])
def test_without_a_key_it_is_401(strict: Live, given: str | None) -> None:
    for path in ("/embed", "/v1/embeddings"):
        headers = {} if given is None else {"Authorization": given}
        answer = httpx.post(f"{strict.url}{path}", json={"inputs": "a"}, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert "Bearer KEY" in error_of(answer)
    assert httpx.get(f"{strict.url}/v1/models").status_code == 401


def test_any_key_opens_and_health_needs_none(strict: Live) -> None:
    for key in ("one", "zwei-ü"):
        headers = httpx.Headers([(b"Authorization", f"Bearer {key}".encode())])
        assert httpx.post(f"{strict.url}/embed", json={"inputs": "a"}, headers=headers).status_code == 200
    for path in ("/health", "/ready", "/metrics", "/openapi.json"):
        assert httpx.get(f"{strict.url}{path}").status_code == 200


def test_a_browser_with_a_key_passes(strict: Live) -> None:
    asked = {"Origin": "https://page.example", "Access-Control-Request-Method": "POST",
             "Access-Control-Request-Headers": "authorization,content-type"}  # fmt: skip
    before = httpx.options(f"{strict.url}/v1/analyze", headers=asked)
    assert before.status_code == 200
    assert before.headers["access-control-allow-origin"] == "https://page.example"
    assert "authorization" in before.headers["access-control-allow-headers"].lower()
    answer = strict.http.post("/embed", json={"inputs": "a"}, headers={"Origin": "https://page.example"})
    assert answer.headers["access-control-allow-origin"] == "https://page.example"
    assert "x-truncated" in answer.headers["access-control-expose-headers"]
    refused = httpx.post(f"{strict.url}/embed", json={"inputs": "a"}, headers={"Origin": "https://page.example"})
    assert refused.headers["access-control-allow-origin"], "the page can read why"
    assert (
        "access-control-allow-origin"
        not in httpx.options(f"{strict.url}/embed", headers={**asked, "Origin": "https://other.example"}).headers
    )


@pytest.mark.parametrize("path", ["/embed", "/v1/embeddings"])
def test_a_fault_of_the_server_is_an_answer_like_others(
    strict: Live, path: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("of a user's text")

    monkeypatch.setattr(strict.app.state.service, "answer", fail)
    field = "input" if path == "/v1/embeddings" else "inputs"
    answer = strict.http.post(path, json={field: "a"}, headers={"Origin": "https://page.example"})
    assert answer.status_code == 500
    assert error_of(answer) == "the server failed; its log says where"
    assert answer.headers["access-control-allow-origin"] == "https://page.example"
    assert answer.headers["x-content-type-options"] == "nosniff"
    until = time.monotonic() + 5  # the client has the whole answer a little before the gate has done
    while strict.app.gate.open and time.monotonic() < until:
        time.sleep(0.01)
    assert strict.app.gate.open == 0
    [record] = [each for each in caplog.records if each.getMessage() == "failed"]
    line = _Lines().format(record)
    assert json.loads(line)["error"] == "ZeroDivisionError"
    assert json.loads(line)["where"][-1].endswith(" fail")
    assert "user" not in line


@pytest.mark.parametrize(
    ("path", "content", "where"),
    [
        ("/embed", b"", "body: Invalid JSON"),
        ("/embed", b"{", "body: Invalid JSON"),
        ("/embed", b"[]", "body: Input should be an object"),
        ("/embed", b"{}", "inputs: Field required"),
        ("/embed", b'{"inputs": 5}', "inputs: Input should be a valid string"),
        ("/embed", b'{"inputs": ["a", null]}', "inputs.1: Input should be a valid string"),
        ("/embed", b'{"inputs": "\xff"}', "body: Invalid JSON"),
        ("/embed", b'{"inputs": "\\ud800"}', "body: Invalid JSON"),
        ("/embed", b'{"inputs": "a", "dimensions": 0}', "dimensions: Input should be greater than or equal to 1"),
        ("/embed", b'{"inputs": ' + b"[" * 900 + b"]" * 900 + b"}", "body: Invalid JSON"),
        ("/v1/embeddings", b'{"input": "a", "encoding_format": "hex"}', "encoding_format: Input should be 'float'"),
        ("/v1/analyze", b'{"inputs": "a"}', "inputs: Input should be a valid array"),
        ("/v1/analyze", b'{"inputs": ["a"], "tasks": ["none"]}', "tasks: there are embedding, topic, sentiment, them"),
        (
            "/similarity",
            b'{"inputs": {"source_sentence": "a", "sentences": []}}',
            "inputs.sentences: List should have",
        ),
    ],
)
def test_what_is_wrong_with_a_body_is_one_line(strict: Live, path: str, content: bytes, where: str) -> None:
    answer = strict.http.post(path, content=content)
    assert answer.status_code == 422
    assert error_of(answer).startswith(where)
    assert "\n" not in error_of(answer)


def test_other_routes_and_methods(strict: Live) -> None:
    assert strict.http.post("/nothing", content=b"{}").status_code == 404
    assert error_of(strict.http.get("/v1/nothing")) == "Not Found"
    assert strict.http.get("/embed").status_code == 405
    assert strict.http.put("/v1/embeddings").status_code == 405


def test_every_answer_has_the_security_headers(strict: Live) -> None:
    for answer in (strict.http.get("/health"), strict.http.post("/embed", json={}), strict.http.get("/nothing")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_full_queue_is_429_at_once_and_recovers(served: Polyhead, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = sentences(40, seed=4)
    with serving([Served("tiny", served)], queue_texts=10, requests=100, cache_bytes=0) as found:
        slowed(found.app, 0.1, monkeypatch)

        async def ask() -> list[tuple[int, float, str | None]]:
            async with httpx.AsyncClient(base_url=found.url, timeout=60) as client:

                async def one(text: str) -> tuple[int, float, str | None]:
                    started = time.perf_counter()
                    answer = await client.post("/embed", json={"inputs": [text] * 4})
                    return answer.status_code, time.perf_counter() - started, answer.headers.get("retry-after")

                return await asyncio.gather(*map(one, texts))

        answers = asyncio.run(ask())
        refused = [each for each in answers if each[0] == 429]
        assert {status for status, _, _ in answers} == {200, 429}
        assert len(refused) >= 20
        assert all(int(after or 0) >= 1 for _, _, after in refused)
        assert found.http.post("/embed", json={"inputs": texts[:4]}).status_code == 200
        assert found.app.state.service.queue.texts == 0


def test_too_many_requests_are_429(served: Polyhead, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving([Served("tiny", served)], requests=2, cache_bytes=0) as found:
        slowed(found.app, 1.5, monkeypatch)
        statuses: list[int] = []

        def ask() -> None:
            statuses.append(httpx.post(f"{found.url}/embed", json={"inputs": "a"}, timeout=30).status_code)

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(statuses)[:2] == [200, 200]
        assert statuses.count(429) == 6


def test_while_starting_it_is_503(served: Polyhead) -> None:
    begun, go = threading.Event(), threading.Event()

    def load() -> list[Served]:
        begun.set()
        go.wait(20)
        return [Served("tiny", served)]

    with serving([], load=load, loaded=False) as found:
        assert begun.wait(10)
        for path in ("/health", "/ready"):
            assert found.http.get(path).status_code == 503
        answer = found.http.post("/v1/embeddings", json={"input": "a"})
        assert answer.status_code == 503
        assert error_of(answer) == "the server is starting"
        assert answer.headers["retry-after"] == "1"
        go.set()
        until = time.monotonic() + 20
        while found.http.get("/ready").status_code != 200 and time.monotonic() < until:
            time.sleep(0.01)
        assert found.http.post("/embed", json={"inputs": "a"}).status_code == 200


def test_what_loading_came_to_is_kept(backbones: Callable[[str], Any]) -> None:
    def load() -> list[Served]:
        raise ValueError("no such model")

    with serving([], load=load, loaded=False) as found:
        until = time.monotonic() + 20
        while found.app.fault is None and time.monotonic() < until:
            time.sleep(0.01)
        assert str(found.app.fault) == "no such model"
        assert json.loads(found.http.get("/health").content)["error"] == "the models could not be loaded"
