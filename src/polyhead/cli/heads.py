"""``polyhead heads``: a saved model's heads, one by one; each change proves that it left the others alone."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from polyhead.cli.common import Device, Json, Model, notes, out, print_json, safe
from polyhead.errors import UserError, shown

if TYPE_CHECKING:
    from polyhead.api.proof import Line

app = typer.Typer(
    no_args_is_help=True,
    help="List, add, train, rename, remove or merge a saved model's heads. Each change prints its proof: on a fixed set"
    " of texts, hashes of the embedding and of the other heads' answers, before and after.",
)
Output = Annotated[
    Path | None, typer.Option(help="Save to this folder; in place if left out, where MODEL is a folder.")
]
Name = Annotated[str, typer.Argument(metavar="HEAD", help="The head's name.", show_default=False)]


def register(parent: typer.Typer) -> None:
    """Add the verb."""
    parent.add_typer(app, name="heads")


@app.command("list", no_args_is_help=True)
def list_heads(model: Model, json: Json = False) -> None:
    """The model's heads, what they stand on, and the hash of each one's answers to the fixed texts."""
    from polyhead.api.proof import fingerprint
    from polyhead.kinds import EMBEDDING
    from polyhead.pretrained import load

    pretrained = load(model, allow_mismatch=True)
    found = fingerprint(pretrained)
    if json:
        rows = {
            name: {**head.task.model_dump(mode="json"), "branch": head.branch, "trained": head.trained,
                   "fits_encoder": head.encoder_hash is None, "hash": found[name]}
            for name, head in pretrained.heads.items()
        }  # fmt: skip
        print_json({EMBEDDING: found[EMBEDDING], "heads": rows})
        return
    table = Table("head", "kind", "labels", "stands on", "state", "answers")
    for name, head in pretrained.heads.items():
        state = "ready" if head.trained else "untrained"
        state = state if head.encoder_hash is None else "[red]made for another encoder[/]"
        labels = safe(", ".join(head.task.labels), 60)
        table.add_row(name, head.task.kind, labels, head.branch or "the encoder", state, found[name][:12])
    out.print(table if pretrained.heads else f"No heads yet: polyhead heads add {model} HEAD --kind … --labels a,b")
    out.print(f"embedding: {found[EMBEDDING][:12]}", markup=False)


@app.command(no_args_is_help=True)
def add(
    model: Model,
    head: Name,
    kind: Annotated[str, typer.Option(help="classification, multilabel, regression, similarity, pairs or tagging.")],
    labels: Annotated[str, typer.Option(help="Labels, by commas.")] = "",
    setting: Annotated[
        list[str] | None, typer.Option("--set", help="KEY=VALUE: a setting of the kind, such as word_shapes=true.")
    ] = None,
    output: Output = None,
    json: Json = False,
) -> None:
    """Put a new, untrained head on the encoder."""
    import yaml

    pairs = [each.partition("=") for each in setting or ()]
    if wrong := [key for key, equals, _ in pairs if not equals]:
        raise typer.BadParameter(f"--set takes KEY=VALUE, found {wrong[0]}")
    if taken := [key for key, _, _ in pairs if key in ("name", "kind", "labels")]:
        raise typer.BadParameter(f"--set: {taken[0]} has an argument or option of its own")
    try:
        settings = {key: yaml.safe_load(value) for key, _, value in pairs}
    except yaml.YAMLError:
        raise UserError(f"--set: values must be YAML, found {shown(setting)}") from None
    names = [each.strip() for each in labels.split(",") if each.strip()]
    _change(model, output, lambda own: own.add_head(head, kind, names, **settings), changed={head}, json=json)


@app.command(no_args_is_help=True)
def remove(model: Model, head: Name, output: Output = None, json: Json = False) -> None:
    """Take a head off, and the branch that it alone stood on."""
    _change(model, output, lambda own: own.remove_head(head), changed={head}, mismatch=True, json=json)


@app.command(no_args_is_help=True)
def rename(
    model: Model,
    head: Name,
    new: Annotated[str, typer.Argument(metavar="NEW", help="Its new name.", show_default=False)],
    output: Output = None,
    json: Json = False,
) -> None:
    """Give a head another name."""
    _change(model, output, lambda own: own.rename_head(head, new), renamed={new: head}, json=json)


@app.command(no_args_is_help=True)
def merge(
    model: Model,
    other: Annotated[str, typer.Argument(metavar="OTHER", help="The model whose heads come.", show_default=False)],
    head: Annotated[
        list[str] | None, typer.Option(help="A head that comes, or OLD=NEW; all of them if left out.")
    ] = None,
    output: Output = None,
    json: Json = False,
) -> None:
    """Bring another model's heads over; both must have the very same encoder, frozen or forked."""
    from polyhead.api import Polyhead
    from polyhead.api.proof import fingerprint
    from polyhead.kinds import EMBEDDING
    from polyhead.pretrained import load

    from_other = load(other)
    chosen = {old: new or old for old, _, new in (each.partition("=") for each in head or from_other.heads)}
    if len(chosen) < len(head or ()):
        raise UserError("--head: each head comes once")
    theirs = fingerprint(from_other)
    come = {new: theirs[old] for old, new in chosen.items() if old in theirs and old != EMBEDDING}
    _change(model, output, lambda own: own.merge_heads(Polyhead(from_other), chosen), come=come, json=json)


