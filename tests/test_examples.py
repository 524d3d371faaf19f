"""The examples run, one short epoch of each: on their own data, or on data of the same layout that is written here."""

import csv
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import pytest

from polyhead import Polyhead, load_recipe, train
from polyhead.data.faults import FaultLog
from polyhead.recipe import Watcher
from polyhead.recipe.data import read_data
from polyhead.training.checkpoint import checkpoints

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
DESIGNS = ("topic-entities", "agnews-conll", "type-sentiment", "genre-sentiment", "cls-aligned")
SPLITS = ("train", "validation", "test")
WIDTHS = {"topic-entities": 512, "genre-sentiment": 256}


def texts_of(name: str) -> dict[str, list[Any]]:
    """An example's rows, by split."""
    recipe, log = load_recipe(EXAMPLES / name / "recipe.yaml"), FaultLog()
    sets = read_data(recipe, recipe.tasks, log, SPLITS)
    assert not log.counts
    return {split: list(chain.from_iterable(each.split(split) for each in sets)) for split in SPLITS}


@pytest.mark.parametrize("name", DESIGNS)
def test_data(name: str) -> None:
    """Three hundred rows or more, all different, in no two splits, every label in each."""
    rows = texts_of(name)
    found = [each.text.lower() for each in chain.from_iterable(rows.values())]
    assert len(found) >= 300
    assert len(set(found)) == len(found)
    words = [set(text.split()) for text in found]
    assert max(len(one & two) / len(one | two) for one, two in combinations(words, 2)) < 0.6
    classes = [
        Counter((task, label) for each in own for task, label in each.labels.items() if isinstance(label, str))
        for own in rows.values()
    ]
    assert classes[0].keys() == classes[1].keys() == classes[2].keys()
    for task in {task for task, _ in classes[0]}:
        sizes = [count for (own, _), count in classes[0].items() if own == task]
        assert max(sizes) <= 1.15 * min(sizes)


def shown(name: str, capsys: pytest.CaptureFixture[str], *runs: Path) -> str:
    capsys.readouterr()
    runpy.run_path(str(EXAMPLES / name / "show.py"))["main"](*map(str, runs))
    return capsys.readouterr().out


def learnt(name: str, run: Path, overrides: Mapping[str, str] = {}) -> Polyhead:
    """A short epoch of an example's recipe."""
    notes: list[str] = []
    short = {"training.epochs": "1", "training.max_train_samples": "96"}
    recipe = load_recipe(EXAMPLES / name / "recipe.yaml", overrides={**short, **overrides})
    train(recipe, run, watcher=Watcher(on_note=notes.append))
    loud = [note for note in notes if "INSTEAD" in note]
    asked = recipe.raw["model"]["backbone"]
    assert len(loud) == (asked != "sentence-transformers/all-MiniLM-L6-v2")
    assert ("INSTEAD" in (run / "report.html").read_text(encoding="utf-8")) == bool(loud)
    assert all(note.startswith(f"! {asked} cannot be had here") for note in loud)
    assert json.loads((run / "run.json").read_text())["backbone"] == "sentence-transformers/all-MiniLM-L6-v2"
    model = Polyhead.from_pretrained(run)
    assert model.encode(["one"]).shape == (1, WIDTHS.get(name, 384))
    return model


