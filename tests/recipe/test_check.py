"""``polyhead check``: what is odd about data is found and told, with its place; and its quick part in ``train``."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from polyhead import Polyhead, load_recipe, train
from polyhead.data.example import Example
from polyhead.data.leaks import exact_leaks, near_leaks
from polyhead.recipe.check import RARE, check
from polyhead.recipe.data import prepare
from polyhead.recipe.run import Watcher
from polyhead.recipe.start import begin
from polyhead.training.estimate import estimate

LONG = "the quick market opens in Berlin and the slow harbour closes in Tokyo while Anna reads and Kofi writes a recipe"


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@pytest.fixture
def recipe(backbones: Callable[[str], Path], tmp_path: Path) -> Path:
    """Data with a rare label, one that is only declared, a long text, leaks of both kinds, a span that cuts a word."""
    rows: list[dict[str, Any]] = [
        {"text": f"Anna visits Oslo on Thursday number {number}", "topic": "travel" if number % 2 else "other",
         "names": [{"start": 0, "end": 4, "type": "PER"}]}
        for number in range(20)
    ]  # fmt: skip
    long = " ".join(reversed((LONG * 3).split()))
    end = len(long)
    rows.append({"text": long, "topic": "rare", "names": [{"start": end - 6, "end": end, "type": "OBJ"}]})
    rows.append({"text": LONG, "topic": "travel", "names": [{"start": 0, "end": 2, "type": "OBJ"}]})
    write(tmp_path / "train.jsonl", rows)
    test = [
        {"text": "  ANNA visits Oslo   on thursday number 3", "topic": "travel", "names": []},
        {"text": LONG.replace("Berlin", "Berlim"), "topic": "other", "names": []},
        {"text": "nothing of the kind", "topic": "other", "names": []},
    ]
    write(tmp_path / "test.jsonl", test)
    path = tmp_path / "recipe.yaml"
    document = {
        "model": {"backbone": str(backbones("bert")), "max_length": 40},
        "tasks": {
            "topic": {"kind": "classification", "labels": ["travel", "other", "rare", "absent"]},
            "names": {"kind": "tagging"},
        },
        "data": {
            "own": {
                "format": "jsonl",
                "train": "train.jsonl",
                "test": "test.jsonl",
                "tasks": {"topic": {}, "names": {}},
            }
        },
        "training": {"epochs": 1, "batch_size": 4, "bf16": False},
    }
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def found_in(recipe: Path) -> Any:
    _, data, pretrained = begin(load_recipe(recipe), None, splits=("train", "validation", "test"))
    return check(data, pretrained.tokenizer)


def test_it_counts_labels_and_warns_of_rare_and_absent_ones(recipe: Path) -> None:
    found = found_in(recipe)
    assert found.labels["topic"]["travel"] == {"train": 11, "test": 1}
    assert found.labels["names"]["PER"] == {"train": 20, "test": 0}
    assert "topic: no training row has 'absent', so it cannot be learned" in found.warnings
    assert "topic: 'rare' occurs only 1 time in training data" in found.warnings
    assert RARE > 1
    assert "names: no row of test has a label of it" in found.warnings
    assert "topic: 'rare' does not occur in test, so nothing will be known of it there" in found.warnings


def test_lengths_say_what_the_limit_cuts_off(recipe: Path) -> None:
    lengths = found_in(recipe).lengths["own.train"]
    assert len(lengths.tokens) == 22
    assert lengths.cut_texts == int((lengths.tokens > 40).sum()) == 1
    assert lengths.cut_share == pytest.approx((lengths.tokens.max() - 40) / lengths.tokens.sum())
    assert (lengths.entities, lengths.entities_in_all) == (1, 22)
    assert lengths.as_dict()["percentiles"]["100"] == lengths.tokens.max() > 60
    assert any("own.train: 1 of 22 texts are longer than 40 tokens" in line for line in found_in(recipe).warnings)


def test_leaks_between_splits_are_found_with_their_places(recipe: Path) -> None:
    exact, near = found_in(recipe).leaks
    assert (exact.exact, exact.earlier, exact.later) == (True, "own.train", "own.test")
    assert list(exact.places) == [("train.jsonl:4", "test.jsonl:1")]
    assert (near.exact, near.rows, list(near.places)) == (False, 1, [("train.jsonl:22", "test.jsonl:2")])


def test_near_leaks_are_those_of_comparing_all_pairs() -> None:
    generator = np.random.default_rng(3)
    words = [f"w{number}" for number in range(300)]
    texts = [" ".join(generator.choice(words, 30)) for _ in range(60)]
    others = []
    for text in texts[:40]:
        parts = text.split()
        for _ in range(int(generator.integers(0, 6))):
            parts[int(generator.integers(30))] = str(generator.choice(words))
        others.append(" ".join(parts))

    def grams(text: str) -> set[str]:
        return {text[start : start + 5] for start in range(len(text) - 4)}

    def close(one: str, other: str) -> bool:
        mine, theirs = grams(one), grams(other)
        return one != other and len(mine & theirs) >= 0.8 * len(mine | theirs)

    expected = sum(any(close(text, other) for text in texts) for other in others)
    splits = [
        (name, [Example(text, source=f"{name}:{number}") for number, text in enumerate(rows, start=1)])
        for name, rows in (("train", texts), ("test", others))
    ]
    found = sum(leak.rows for leak in near_leaks(splits))
    assert 10 < expected < 40
    assert found <= expected, "what the sketches propose is verified"
    assert found >= 0.8 * expected, "sketches may miss a few that are just above the threshold"


def test_equal_texts_within_a_split_are_no_leak() -> None:
    rows = [Example("same", source="a:1"), Example("same", source="a:2")]
    assert exact_leaks([("train", rows)]) == []
    [leak] = exact_leaks([("train", rows), ("test", [Example("Same ", source="b:1")])])
    assert (leak.rows, list(leak.places)) == (1, [("a:1", "b:1")])


def test_the_estimate_counts_steps_and_takes_time_and_memory(recipe: Path) -> None:
    loaded, data, pretrained = begin(load_recipe(recipe), None)
    settings = loaded.training.model_copy(update={"epochs": 50})
    taken = estimate(pretrained, data.sets, settings, device="cpu")
    assert taken.steps == 50 * 6
    assert taken.seconds >= taken.steps * taken.seconds_per_step > 0
    assert taken.memory > 50e6


def test_the_estimate_knows_that_frozen_layers_run_once(recipe: Path) -> None:
    passes = {}
    for cache in ("auto", "false"):
        overrides = {"training.plan": "probe", "training.epochs": "50", "training.cache": cache}
        loaded, data, pretrained = begin(load_recipe(recipe, overrides=overrides), None)
        seen: list[int] = []
        layer = pretrained.model.encoder.backbone.layer_list()[0]
        layer.register_forward_hook(lambda *_, seen=seen: seen.append(1))
        estimate(pretrained, data.sets, loaded.training, device="cpu")
        passes[cache] = len(seen)
    assert passes["auto"] < passes["false"]


def test_train_runs_the_quick_part_by_itself(recipe: Path, tmp_path: Path) -> None:
    said: list[str] = []
    train(load_recipe(recipe), tmp_path / "run", watcher=Watcher(on_note=said.append))
    assert "! topic: no training row has 'absent', so it cannot be learned" in said
    assert any(line.startswith("! own: about 4.5% of the texts are longer than 40 tokens") for line in said)
    assert "! all of it: polyhead check RECIPE" in said
    assert any(line.startswith("disk: 2 checkpoints of ") and "are free" in line for line in said)


def test_what_was_cut_is_counted_in_training(recipe: Path, tmp_path: Path) -> None:
    result = train(load_recipe(recipe), tmp_path / "run")
    [evaluation] = result.evaluations
    assert evaluation.cut_texts == 1
    assert evaluation.cut_words > 10
    lines = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert lines[-1]["cut_texts"] == 1


def test_tasks_without_labels_have_no_warnings_of_labels(tmp_path: Path, minilm: Polyhead) -> None:
    rows = "".join(
        json.dumps({"a": f"text {number}", "b": f"other {number}", "s": number % 5}) + "\n" for number in range(8)
    )
    (tmp_path / "rows.jsonl").write_text(rows)
    (tmp_path / "recipe.yaml").write_text(
        "tasks: {alike: {kind: similarity, range: [0, 5]}}\n"
        "data: {own: {format: jsonl, text: a, text_pair: b, train: rows.jsonl, validation: 0.25,"
        " tasks: {alike: {label: s}}}}\n"
    )
    data = prepare(load_recipe(tmp_path / "recipe.yaml"))
    found = check(data, minilm.pretrained.tokenizer)
    assert found.labels == {}
    assert not [line for line in found.warnings if "label" in line]