@app.command(no_args_is_help=True, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def train(
    context: typer.Context,
    model: Model,
    recipe: Annotated[Path, typer.Argument(help="The recipe's YAML file.", show_default=False)],
    output: Annotated[Path, typer.Option(help="The run's folder.", show_default=False)],
    data_root: Annotated[Path | None, typer.Option(help="What the recipe's data paths are relative to.")] = None,
    device: Device = None,
    json: Json = False,
) -> None:
    """Train a recipe's heads, new or old, on the encoder as it is; or, if the recipe says so, on a fork of it.

    Any key of the recipe can be set here: [bold]--training.epochs=5 --embedding.mode=fork --embedding.top=2[/]. A plan
    is for a fork; without one the heads learn alone.
    """
    from polyhead.api.proof import fingerprint, proof
    from polyhead.cli.train import parse_overrides
    from polyhead.cli.watch import watch
    from polyhead.pretrained import load
    from polyhead.recipe import load_recipe
    from polyhead.recipe import train as run

    overrides = parse_overrides(list(context.args))
    loaded = load_recipe(recipe, overrides=overrides, data_root=data_root)
    if loaded.embedding.mode != "fork":
        if "training.plan" in overrides or loaded.embedding.mode == "anchor":
            raise UserError(
                "heads train: the encoder stays as it is, so training.plan and embedding.mode: anchor have no effect;"
                " leave them out, use --embedding.mode=fork --embedding.top=K, or polyhead train --from"
            )
        if "plan" in (loaded.raw.get("training") or {}):
            notes.print("! the recipe's training.plan is passed over: the encoder stays as it is")
        frozen = {"training.plan": "{strategy: probe, freeze: [encoder]}"}
        loaded = load_recipe(recipe, overrides={**overrides, **frozen}, data_root=data_root)
    before = fingerprint(load(model))
    with watch(quiet=json) as watcher:
        result = run(loaded, output, start=model, device=device, watcher=watcher)
    lines = proof(before, fingerprint(load(result.model)), changed=loaded.tasks.keys())
    _show(lines, output, json=json)


def _change(
    model: str,
    output: Path | None,
    act: Any,
    *,
    changed: Collection[str] = (),
    renamed: Mapping[str, str] | None = None,
    come: Mapping[str, str] | None = None,
    mismatch: bool = False,
    json: bool,
) -> None:
    """Open, act, hold what was against what is, and only then save."""
    from polyhead.api import Polyhead
    from polyhead.api.proof import fingerprint, proof
    from polyhead.pretrained import find

    if output is None and not Path(model).is_dir():
        raise UserError(f"{shown(model)}: is no folder here, so it cannot be changed in place; give --output")
    with nullcontext() if output is not None else _finished(Path(model)):
        opened: Polyhead = Polyhead.from_pretrained(model, allow_mismatch=mismatch)
        before = {**fingerprint(opened.pretrained), **(come or {})}
        act(opened)
        lines = proof(before, fingerprint(opened.pretrained), changed=changed, renamed=renamed)
        if not all(line.holds for line in lines):
            notes.print("! nothing was saved", markup=False)
        else:
            opened.save_pretrained(output or find(model))
    _show(lines, output or Path(model), json=json)


@contextmanager
def _finished(folder: Path) -> Iterator[None]:
    """Change a model in its place, where no training is at work or is to go on.

    Raises:
        UserError: one is.
    """
    from polyhead.folder.lock import alone
    from polyhead.recipe.facts import FACTS
    from polyhead.recipe.resume import RESULT

    run = next((each for each in (folder, folder.parent) if (each / FACTS).is_file()), folder)
    with alone(run):
        if (run / FACTS).is_file() and not (run / RESULT).is_file():
            raise UserError(
                f"{run}: its training is not finished, and could not go on with other heads; finish it (polyhead train"
                f" --resume {run}), or give --output"
            )
        yield


def _show(lines: "list[Line]", folder: Path, *, json: bool) -> None:
    """Print the proof.

    Raises:
        UserError: it fails.
    """
    if json:
        rows = {line.name: {"before": line.before, "after": line.after, "holds": line.holds} for line in lines}
        print_json({"model": str(folder), "proof": rows})
    else:
        table = Table("", "before", "after", "", title="Answers to 8 fixed texts, fp32, SHA-256", title_justify="left")
        for line in lines:
            same = "the same to the bit" if line.before == line.after else ""
            verdict = same or ("new" if line.before is None else "removed" if line.after is None else "changed")
            verdict = verdict if line.holds else f"[red]{verdict}, and should not be[/]"
            table.add_row(line.name, (line.before or "–")[:12], (line.after or "–")[:12], verdict)
        out.print(table)
    failed = [line.name for line in lines if not line.holds]
    if failed:
        raise UserError(f"{folder}: {', '.join(failed)} changed, which should not be")
    if not json:
        notes.print(f"Saved in {folder}. Next: polyhead heads list {folder}", markup=False)