def test_topic_entities(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    learnt("topic-entities", tmp_path / "tuned")
    learnt("topic-entities", tmp_path / "frozen", {"training.plan": "probe"})
    said = shown("topic-entities", capsys, tmp_path / "tuned", tmp_path / "frozen")
    for name in ("untrained", "trained end to end", "encoder frozen"):
        assert f"{name}: topic (6, 4), entities (6, " in said
    assert said.count(", 9)") == 3
    assert "Alice went to Paris" in said


def test_agnews_conll(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = learnt("agnews-conll", tmp_path / "run")
    assert model.tasks["topic"].labels == ("Business", "Sci/Tech", "Sports", "World")
    assert model.logits("Anna left Oslo", ["entities"])["entities"].shape[2] == 5
    said = shown("agnews-conll", capsys, tmp_path / "run")
    assert "Headlines of the test set" in said
    assert said.count("true: ") == 6


def test_the_official_file_becomes_what_the_recipe_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    official = '"3","A, headline","What \\\\it says"\n"1","Ein ""zweiter""","東京"\n'
    Path("train.csv").write_text(official, encoding="utf-8")
    text = (EXAMPLES / "agnews-conll" / "README.md").read_text(encoding="utf-8")
    [code] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(code, {})
    with Path("train_subset.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows == [
        {"label": "2", "text": r"A, headline What \\it says"},
        {"label": "0", "text": 'Ein "zweiter" 東京'},
    ]


@pytest.mark.slow
def test_agnews_conll_by_the_first_token(tmp_path: Path) -> None:
    model = learnt("agnews-conll", tmp_path / "run", {"model.pooling": "cls"})
    assert model.pretrained.settings.pooling == "cls"


def test_type_sentiment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    learnt("type-sentiment", tmp_path / "run")
    said = shown("type-sentiment", capsys, tmp_path / "run")
    assert "total loss" in said
    assert "embedding: (384,)" in said


def test_genre_sentiment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = learnt("genre-sentiment", tmp_path / "run")
    said = shown("genre-sentiment", capsys, tmp_path / "run")
    assert "embedding: (1, 256)" in said
    assert all(label in said for task in model.tasks.values() for label in task.labels)


def test_cls_aligned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = learnt("cls-aligned", tmp_path / "run")
    assert model.pretrained.settings.pooling == "cls"
    said = shown("cls-aligned", capsys, tmp_path / "run")
    assert "subject: " in said
    assert "of 50 right" in said


@pytest.mark.slow
def test_the_script(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHON": sys.executable, "RUNS": str(tmp_path), "EPOCHS": "1"}
    done = subprocess.run([ROOT / "scripts/examples", "cls-aligned"], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert "== cls-aligned ==" in done.stdout
    assert "both: " in done.stdout
    script = str(ROOT / "scripts/examples")
    done = subprocess.run([script, "topic-entities"], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    for name in ("", "-frozen"):
        assert (tmp_path / f"topic-entities-epochs=1{name}" / "result.json").is_file()
    for name in ("curves.png", "six.png", "six.html"):
        assert (tmp_path / f"topic-entities-epochs=1-{name}").is_file(), name
    assert "embeddings: (6, 512)" in done.stdout
    mixed = [script, "cls-aligned", "--data-root", str(tmp_path)]
    refused = subprocess.run(mixed, capture_output=True, text=True, env=environment)
    assert refused.returncode == 1
    assert refused.stderr.strip() == "--data-root is for agnews-conll alone"
    bare = subprocess.run([script, "--data-root"], capture_output=True, text=True, env=environment)
    assert (bare.returncode, bare.stderr.strip()) == (1, "--data-root needs a folder behind it")
    data = tmp_path / "data"
    shutil.copytree(EXAMPLES / "agnews-conll", data)
    real = [script, "--data-root", str(data), "--model.pooling=cls"]
    few = {**environment, "PER_CLASS": "20"}
    done = subprocess.run(real, capture_output=True, text=True, env=few)
    assert done.returncode == 0, done.stderr
    run = tmp_path / "agnews-conll-real-20-epochs=1-model.pooling=cls"
    assert (run / "result.json").is_file()
    facts = json.loads((run / "run.json").read_text())
    assert (facts["data_root"], facts["recipe"]["model"]["pooling"]) == (str(data), "cls")
    assert done.stdout.count("true: ") == 6
    assert done.stderr.count("INSTEAD") == 2
    again = subprocess.run(real, capture_output=True, text=True, env=few)
    assert again.returncode == 0, again.stderr
    assert again.stderr.count("INSTEAD") == 1


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["cls-aligned", "nothing"], "no example is called nothing; there are topic-entities, "),
        (["cls-aligned", "--fast"], "no option is called --fast; scripts/examples --help lists them"),
        (["--data-root"], "--data-root needs a folder behind it"),
    ],
)
def test_the_script_looks_at_all_its_words_first(given: list[str], says: str, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHON": sys.executable, "RUNS": str(tmp_path)}
    done = subprocess.run([ROOT / "scripts/examples", *given], capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(says)
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
    told = subprocess.run([ROOT / "scripts/examples", "--help"], capture_output=True, text=True, env=environment)
    assert told.returncode == 0
    assert told.stdout.startswith("Trains the designs")
    assert "[--data-root DIR]" in told.stdout
    assert "set -" not in told.stdout


@pytest.mark.slow
def test_long_run(tmp_path: Path) -> None:
    command = [sys.executable, EXAMPLES / "long-run/run.py", tmp_path / "run"]
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


@pytest.mark.slow
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
        EXAMPLES / "intent-slots/recipe.yaml",
        data_root=tmp_path,
        overrides={"training.epochs": "12", "training.batch_size": "8"},
    )
    result = train(recipe, tmp_path / "run")
    assert result.best.report.metrics()["exact_rows"] == result.best.score > 0.5
    model = Polyhead.from_pretrained(tmp_path / "run")
    answer = model.predict("will it rain in one3 two3")
    assert answer["intent"].label == "weather"
    assert set(model.tasks["slots"].labels) == {"artist", "city", "number", "time"}


@pytest.mark.slow
def test_keep_embedding(tmp_path: Path) -> None:
    path = EXAMPLES / "keep-embedding/recipe.yaml"
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
