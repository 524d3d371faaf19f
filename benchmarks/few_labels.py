"""AG News with few labels: a probe, full fine-tuning, and a contrastive start with a probe behind it; ten draws each.

A draw takes K rows of each class from the training file; nothing else is labelled. ``probe`` is logistic regression on
the frozen embeddings, ``full`` trains a classification head and the encoder, ``contrastive`` first teaches the encoder
that texts of one class are alike and others are not (a ``similarity`` head with CoSENT on pairs made from the labels),
or ranks (a ``pairs`` head), and then probes; ``named`` adds the classes' names to the labelled texts, ``described``
four phrases for each class. Accuracy on the 7,600 test texts. Run from the repository's root:

    python -m benchmarks.few_labels --data-root DIR --shots 8 16
"""

import argparse
import csv
import random
import statistics
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from rich.table import Table
from sklearn.linear_model import LogisticRegression

from benchmarks.common import console, machine, notes, show_machine, write_json
from polyhead import Polyhead
from polyhead.data.example import DataSet, Example
from polyhead.kinds import ClassificationTask, PairsTask, SimilarityTask, Task
from polyhead.kinds.base import FloatArray
from polyhead.pretrained import DEFAULT_BACKBONE, Pretrained, load
from polyhead.training import TrainingSettings, train

Rows = Sequence[tuple[str, str]]
"""Texts with their classes."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, required=True, metavar="DIR")
    parser.add_argument("--shots", type=int, nargs="+", default=[8, 16, 64], help="rows a class")
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--first-draw", type=int, default=0, help="others than those reported choose settings")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--test-rows", type=int, help="a part of the test texts, for choosing settings")
    parser.add_argument("--validation", action="store_true", help="score on unused training rows instead of test rows")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    described = machine()
    show_machine(described)
    rows = read_training(options.data_root / "ag_news" / "train_subset.csv")
    tests = rows[-3000:] if options.validation else read_test(options.data_root / "ag_news" / "test.csv")
    rows, tests = rows[:-3000], tests[: options.test_rows]
    found: dict[str, dict[int, list[float]]] = {name: {} for name in options.methods}
    for shots in options.shots:
        for number in range(options.first_draw, options.first_draw + options.draws):
            drawn = draw(rows, shots, number)
            for name in options.methods:
                accuracy = METHODS[name](drawn, tests, number)
                found[name].setdefault(shots, []).append(accuracy)
                notes.print(f"{shots} a class, draw {number}: {name} {100 * accuracy:.1f}", style="dim")
                write_json(options.json, {"machine": described, "accuracy": found})
    table = Table(title=f"Accuracy on {len(tests):,} texts, mean ± sd of {options.draws} draws", title_justify="left")
    table.add_column("method")
    for shots in options.shots:
        table.add_column(f"{shots} a class", justify="right")
    for name, by_shots in found.items():
        table.add_row(name, *(f"{100 * statistics.mean(own):.1f} ± {100 * _sd(own):.1f}" for own in by_shots.values()))
    console.print(table)


def read_training(path: Path) -> Rows:
    """In the seeded order from which draws and validation rows are taken."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [(row["text"], row["label"]) for row in csv.DictReader(file)]
    random.Random(1).shuffle(rows)
    return rows


