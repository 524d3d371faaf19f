"""Hostile input: no 500, no crash, and the server answers afterwards."""

import json
import socket
import time
from typing import Any
from unittest.mock import patch

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from pydantic import ValidationError

from live import Live, serving, slowed
from polyhead import Polyhead
from polyhead.serving import Served
from polyhead.serving.routes.page import RowsBody
from polyhead.serving.schemas import Body, EmbedBody, EmbeddingsBody, PredictBody, SimilarityBody

TEXTS = {
    "empty": "",
    "blanks": " \t\n\u2028 ",
    "nul": "a\0b",
    "right to left": "\u202eevil\u202c",
    "zero width": "\u200b" * 50,
    "emoji": "👩‍👩‍👧‍👦" * 200,
    "markup": "<script>alert(1)</script>",
    "one token of a megabyte": "x" * 1_000_000,
    "combining": "e" + "\u0301" * 5000,
    "special tokens": "[CLS] [SEP] [PAD] <s> </s>",
}


@pytest.mark.parametrize("name", TEXTS)
def test_any_text_gets_an_answer(live: Live, served: Polyhead, name: str) -> None:
    body = {"inputs": [TEXTS[name], "and one more"], "overflow": "truncate"}
    answer = live.http.post("/v1/analyze", json=body)
    assert answer.status_code == 200
    first, second = answer.json()["results"]
    assert "error" not in first
    assert "error" not in second
    for each in first["entities"]["entities"]:
        assert each["word"] == TEXTS[name][each["start"] : each["end"]]


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 200_000,
        b'{"inputs":' * 100_000,
        b'{"inputs": "' + b"\\u0000" * 1000 + b'"}',
        b'{"inputs": 1' + b"0" * 100_000 + b"}",
        b'{"inputs": NaN}',
        b"\xff\xfe\x00\x00",
        b'{"inputs": "\xed\xa0\x80"}',
        b'{"inputs": "\\ud800"}',
        b'{"a": ' + b'{"a": ' * 5000 + b"1" + b"}" * 5001,
    ],
)
def test_any_bytes_get_an_answer(live: Live, content: bytes) -> None:
    for path in ("/embed", "/v1/embeddings", "/v1/analyze", "/predict", "/similarity", "/tokenize"):
        assert live.http.post(path, content=content).status_code in (200, 422)
    assert live.http.get("/health").status_code == 200


@pytest.mark.parametrize("item", ["{}", "[{}]", "1.5", "[[1]]"])
@pytest.mark.parametrize("path", ["/v1/embeddings", "/embed", "/predict", "/similarity", "/page/parquet"])
def test_many_faults_cost_no_more_than_one(path: str, item: str) -> None:
    """Every element of a list may be wrong in several ways: the reading stops at the first."""
    schemas: dict[str, type[Body]] = {"/v1/embeddings": EmbeddingsBody, "/embed": EmbedBody, "/predict": PredictBody,
              "/similarity": SimilarityBody, "/page/parquet": RowsBody}  # fmt: skip
    many = f"[{','.join([item] * 20_000)}]".encode()
    field = {"/v1/embeddings": b"input", "/page/parquet": b"rows"}.get(path, b"inputs")
    if path == "/similarity":
        many = b'{"source_sentence": "a", "sentences": ' + many + b"}"
    with pytest.raises(ValidationError) as caught:
        schemas[path].model_validate_json(b'{"' + field + b'": ' + many + b"}")
    assert caught.value.error_count() < 10


def test_parquet_of_anything(live: Live) -> None:
    def sent(rows: Any) -> httpx.Response:
        return live.http.post("/page/parquet", json={"rows": rows})

    assert sent([{f"c{number}": 1} for number in range(1000)]).status_code == 422
    assert sent([{"a": 1}] * 10_001).status_code == 422
    assert sent([{"a": 10**30}]).status_code in (200, 422)
    some: list[list[dict[str, Any]]] = [
        [],
        [{}],
        [{"a": None}],
        [{"a": 1}, {"a": "b"}],
        [{"a": True}, {"a": 2.5}],
        [{"": "x"}],
    ]
    for rows in some:
        assert sent(rows).status_code == 200
    table = pq.read_table(pa.BufferReader(sent([{"a": 1}, {"a": 0.5}, {}]).content))
    assert table.to_pydict() == {"a": [1.0, 0.5, None]}


def test_tokenize_is_bounded(live: Live) -> None:
    assert live.http.post("/tokenize", json={"inputs": "a " * 600_000}).status_code == 422


