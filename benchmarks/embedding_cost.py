"""What it costs to keep the embedding: an anchored training step, a forked one, and predictions through a fork.

Steps take one batch of 32 AG News texts and one of 32 CoNLL sentences, the same for every side, with the work of
reading them and of looking up originals. Predictions are embeddings and both heads' answers for 1,024 AG News test
texts. Sides are measured in turns. Run from the repository's root, on a quiet machine:

    python -m benchmarks.embedding_cost --data-root DIR
"""

import argparse
import time
from contextlib import ExitStack
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.common import (
    RECIPE,
    add_arguments,
    as_json,
    console,
    interleaved,
    machine,
    ratio_table,
    show_machine,
    write_json,
)
from benchmarks.few_labels import read_test
from polyhead import Polyhead
from polyhead.recipe import load_recipe
from polyhead.recipe.keeping import fork
from polyhead.recipe.start import begin
from polyhead.training import EmbeddingSettings
from polyhead.training.activations import Feed
from polyhead.training.activations.lower import Reading
from polyhead.training.embedding.originals import Originals
from polyhead.training.prepare import Prepared, check_settings, feed_of, prepare
from polyhead.training.step import seed_step

STEPS, WARM, TEXTS, ROWS = 16, 3, 1024, 1500
SIDES = {
    "full": {},
    "anchor": {"embedding.mode": "anchor", "embedding.weight": "0.1"},
    "fork 2, nothing kept": {"embedding.mode": "fork", "embedding.top": "2", "training.cache": "false"},
    "fork 2": {"embedding.mode": "fork", "embedding.top": "2", "training.cache": "true"},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, required=True, metavar="DIR")
    add_arguments(parser)
    options = parser.parse_args()
    described = machine()
    show_machine(described)
    with ExitStack() as stack:
        sides = {}
        for name, changes in SIDES.items():
            folder = Path(stack.enter_context(TemporaryDirectory()))
            sides[name] = partial(steps, *trained(changes, options.data_root, folder))
        speed = interleaved(sides, rounds=options.rounds)
    console.print(ratio_table("A training step", "seconds", speed, baselines=["full"], less_is_better=True, digits=3))
    texts = [text for text, _ in read_test(options.data_root / "ag_news" / "test.csv")[:TEXTS]]
    models = {f"fork {top}" if top else "no fork": predicted(top, options.data_root) for top in range(4)}
    answers = {name: partial(speed_of, model, texts) for name, model in models.items()}
    prediction = interleaved(answers, rounds=options.rounds)
    console.print(ratio_table("Predictions", "texts/s", prediction, baselines=["no fork"]))
    write_json(
        options.json,
        {"machine": described, "seconds_per_step": as_json(speed), "texts_per_second": as_json(prediction)},
    )


def trained(changes: dict[str, str], data_root: Path, folder: Path) -> tuple[Prepared, Feed]:
    """A training that is ready to step."""
    changes = {**changes, "training.sampling": "round_robin", "training.max_train_samples": str(ROWS)}
    recipe, data, pretrained = begin(load_recipe(RECIPE, overrides=changes, data_root=data_root), None)
    subject = check_settings(pretrained, data.sets, recipe.training, None, data.keeping)
    prepared = prepare(subject.view, data.sets, recipe.training, None, data.keeping)
    originals = None
    dtype = prepared.forward.dtype
    if data.keeping.settings.mode == "anchor":
        assert dtype is not None
        originals = Originals(
            subject.view.model, Reading.of(subject.view), prepared.sets, dtype=dtype, folder=folder / "originals"
        )  # fmt: skip
    feed = feed_of(subject.view, prepared, data.sets, recipe.training, folder / "kept", originals=originals)
    learns = prepared.stages[-1].learns
    feed.begin(learns, prepared.parts, epochs=3, advance=lambda done, total: None, note=lambda line: None)
    return prepared, feed


def steps(prepared: Prepared, feed: Feed, turn: int) -> float:
    """Seconds of a step, the mean of several."""
    began = 0.0
    for number, draws in enumerate(islice(prepared.sampler.steps(turn + 1), WARM + STEPS)):
        if number == WARM:
            began = time.perf_counter()
        seed_step(prepared.device, seed=13, step=number)
        prepared.step([feed.batch(draw) for draw in draws], factor=1.0)
    return (time.perf_counter() - began) / STEPS


def predicted(top: int, data_root: Path) -> Polyhead:
    """The joint model, untrained, its heads on a fork of so many layers or on the encoder itself."""
    _, data, pretrained = begin(load_recipe(RECIPE, data_root=data_root), None)
    if top:
        branch = fork(pretrained, EmbeddingSettings(mode="fork", top=top))
        for name, task in data.tasks.items():
            pretrained.remove_head(name)
            pretrained.add_head(name, task, branch=branch)
    return Polyhead(pretrained)


def speed_of(model: Polyhead, texts: list[str], turn: int) -> float:
    """Texts a second."""
    began = time.perf_counter()
    model.predict(texts)
    return len(texts) / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
