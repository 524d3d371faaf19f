"""``polyhead check`` and ``evaluate --errors`` as a user meets them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from conftest import Result
from polyhead import load_recipe, train
from polyhead.cli.common import out
from polyhead.starter import FOLDER


@pytest.fixture
def recipe(backbones: Callable[[str], Path], tmp_path: Path) -> Path:
    for name in ("train", "validation", "test"):
        (tmp_path / f"{name}.jsonl").write_bytes((FOLDER / f"{name}.jsonl").read_bytes())
    document = {
        "model": {"backbone": str(backbones("bert")), "max_length": 32},
        "tasks": {"topic": {"kind": "classification"}, "entities": {"kind": "tagging"}},
        "data": {
            "own": {
                "format": "jsonl", "train": "train.jsonl", "validation": "validation.jsonl", "test": "test.jsonl",
                "tasks": {"topic": {}, "entities": {}},
            }
        },
        "training": {"epochs": 1, "bf16": False},
    }  # fmt: skip
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


def test_check_shows_tables_pictures_and_an_estimate(
    run: Callable[..., Result], recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = run("check", recipe)
    assert found.status == 0, found.err
    for words in ("own.train", "472", "topic: labels", "Tokens a text", "Training: 15 steps of", "of memory"):
        assert words in found.out, words
    assert f"Next: polyhead train {recipe}" in found.out
    for name in ("lengths.png", "labels.png"):
        assert (tmp_path / "checks/recipe" / name).read_bytes().startswith(b"\x89PNG")
    assert not (tmp_path / "runs").exists()


def test_check_for_machines(run: Callable[..., Result], recipe: Path, tmp_path: Path) -> None:
    found = run("check", recipe, "--json", "--output", tmp_path / "here", "--training.epochs=3")
    assert found.status == 0, found.err
    report = json.loads(found.out)
    assert report["rows"] == {"own.train": 472, "own.validation": 108, "own.test": 108}
    assert report["estimate"]["steps"] == 45
    assert sum(counts["train"] for counts in report["labels"]["topic"].values()) == 472
    assert report["lengths"]["own.train"]["limit"] == 32
    assert report["faults"] == []
    assert all(Path(path).is_file() for path in report["histograms"])


def test_check_with_faults_tells_all_and_exits_with_1(run: Callable[..., Result], recipe: Path, tmp_path: Path) -> None:
    with open(tmp_path / "test.jsonl", "a") as file:
        file.write('{"text": "A late entry.", "topic": "sport", "entities": []}\n')
    found = run("check", recipe, "--training.score=topic.f9", "--output", tmp_path / "here")
    assert found.status == 1
    assert "topic: labels" in found.out, "what is right is shown all the same"
    faults = [line for line in found.err.splitlines() if line.startswith("polyhead: ")]
    assert len(faults) == 2
    assert faults[0].startswith("polyhead: test.jsonl:109: task topic has the labels")
    assert "training.score: must be of" in faults[1]


def test_errors_are_written_the_surest_first(run: Callable[..., Result], recipe: Path, tmp_path: Path) -> None:
    train(load_recipe(recipe), tmp_path / "run")
    found = run("evaluate", tmp_path / "run", tmp_path / "run/recipe.yaml", "--errors", tmp_path / "wrong.jsonl")
    assert found.status == 0, found.err
    rows = [json.loads(line) for line in (tmp_path / "wrong.jsonl").read_text(encoding="utf-8").splitlines()]
    confidences = [row["confidence"] for row in rows]
    assert confidences == sorted(confidences, reverse=True)
    assert f"{len(rows):,} rows that went wrong are in" in found.out
    assert "95 % interval" in found.out
    assert "errors by kind" in found.out
    as_json = json.loads(run("evaluate", tmp_path / "run", tmp_path / "run/recipe.yaml", "--json").out)
    topic = as_json["tasks"]["topic"]
    wrong = [row for row in rows if row["task"] == "topic"]
    assert len(wrong) == round((1 - topic["metrics"]["accuracy"]) * topic["rows"])
    assert {row["source"] for row in wrong} <= {f"test.jsonl:{number}" for number in range(1, 109)}
    low, high = topic["intervals"]["accuracy"]
    assert low <= topic["metrics"]["accuracy"] <= high
    spans = [error["kind"] for row in rows if row["task"] == "entities" for error in row["errors"]]
    assert {kind: spans.count(kind) for kind in as_json["tasks"]["entities"]["errors"]} == (
        as_json["tasks"]["entities"]["errors"]
    )


def test_cut_texts_are_told(
    run: Callable[..., Result], recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(load_recipe(recipe), tmp_path / "run")
    long = "word " * 60
    monkeypatch.setattr(out, "width", 400)
    found = run("predict", tmp_path / "run", long)
    assert "words beyond the limit, not read" in " ".join(found.out.split())
    assert "! 1 text was longer than 32 tokens and read only as far as that" in found.err
    answer = json.loads(run("predict", tmp_path / "run", long, "--json").out)
    assert answer["truncated"]
    assert answer["entities"]["cut_words"] > 20
