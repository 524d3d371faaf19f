"""``polyhead serve``: what its arguments mean; the server itself is tested in ``tests/serving``."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import polyhead.serving
from polyhead import Polyhead


@pytest.fixture(autouse=True)
def _any_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYHEAD_PORT", "0")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What a server would have been started with."""
    found: list[dict[str, Any]] = []

    def serve(load: Callable[[], Any], settings: Any, place: socket.socket, **more: Any) -> None:
        found.append({"load": load, "settings": settings, "port": place.getsockname()[1], **more})
        place.close()

    monkeypatch.setattr(polyhead.serving, "serve", serve)
    return found


def test_models_have_names(
    run: Callable[..., Any], asked: Any, backbones: Callable[[str], Path], tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as some:
        port = some.getsockname()[1]
    Polyhead.from_pretrained(backbones("bert")).save_pretrained(tmp_path / "my model")
    assert run("serve", tmp_path / "my model", f"other={backbones('bert')}", "--port", port).status == 0
    assert [each.name for each in asked[0]["load"]()] == ["my-model", "other"]
    assert asked[0]["port"] == port
    twice = run("serve", "a/x", "b/x")
    assert (twice.status, twice.err.strip().splitlines()[-1]) == (
        1, "polyhead: serve: two models are called 'x'; give one another name: NAME=MODEL",
    )  # fmt: skip


def test_options_come_from_the_environment(
    run: Callable[..., Any], asked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLYHEAD_MAX_TEXTS", "7")
    monkeypatch.setenv("POLYHEAD_API_KEY", "one two")
    monkeypatch.setenv("POLYHEAD_CACHE_MB", "0")
    assert run("serve", "x", "--max-texts", 8).status == 0
    settings = asked[0]["settings"]
    assert (settings.texts, settings.keys, settings.cache_bytes) == (8, ("one", "two"), 0)


def test_without_a_model_it_serves_the_quickstarts(
    run: Callable[..., Any],
    asked: Any,
    backbones: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Trained if there is none, and once; one that was stopped is gone on with."""
    import polyhead.recipe
    import polyhead.starter

    monkeypatch.chdir(tmp_path)
    trained = []
    real = polyhead.recipe.load_recipe

    def smaller(path: Path) -> Any:
        trained.append(path)
        changes = {"model.backbone": str(backbones("bert")), "model.max_length": "32", "training.epochs": "1"}
        return real(path, overrides=changes)

    monkeypatch.setattr(polyhead.recipe, "load_recipe", smaller)
    result = tmp_path / "runs/quickstart/result.json"
    for _ in range(2):
        assert run("serve").status == 0
        [served] = asked[-1]["load"]()
        assert (served.name, sorted(served.tasks)) == ("quickstart", ["entities", "sentiment", "topic"])
    assert len(trained) == 1
    result.unlink()  # as if it had been stopped
    ended = run("serve")
    assert ended.status == 0
    assert "the training in runs/quickstart is ended" in ended.err
    assert result.is_file()
    assert len(trained) == 2
    assert not (tmp_path / "runs/quickstart-2").exists()
    assert run("serve", tmp_path / "runs/quickstart").status == 0
    [served] = asked[-1]["load"]()
    assert [row["epoch"] for row in served.history] == [1]


def test_an_empty_key_does_not_open_the_server(run: Callable[..., Any], asked: Any) -> None:
    found = run("serve", "x", "--api-key", "")
    assert (found.status, asked) == (1, [])
    assert "--api-key or POLYHEAD_API_KEY is empty" in found.err


@pytest.mark.parametrize("value", ["", " "])
def test_an_empty_key_of_the_environment_does_not_either(
    run: Callable[..., Any], asked: Any, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("POLYHEAD_API_KEY", value)
    assert (run("serve", "x").status, asked) == (1, [])
    assert run("serve", "x", "--api-key", "given").status == 0


def test_a_port_that_is_taken_is_one_line(run: Callable[..., Any], asked: Any, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        found = run("serve", tmp_path, "--port", taken.getsockname()[1])
    assert (found.status, asked) == (1, [])
    assert "cannot listen on 127.0.0.1 port" in found.err
    assert "choose another --port" in found.err
    assert "Traceback" not in found.err
