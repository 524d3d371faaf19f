"""``polyhead info``."""

import typer
from rich.table import Table

from polyhead.cli.common import Json, Model, out, print_json, safe


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(no_args_is_help=True)(info)


def info(model: Model, json: Json = False) -> None:
    """What a model is: its encoder, its heads, what they know."""
    from polyhead.pretrained import find, load

    loaded = load(model, allow_mismatch=True)
    encoder, settings = loaded.model.encoder, loaded.settings
    facts = {
        "folder": str(find(model)),
        "backbone": encoder.backbone.network.config.model_type,
        "layers": encoder.backbone.layers,
        "hidden": encoder.backbone.hidden,
        "parameters": sum(parameter.numel() for parameter in loaded.model.parameters()),
        "pooling": settings.pooling,
        "projection": settings.projection.width if settings.projection else None,
        "normalize": settings.normalize,
        "embedding": encoder.width,
        "max_length": settings.max_length,
        "prompts": settings.prompts,
        "encoder_hash": loaded.encoder_hash(),
        "started_from": loaded.origin.model if loaded.origin else None,
    }
    branches = {name: encoder.backbone.layers - branch.depth for name, branch in loaded.model.branches.items()}
    heads = {
        name: {
            **head.task.model_dump(mode="json"),
            "outputs": list(head.task.outputs),
            "trained": head.trained,
            "fits_encoder": head.encoder_hash is None,
            "branch": head.branch,
        }
        for name, head in loaded.heads.items()
    }
    if json:
        print_json({**facts, "branches": branches, "embedding_report": loaded.embedding, "heads": heads})
        return
    table = Table(show_header=False, title="Encoder", title_justify="left")
    for key, value in facts.items():
        shown = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
        table.add_row(key, safe(shown))
    out.print(table)
    if loaded.embedding:
        from polyhead.evaluation.embeddings import EmbeddingReport
        from polyhead.evaluation.tables import embedding_table

        out.print(embedding_table(EmbeddingReport.from_dict(loaded.embedding)))
    table = Table("head", "kind", "labels", "state", title="Heads", title_justify="left")
    for name, head in loaded.heads.items():
        state = "ready" if head.trained else "untrained here: the encoder moved without it, or it is new"
        state = state if head.encoder_hash is None else "[red]made for another encoder: retrain it[/]"
        if head.branch is not None:
            state += f", on {branches[head.branch]} layers of its own ({head.branch})"
        table.add_row(name, head.task.kind, safe(", ".join(head.task.labels)), state)
    out.print(table if heads else "No heads yet: polyhead train RECIPE adds them.")
