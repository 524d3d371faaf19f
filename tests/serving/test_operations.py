"""Health, metrics, logs, and a stop that loses nothing; the last with real processes."""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from conftest import sentences
from live import Live, serving
from polyhead import Polyhead
from polyhead.serving import Served
from polyhead.serving.logs import _Lines

SECRET = "Mallory's diary of the 7th of May"


def numbers(live: Live) -> dict[str, float]:
    """Every metric's samples, labels in their names."""
    text = live.http.get("/metrics").text
    return {
        sample.name + "".join(f",{key}={value}" for key, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_health_runs_the_model_and_goes_red_when_it_hangs(served: Polyhead, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving([Served("tiny", served)], health_seconds=0.3, cache_bytes=0) as live:
        time.sleep(1.1)
        before = numbers(live)["polyhead_texts_total,model=tiny"]
        assert live.http.get("/health").json() == {"status": "ok"}
        assert numbers(live)["polyhead_texts_total,model=tiny"] == before + 1
        go = threading.Event()
        predictor = live.app.state.service.models[0].predictor
        run = predictor.run

        def hangs(*given: Any, **options: Any) -> Any:
            go.wait(20)
            return run(*given, **options)

        monkeypatch.setattr(predictor, "run", hangs)
        time.sleep(1.1)  # what was found holds for a second
        red = live.http.get("/health")
        assert red.status_code == 503
        assert red.json()["error"] == "tiny gave no answer in 0.3 seconds"
        assert live.http.get("/ready").status_code == 200
        go.set()
        time.sleep(1.1)
        assert live.http.get("/health").status_code == 200


def test_health_is_looked_at_once_however_many_ask(served: Polyhead) -> None:
    with serving([Served("tiny", served)], cache_bytes=0) as live:
        time.sleep(1.1)
        before = numbers(live)["polyhead_texts_total,model=tiny"]
        for _ in range(20):
            assert live.http.get("/health").status_code == 200
        assert numbers(live)["polyhead_texts_total,model=tiny"] - before <= 2
        for path in ("/health", "/ready", "/"):
            assert live.http.head(path).status_code == 200


def test_health_does_not_wait_behind_a_long_request(served: Polyhead, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving([Served("tiny", served)], health_seconds=5, cache_bytes=0) as live:
        predictor = live.app.state.service.models[0].predictor
        run, rounds = predictor.run, list[int]()

        def slow(reads: Any, **options: Any) -> Any:
            rounds.append(len(reads))
            time.sleep(0.05)
            return run(reads, **options)

        monkeypatch.setattr(predictor, "run", slow)
        body = {"inputs": sentences(4000, seed=1)}
        thread = threading.Thread(target=lambda: httpx.post(f"{live.url}/embed", json=body, timeout=60))
        thread.start()
        while len(rounds) < 2:
            time.sleep(0.01)
        assert live.http.get("/health").status_code == 200
        assert thread.is_alive(), "the long one is still at work"
        thread.join()


def test_metrics_count_what_was_done(served: Polyhead) -> None:
    with serving([Served("tiny", served)]) as live:
        before = numbers(live)
        texts = sentences(7, seed=5)
        live.http.post("/v1/analyze", json={"inputs": texts, "tasks": ["topic", "entities"]})
        live.http.post("/v1/analyze", json={"inputs": texts, "tasks": ["topic", "entities"]})
        live.http.post("/embed", json={"inputs": 5})
        live.http.post("/secret/path", json={})
        after = numbers(live)

        def grown(name: str) -> float:
            return after[name] - before.get(name, 0.0)

        assert grown("polyhead_texts_total,model=tiny") == 7
        assert grown("polyhead_tokens_total,model=tiny") == sum(each.tokens for each in served.predict(texts))
        assert grown("polyhead_head_texts_total,model=tiny,task=topic") == 7
        assert "polyhead_head_texts_total,model=tiny,task=sentiment" not in after
        assert grown("polyhead_cache_hits_total") == 7
        assert grown("polyhead_cache_misses_total") == 7
        assert grown("polyhead_requests_total,route=/v1/analyze,status=200") == 2
        assert grown("polyhead_requests_total,route=/embed,status=422") == 1
        assert grown("polyhead_requests_total,route=other,status=404") == 1, "a path is the client's word"
        assert grown("polyhead_round_texts_sum") == 7
        for name in ("tokenize_seconds", "queue_seconds", "request_seconds"):
            assert any(key.startswith(f"polyhead_{name}_count") for key in after)
        assert after["polyhead_queue_texts"] == after["polyhead_requests_under_way"] == 0


def test_a_refusal_is_counted_under_its_route_and_the_document_says_that_a_key_is_needed(served: Polyhead) -> None:
    with serving([Served("tiny", served)], keys=("one",), body_bytes=100) as live:
        assert live.http.post("/models/tiny/embed", json={"inputs": "a"}).status_code == 401
        big = live.http.post("/embed", json={"inputs": "a" * 200}, headers={"Authorization": "Bearer one"})
        assert big.status_code == 413
        after = numbers(live)
        assert after["polyhead_requests_total,route=/models/{model}/embed,status=401"] == 1
        assert after["polyhead_requests_total,route=/embed,status=413"] == 1
        document = live.http.get("/openapi.json").json()
        assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"


def test_logs_are_json_without_users_texts(served: Polyhead, caplog: pytest.LogCaptureFixture) -> None:
    with serving([Served("tiny", served)]) as live, caplog.at_level(logging.INFO):
        live.http.post("/v1/analyze", json={"inputs": [SECRET]})
        live.http.post(f"/{SECRET}", json={"inputs": [SECRET]})
        live.http.post("/embed", content=json.dumps({"inputs": {SECRET: SECRET}}))
        live.app.state.service.models[0].predictor.run = None  # every pass fails
        live.http.post("/embed", json={"inputs": [f"{SECRET}, again"]})
        time.sleep(0.05)
    lines = [_Lines().format(record) for record in caplog.records if record.name.startswith(("polyhead", "uvicorn"))]
    rows = [json.loads(line) for line in lines]
    assert not any("Mallory" in line or "diary" in line for line in lines)
    requests = [row for row in rows if row["event"] == "request"]
    assert [(row["route"], row["status"]) for row in requests] == [
        ("/v1/analyze", 200), ("other", 404), ("/embed", 422), ("/embed", 503),
    ]  # fmt: skip
    assert requests[0] | {"texts": 1, "model": "tiny", "truncated": 0} == requests[0]


def test_a_traceback_is_logged_without_its_message() -> None:
    try:
        raise ValueError(SECRET)
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "f", 1, "failed", (), sys.exc_info())
    row = json.loads(_Lines().format(record))
    assert row["error"] == "ValueError"
    assert "test_a_traceback" in row["where"][0]
    assert SECRET not in json.dumps(row)


@pytest.fixture(scope="module")
def saved(served: Polyhead, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served") / "tiny"
    served.save_pretrained(folder)
    return folder


@contextmanager
def process(*arguments: object, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """``polyhead serve`` in a process of its own, ready; and its address."""
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        port = some.getsockname()[1]
    command = [sys.executable, "-m", "polyhead", "serve", *map(str, arguments)]
    known = {**os.environ, "POLYHEAD_PORT": str(port), **environment}
    running = subprocess.Popen(command, env=known, stderr=subprocess.PIPE, text=True)
    url = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until and running.poll() is None:
            try:
                if httpx.get(f"{url}/ready").status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.05)
        yield running, url
    finally:
        running.kill()
        running.wait()
        assert running.stderr is not None
        running.stderr.close()


def test_sigterm_finishes_what_was_accepted_and_refuses_the_rest(saved: Path) -> None:
    with process(f"a={saved}", POLYHEAD_CACHE_MB="0") as (running, url):
        texts = sentences(6000, seed=9)
        found: list[httpx.Response] = []

        def ask() -> None:
            found.append(httpx.post(f"{url}/embed", json={"inputs": texts}, timeout=60))

        with httpx.Client(base_url=url, timeout=30) as kept:
            assert kept.get("/health").status_code == 200
            threads = [threading.Thread(target=ask) for _ in range(3)]
            for thread in threads:
                thread.start()
            while "polyhead_queue_texts 0.0" in kept.get("/metrics").text:
                time.sleep(0.005)
            running.send_signal(signal.SIGTERM)
            late: list[int] = []
            while not late or late[-1] == 200:
                late.append(kept.post("/embed", json={"inputs": "late"}).status_code)
            assert late[-1] == 503
            assert kept.get("/health").status_code == 503
        for thread in threads:
            thread.join()
        assert [each.status_code for each in found] == [200] * 3
        assert [len(each.json()) for each in found] == [6000] * 3
        assert running.wait(timeout=30) == 0
        assert running.stderr is not None
        lines = [json.loads(line) for line in running.stderr.read().splitlines()]
        assert lines[0]["event"] == "listening"


def test_a_model_that_cannot_be_opened_is_one_line(tmp_path: Path) -> None:
    with process(tmp_path / "none") as (running, _):
        assert running.wait(timeout=60) == 1
        assert running.stderr is not None
        err = running.stderr.read()
    [line] = [line for line in err.splitlines() if line.startswith("polyhead: ")]
    assert "no such folder" in line
    assert "Traceback" not in err
