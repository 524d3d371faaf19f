"""``polyhead quickstart``."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from polyhead.cli.common import Device, Json, notes, out, print_json

if TYPE_CHECKING:
    from polyhead.training import TrainingResult

SENTENCES = (
    "Fetch Rewards is awesome and is America's number one app.",
    "Alice went to Paris last summer.",
    "Google announced a new AI-driven feature.",
    "President Biden visited Wall Street on Monday.",
    "The Yellowstone National Park sees over four million visitors.",
    "Tesla's CEO Elon Musk unveiled the Cybertruck at the event.",
)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(quickstart)


def quickstart(
    output: Annotated[Path | None, typer.Option(help="The run's folder; runs/quickstart if left out.")] = None,
    device: Device = None,
    json: Json = False,
) -> None:
    """Train a model with three heads on the starter data, and answer six sentences with it. Takes a minute or two."""
    from polyhead.api import Polyhead
    from polyhead.cli.predict import predictions_table
    from polyhead.cli.train import free_folder
    from polyhead.evaluation.bootstrap import RESAMPLES
    from polyhead.evaluation.maps import Colouring, draw_map
    from polyhead.evaluation.projections import project
    from polyhead.evaluation.tables import metrics_table
    from polyhead.folder.files import write_json
    from polyhead.recipe.examples import recipe_examples
    from polyhead.starter import RECIPE

    folder = output or free_folder(Path("runs"), "quickstart")
    notes.print("Training one encoder with three heads (topic, sentiment, entities) on the starter sentences")
    result = train_starter(folder, device=device, quiet=json)
    model = Polyhead.from_pretrained(folder, device=device)
    sets, _ = recipe_examples(RECIPE, "test", model.tasks, data_root=None, count_unseen=False)
    examples = [example for rows in sets for example in rows]
    report = model.evaluate(examples, resamples=RESAMPLES)
    answers = model.predict(list(SENTENCES))
    write_json(folder / "test.json", report.as_dict())
    draw_map(
        {"test sentences": project(model.encode([example.text for example in examples]), "tsne")},
        {task: Colouring.of([str(example.labels[task]) for example in examples]) for task in ("topic", "sentiment")},
        folder / "embeddings.png",
    )
    if json:
        rows = [{key: value for key, value in each.as_dict().items() if key != "embedding"} for each in answers]
        print_json({"run": str(folder), "seconds": result.seconds, "test": report.as_dict(), "answers": rows})
        return
    out.print(f"\nOn {len(examples)} test sentences that it has not seen:")
    out.print(metrics_table(report))
    out.print("\nSix more sentences, each answered by all three heads from one forward pass:")
    out.print(predictions_table(answers, list(model.tasks)))
    out.print(f"\nTrained in {result.seconds:.0f} s. The run is in {folder}:", markup=False)
    named = shlex.quote(str(folder))
    lines = (
        f"  {folder / 'report.html'}     metrics, curves, errors: open it in a browser",
        f"  {folder / 'embeddings.png'}  the test sentences as the encoder sees them",
        f"  {folder / 'model'}           a sentence-transformers folder with the heads beside it",
        "\nTry next:",
        f'  polyhead predict {named} "Your own sentence about Lisbon."',
        f'  polyhead similarity {named} "a cheap flight" "a bargain on plane tickets" "the vote was close"',
        f"  polyhead info {named}",
        "  polyhead train YOUR-RECIPE.yaml      (the README shows one)",
    )
    for line in lines:
        out.print(line, markup=False)


def train_starter(folder: Path, *, device: str | None, quiet: bool = False, resume: bool = False) -> "TrainingResult":
    """Train the starter recipe into ``folder``, or go on with it, with its progress shown unless ``quiet``."""
    from polyhead.cli.watch import watch
    from polyhead.recipe import load_recipe, train
    from polyhead.starter import RECIPE

    with watch(quiet=quiet) as watcher:
        return train(load_recipe(RECIPE), folder, device=device, watcher=watcher, resume=resume)
