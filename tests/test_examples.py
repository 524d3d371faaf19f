"""The examples run: on data of the same layout, written here, where the real data may not be shipped."""

import csv
import subprocess
import sys
from pathlib import Path

from polyhead import Polyhead, load_recipe, train
from polyhead.recipe.examples import recipe_examples
from polyhead.training.checkpoint import checkpoints

RECIPE = Path(__file__).parents[1] / "examples/agnews-conll/recipe.yaml"
HEADLINES = {
    "World": "Ministers of {} neighbouring states met at the border",
    "Sports": "The home side won by {} goals after extra time",
    "Business": "Shares of the brewery fell by {} per cent",
    "Sci/Tech": "The probe sent {} pictures of the comet",
}
SENTENCE = [("Anna", "B-PER"), ("left", "O"), ("Oslo", "B-LOC"), ("for", "O"), ("Acme", "B-ORG"), ("Labs", "I-ORG")]


def write_data(root: Path) -> None:
    (root / "ag_news").mkdir()
    (root / "conll2003").mkdir()
    with (root / "ag_news/train_subset.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["label", "text", "source"])
        writer.writerows(
            [index, text.format(number), "made"]
            for index, text in enumerate(HEADLINES.values())
            for number in range(12)
        )
    with (root / "ag_news/test.csv").open("w", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows(
            [index + 1, text.format("many"), "A longer report follows."]
            for index, text in enumerate(HEADLINES.values())
        )
    block = "\n".join(f"{word} X X {tag}" for word, tag in SENTENCE)
    for name in ("train", "valid", "test"):
        (root / f"conll2003/{name}.txt").write_text("-DOCSTART- -X- -X- O\n\n" + f"{block}\n\n" * 8)


def test_agnews_conll(tmp_path: Path) -> None:
    write_data(tmp_path)
    small = {"data.news.train.sample.per_class": "10", "training.epochs": "1", "training.batch_size": "8"}
    recipe = load_recipe(RECIPE, data_root=tmp_path, overrides=small)
    train(recipe, tmp_path / "run")
    model = Polyhead.from_pretrained(tmp_path / "run")
    assert model.tasks["topic"].labels == ("Business", "Sci/Tech", "Sports", "World")
    assert model.tasks["entities"].labels == ("LOC", "ORG", "PER")
    sets, log = recipe_examples(RECIPE, "test", model.tasks, data_root=tmp_path, count_unseen=False)
    examples = [example for rows in sets for example in rows]
    assert [example.labels["topic"] for example in examples[:4]] == list(HEADLINES)
    assert examples[0].text.endswith("A longer report follows.")
    assert not log.counts
    report = model.evaluate(examples)
    assert report.tasks["topic"].rows == 4
    assert report.tasks["entities"].rows == 8


def test_long_run(tmp_path: Path) -> None:
    command = [sys.executable, RECIPE.parents[1] / "long-run/run.py", tmp_path / "run"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert any(line.startswith("interrupted after step 25 of 60") for line in lines)
    assert [line.split(":")[0] for line in lines if line.startswith("step ")] == [
        "step 20",
        "step 30",
        "step 40",
        "step 60",
    ]
    assert lines[-1].startswith("kept step")
    assert len(checkpoints(tmp_path / "run")) == 1


ORDERS = [
    ("play|O {}|B-artist {}|I-artist loudly|O", "play"),
    ("book|O a|O table|O in|O {}|B-city for|O {}|B-number", "book"),
    ("will|O it|O rain|O in|O {}|B-city {}|B-time", "weather"),
]


def test_intent_slots(tmp_path: Path) -> None:
    for split in ("train", "dev", "test"):
        folder = tmp_path / "snips" / split
        folder.mkdir(parents=True)
        pairs = [
            ([cell.split("|") for cell in order.format(f"one{number}", f"two{number}").split()], intent)
            for number in range(8)
            for order, intent in ORDERS
        ]
        (folder / "seq.in").write_text("".join(" ".join(word for word, _ in row) + "\n" for row, _ in pairs))
        (folder / "seq.out").write_text("".join(" ".join(tag for _, tag in row) + "\n" for row, _ in pairs))
        (folder / "label").write_text("".join(f"{intent}\n" for _, intent in pairs))
    recipe = load_recipe(
        RECIPE.parents[1] / "intent-slots/recipe.yaml",
        data_root=tmp_path,
        overrides={"training.epochs": "12", "training.batch_size": "8"},
    )
    result = train(recipe, tmp_path / "run")
    assert result.best.report.metrics()["exact_rows"] == result.best.score > 0.5
    model = Polyhead.from_pretrained(tmp_path / "run")
    answer = model.predict("will it rain in one3 two3")
    assert answer["intent"].label == "weather"
    assert set(model.tasks["slots"].labels) == {"artist", "city", "number", "time"}


def test_keep_embedding(tmp_path: Path) -> None:
    path = RECIPE.parents[1] / "keep-embedding/recipe.yaml"
    small = {"training.epochs": "2", "training.plan": "full", "training.max_train_samples": "80"}
    anchored = train(load_recipe(path, overrides=small), tmp_path / "anchored")
    forked = {"embedding.mode": "fork", "embedding.top": "2", "embedding.weight": "null"}
    kept = train(load_recipe(path, overrides={**small, **forked}), tmp_path / "forked")
    for result, exact in ((anchored, False), (kept, True)):
        report = result.best.embedding
        assert report is not None
        assert report.texts == 108
        assert (report.metrics()["neighbours"] == 1) is exact
    assert set(Polyhead.from_pretrained(tmp_path / "forked").pretrained.model.branches) == {"fork"}
