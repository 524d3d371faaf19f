"""``polyhead serve``."""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from polyhead.cli.common import AllowMismatch, Device, Dtype, notes, open_model
from polyhead.errors import UserError, shown

if TYPE_CHECKING:
    from polyhead.serving import Served

_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_RUNS = Path("runs")
_KEY = "POLYHEAD_API_KEY"


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(serve)


def serve(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODEL | NAME=MODEL …]",
            help="A model, or several, each under a name; the quickstart's run if left out, trained if there is none.",
            show_default=False,
            envvar="POLYHEAD_MODELS",
        ),
    ] = None,
    host: Annotated[str, typer.Option(envvar="POLYHEAD_HOST", help="Address to listen on; 0.0.0.0 for all.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, envvar="POLYHEAD_PORT", help="Port to listen on.")] = 8080,
    api_key: Annotated[
        list[str] | None,
        typer.Option(envvar=_KEY, help="A Bearer key that clients must send; several may be given, any opens."),
    ] = None,
    cors_origin: Annotated[
        list[str] | None,
        typer.Option(envvar="POLYHEAD_CORS_ORIGIN", help="A web origin whose pages may ask; * for all."),
    ] = None,
    overflow: Annotated[
        Literal["error", "truncate"],
        typer.Option(envvar="POLYHEAD_OVERFLOW", help="Texts longer than the model reads: refuse, or cut and mark."),
    ] = "error",
    max_body_mb: Annotated[
        float, typer.Option(min=0.001, envvar="POLYHEAD_MAX_BODY_MB", help="Largest body, in megabytes (413).")
    ] = 32,
    max_texts: Annotated[
        int, typer.Option(min=1, envvar="POLYHEAD_MAX_TEXTS", help="Most texts of a request (422).")
    ] = 10_000,
    max_tokens: Annotated[
        int | None,
        typer.Option(min=3, envvar="POLYHEAD_MAX_TOKENS", help="Most tokens of a text; what the model reads, if less."),
    ] = None,
    max_requests: Annotated[
        int, typer.Option(min=1, envvar="POLYHEAD_MAX_REQUESTS", help="Most requests under way (429).")
    ] = 512,
    max_queue: Annotated[
        int, typer.Option(min=1, envvar="POLYHEAD_MAX_QUEUE", help="Most texts that wait (429).")
    ] = 20_000,
    cache_mb: Annotated[
        float, typer.Option(min=0, envvar="POLYHEAD_CACHE_MB", help="Answers that are remembered, in megabytes.")
    ] = 64,
    client_seconds: Annotated[
        float,
        typer.Option(
            min=0.1, envvar="POLYHEAD_CLIENT_SECONDS", help="How long a client may take to ask, or to read its answer."
        ),
    ] = 30,
    health_seconds: Annotated[
        float,
        typer.Option(
            min=0.1, envvar="POLYHEAD_HEALTH_SECONDS", help="How long the model may take before health is red."
        ),
    ] = 10,
    drain_seconds: Annotated[
        float,
        typer.Option(min=0, envvar="POLYHEAD_DRAIN_SECONDS", help="After SIGTERM, time for accepted requests."),
    ] = 60,
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], typer.Option(envvar="POLYHEAD_LOG_LEVEL", help="What is logged.")
    ] = "info",
    dtype: Dtype = "auto",
    device: Device = None,
    allow_mismatch: AllowMismatch = False,
) -> None:
    """Serve embeddings, classes and entities over HTTP, to the clients of OpenAI, Hugging Face and TEI, and a page.

    Most options have an environment variable: [bold]POLYHEAD_PORT=80 polyhead serve[/]. Logs are JSON lines.
    """
    from polyhead.serving import Served, ServingSettings, listen
    from polyhead.serving import serve as run

    wanted = [os.environ[_KEY]] if _KEY in os.environ and not api_key else []  # which is passed over if it is blank
    if any(not key.strip() for key in (*(api_key or ()), *wanted)):
        raise UserError(
            f"serve: --api-key or {_KEY} is empty, which would open the server to all; leave it out for that"
        )
    named = _named(models or [])
    if not named:
        listen(host, port).close()  # before anything is trained
        named = {"quickstart": str(_quickstart(device))}

    def load() -> "list[Served]":
        return [
            Served(
                name,
                open_model(model, device=device, dtype=dtype, allow_mismatch=allow_mismatch),
                history=_history(Path(model)),
                card=_card(Path(model)),
            )
            for name, model in named.items()
        ]

    settings = ServingSettings(
        body_bytes=int(max_body_mb * 1e6),
        texts=max_texts,
        text_tokens=max_tokens,
        requests=max_requests,
        queue_texts=max_queue,
        cache_bytes=int(cache_mb * 1e6),
        overflow=overflow,
        client_seconds=client_seconds,
        health_seconds=health_seconds,
        drain_seconds=drain_seconds,
        keys=tuple(api_key or ()),
        origins=tuple(cors_origin or ()),
    )
    place = listen(host, port)
    address = "localhost" if host in ("127.0.0.1", "0.0.0.0", "::") else host
    if notes.is_terminal:  # a log's lines are JSON, all of them
        notes.print(f"Serving at http://{address}:{place.getsockname()[1]} once the model is loaded; Ctrl-C stops.")
    run(load, settings, place, log_level=log_level)


def _named(models: list[str]) -> dict[str, str]:
    """Models by the names that routes have them under.

    Raises:
        UserError: a name that no URL part can be, or one twice.
    """
    found: dict[str, str] = {}
    for each in models:
        name, parted, model = each.partition("=")
        if not parted or not re.fullmatch(_NAME, name):
            name, model = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(each).resolve().name).strip("-.") or "model", each
        if name in found:
            raise UserError(f"serve: two models are called {shown(name)}; give one another name: NAME=MODEL")
        found[name] = model
    return found


def _history(model: Path) -> list[dict[str, Any]]:
    """What was measured after each epoch, where ``model`` is a run's folder or the model in it."""
    from polyhead.recipe.run import read_history

    for folder in (model, model.parent):
        if (folder / "metrics.jsonl").is_file() and (folder / "run.json").is_file():
            return [row for row in read_history(folder) if "eval_loss" in row]
    return []


def _card(model: Path) -> str:
    """The model's card, where it is in a folder here and has one."""
    from polyhead.folder.manifest import CARD, MANIFEST

    for folder in (model, model / "model"):
        if (folder / MANIFEST).is_file() and (folder / CARD).is_file():
            text = (folder / CARD).read_text(encoding="utf-8", errors="replace")
            return text[text.find("\n---\n") + 5 :].strip() if text.startswith("---\n") else text
    return ""


def _quickstart(device: str | None) -> Path:
    """The first finished run of the quickstart; where there is none, a stopped one is gone on with, or one is begun."""
    from polyhead.cli.quickstart import train_starter
    from polyhead.cli.train import free_folder
    from polyhead.recipe.facts import FACTS
    from polyhead.recipe.resume import RESULT

    finished = sorted(_RUNS.glob(f"quickstart*/{RESULT}"))
    if finished:
        return finished[0].parent
    stopped = [path.parent for path in sorted(_RUNS.glob(f"quickstart*/{FACTS}"))]
    folder = stopped[0] if stopped else free_folder(_RUNS, "quickstart")
    what = f"the training in {folder} is ended" if stopped else "the quickstart's is trained"
    notes.print(f"There is no model yet: first {what}, a minute or two", markup=False)
    train_starter(folder, device=device, resume=bool(stopped))
    return folder