def test_a_thousand_idle_connections(live: Live) -> None:
    host, port = "127.0.0.1", int(live.url.rpartition(":")[2])
    idle = [socket.create_connection((host, port)) for _ in range(1000)]
    try:
        for number, each in enumerate(idle):
            if number % 2:
                each.sendall(b"POST /embed HTTP/1.1\r\nHost: a\r\nContent-Le")
        assert live.http.post("/embed", json={"inputs": "still here"}).status_code == 200
        assert live.http.get("/health").status_code == 200
    finally:
        for each in idle:
            each.close()


def test_a_long_text_is_read_without_pythons_lock_and_one_without_end_is_refused(live: Live, served: Polyhead) -> None:
    tokenizer = served.pretrained.tokenizer
    text = "river " * 4000
    alone, among = tokenizer([text])[0], tokenizer([text] * 8)[0]
    assert (alone.ids, alone.offsets, alone.truncated) == (among.ids, among.offsets, among.truncated)
    with patch.object(tokenizer, "backend") as backend:  # ``encode`` holds the lock, ``encode_batch`` does not
        tokenizer([text])
    assert backend.encode_batch.call_count == 1
    assert backend.encode.call_count == 0
    endless = "a " * 500_001
    answers = live.http.post("/v1/analyze", json={"inputs": ["a", endless], "overflow": "truncate"}).json()["results"]
    assert "1,000,002 characters; 1,000,000 at most" in answers[1]["error"]["message"]
    assert "error" not in answers[0]
    assert live.http.post("/embed", json={"inputs": endless, "truncate": True}).status_code == 422


def test_nothing_is_computed_for_a_client_that_left(served: Polyhead, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving([Served("tiny", served)], cache_bytes=0) as found:
        slowed(found.app, 0.3, monkeypatch)
        port = int(found.url.rpartition(":")[2])
        body = json.dumps({"inputs": ["one two three four five six seven eight"] * 5000}).encode()
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"POST /embed HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            until = time.monotonic() + 20
            while not found.app.state.service.queue.texts and time.monotonic() < until:
                time.sleep(0.01)
        while found.app.state.service.queue.texts and time.monotonic() < until:
            time.sleep(0.01)
        assert found.app.state.service.queue.done_texts < 5000
        while found.app.gate.open and time.monotonic() < until:
            time.sleep(0.01)
        assert (found.app.gate.open, found.app.gate.working) == (0, 0)
        assert 'polyhead_requests_total{route="/embed",status="499"} 1.0' in found.http.get("/metrics").text


def test_slow_bodies_take_nobodys_place(served: Polyhead) -> None:
    with serving([Served("tiny", served)], requests=2, client_seconds=5) as found:
        port = int(found.url.rpartition(":")[2])
        slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(6)]
        for each in slow:
            each.sendall(b"POST /embed HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n{")
        until = time.monotonic() + 5
        while found.app.gate.open < len(slow) and time.monotonic() < until:
            time.sleep(0.01)
        assert found.app.gate.open == len(slow)
        assert found.http.post("/embed", json={"inputs": "a"}).status_code == 200
        for each in slow:
            each.close()


def test_a_client_that_goes_away_takes_nothing_with_it(served: Polyhead) -> None:
    with serving([Served("tiny", served)]) as found:
        port = int(found.url.rpartition(":")[2])
        body = json.dumps({"inputs": [f"text {number}" for number in range(3000)]}).encode()
        for cut in (10, len(body) // 2, len(body)):
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(b"POST /embed HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body))
                client.sendall(body[:cut])
        until = time.monotonic() + 20
        while (found.app.state.service.queue.texts or found.app.gate.open) and time.monotonic() < until:
            time.sleep(0.02)
        assert found.app.gate.open == 0
        assert found.http.post("/embed", json={"inputs": "a"}).status_code == 200


def test_schemathesis_finds_no_500(live: Live) -> None:
    """Bodies that fit the OpenAPI document, and bodies that do not, of every route."""
    schema: Any = schemathesis.openapi.from_url(f"{live.url}/openapi.json")
    found: dict[int, int] = {}
    operations = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        operations += 1

        either = operation.as_strategy() | operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE)

        @settings(max_examples=12, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(case=either)
        def ask(case: Any) -> None:
            answer = case.call(timeout=30)
            found[answer.status_code] = found.get(answer.status_code, 0) + 1
            assert answer.status_code < 500, case.as_curl_command()

        ask()
    assert operations > 30
    assert found.get(200, 0) > 20
    assert found.get(422, 0) > 50
    assert httpx.get(f"{live.url}/health").status_code == 200