def read_test(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        return [(f"{title} {text}", str(int(label) - 1)) for label, title, text in csv.reader(file)]


def draw(rows: Rows, shots: int, number: int) -> Rows:
    """``shots`` rows of each class."""
    generator = random.Random(number)
    classes = sorted({label for _, label in rows})
    return [row for label in classes for row in generator.sample([each for each in rows if each[1] == label], shots)]


def probe(drawn: Rows, tests: Rows, number: int) -> float:
    """Logistic regression on the frozen model's embeddings."""
    return fitted(drawn, frozen(tuple(drawn)), tests, frozen(tuple(tests)))


@lru_cache(2)
def frozen(rows: tuple[tuple[str, str], ...]) -> FloatArray:
    """The untrained model's embeddings; those of the test texts are the same in every draw."""
    return embedded(Polyhead(load(DEFAULT_BACKBONE)), rows)


def embedded(model: Polyhead, rows: Rows) -> FloatArray:
    """Normalised embeddings. *Shape:* (rows, width)."""
    return np.asarray(model.encode([text for text, _ in rows], normalize_embeddings=True))


def regression(model: Polyhead, drawn: Rows, tests: Rows) -> float:
    """Accuracy of logistic regression on the model's embeddings."""
    return fitted(drawn, embedded(model, drawn), tests, embedded(model, tests))


def fitted(drawn: Rows, vectors: FloatArray, tests: Rows, others: FloatArray) -> float:
    """Accuracy of logistic regression. *Shapes:* (drawn rows, width), (test rows, width)."""
    classifier = LogisticRegression(C=10.0, max_iter=1000).fit(vectors, [label for _, label in drawn])
    return float(classifier.score(others, [label for _, label in tests]))


def full(drawn: Rows, tests: Rows, number: int) -> float:
    """A head and the encoder."""
    labels = tuple(sorted({label for _, label in drawn}))
    examples = [Example(text, {"topic": label}) for text, label in drawn]
    model = taught(
        "topic", ClassificationTask(labels=labels), examples, number, epochs=20, learning_rate=5e-5, batch_size=16
    )
    answers = model.predict([text for text, _ in tests], ["topic"])
    right = [answer["topic"].label == label for answer, (_, label) in zip(answers, tests, strict=True)]
    return float(np.mean(right))


def alike(drawn: Rows, tests: Rows, number: int, more: Rows = ()) -> float:
    """As many like as unlike pairs, twenty of each for every row; ``more`` are further labelled texts."""
    generator = random.Random(number)
    examples = []
    labelled = [*drawn, *more]
    for text, label in labelled:
        for same in (True, False):
            others = [other for other, its in labelled if (its == label) == same and other != text]
            for other in generator.choices(others, k=PAIRS):
                examples.append(Example(text, {"alike": float(same)}, others=(other,)))
    model = taught("alike", SimilarityTask(range=(0, 1)), examples, number, epochs=1, learning_rate=2e-5, batch_size=16)
    return regression(model, labelled, tests)


def named(drawn: Rows, tests: Rows, number: int) -> float:
    """The same, with the classes' names as further labelled texts, four templates of each."""
    return alike(drawn, tests, number, templated(NAMES, TEMPLATES))


def described(drawn: Rows, tests: Rows, number: int) -> float:
    """The same, with four phrases for each class, three templates of each."""
    return alike(drawn, tests, number, templated(PHRASES, TEMPLATES[:3]))


def templated(phrases: Mapping[str, Sequence[str]], templates: Sequence[str]) -> Rows:
    """What one can say about the classes before any text is labelled, as texts with their classes."""
    return [
        (template.format(phrase), label) for label, own in phrases.items() for phrase in own for template in templates
    ]


def ranked(drawn: Rows, tests: Rows, number: int) -> float:
    """An anchor, another text of its class, one of each other class; one row a batch, as larger ones mix classes."""
    generator = random.Random(number)
    classes = sorted({label for _, label in drawn})
    by_class = {label: [text for text, its in drawn if its == label] for label in classes}
    examples = []
    for text, label in drawn:
        for _ in range(PAIRS // 2):
            positive = generator.choice([other for other in by_class[label] if other != text])
            negatives = [generator.choice(by_class[other]) for other in classes if other != label]
            examples.append(Example(text, {"ranked": 2 + len(negatives)}, others=(positive, *negatives)))
    model = taught("ranked", PairsTask(), examples, number, epochs=1, learning_rate=2e-5, batch_size=1, together=8)
    return regression(model, drawn, tests)


PAIRS = 20
NAMES = {"0": ["world politics"], "1": ["sports"], "2": ["business"], "3": ["science and technology"]}
PHRASES = {
    "0": ["world politics", "war and peace", "governments and elections abroad", "international relations"],
    "1": ["sports", "matches and games", "teams and players", "championships"],
    "2": ["business", "companies and profits", "stock markets", "the economy and oil prices"],
    "3": ["science and technology", "computers and software", "the internet", "space and research"],
}
TEMPLATES = ("This text is about {}.", "News of {}.", "{}", "The topic is {}.")
METHODS: Mapping[str, Callable[[Rows, Rows, int], float]] = {
    "probe": probe,
    "full": full,
    "contrastive, alike": alike,
    "contrastive, named": named,
    "contrastive, described": described,
    "contrastive, ranked": ranked,
}


def taught(
    name: str, task: Task, examples: Sequence[Example], seed: int, *, together: int = 1, **settings: Any
) -> Polyhead:
    """The backbone, trained on ``examples`` alone: there is no validation data, so the last epoch is kept."""
    pretrained: Pretrained = load(DEFAULT_BACKBONE, attention_dropout=0.0)
    pretrained.add_head(name, task)
    given = {"head_learning_rate": 1e-2, "seed": seed, "gradient_accumulation_steps": together, **settings}
    with TemporaryDirectory() as folder:
        train(
            pretrained,
            [DataSet("drawn", examples)],
            TrainingSettings.model_validate(given),
            folder=Path(folder),
        )
    return Polyhead(pretrained)


def _sd(values: Sequence[float]) -> float:
    return statistics.stdev(values) if len(values) > 1 else 0.0


if __name__ == "__main__":
    main()
