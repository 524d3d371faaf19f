"""A fork: heads learn on copies, the embedding stays bit for bit; what cannot be learnt on one is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from conftest import ARCHITECTURES, sentences
from polyhead import Polyhead, UserError, load_recipe, train
from polyhead.folder.files import write_lines
from polyhead.pretrained import load
from polyhead.recipe.run import Watcher
from polyhead.starter import FOLDER

TEXTS = ["Anna visits Berlin.", "the quick software of Tokyo closes", "a"]
FORK = {"mode": "fork", "top": 1}


def recipe_of(
    path: Path, backbone: Path, *, tasks: dict[str, Any] | None = None, embedding: Any = FORK, **training: Any
) -> Any:
    tasks = tasks or {"topic": {"kind": "classification"}, "entities": {"kind": "tagging"}}
    document = {
        "model": {"backbone": str(backbone), "max_length": 24},
        "tasks": tasks,
        "data": {
            "all": {
                "format": "jsonl",
                "train": {"path": "train.jsonl", "sample": {"rows": 120}},
                "validation": 0.2,
                "test": "test.jsonl",
                "tasks": {name: {"label": "topic"} if each["kind"] != "tagging" else {"spans": "entities"}
                          for name, each in tasks.items()},
            }
        },
        "training": {"epochs": 2, "batch_size": 16, "learning_rate": 1e-2, "head_learning_rate": 1e-2, "bf16": False}
        | training,
        **({"embedding": embedding} if embedding else {}),
    }  # fmt: skip
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return load_recipe(path, data_root=FOLDER)


@pytest.mark.parametrize(
    ("architecture", "plan"),
    [
        *(("bert", plan) for plan in ("full", "lora", "probe", "bitfit", "top:1")),
        *(("modernbert", plan) for plan in ("full", "lora")),  # which has no biases
    ],
)
def test_the_embedding_stays_and_the_branch_moves(
    backbones: Callable[[str], Path], tmp_path: Path, architecture: str, plan: Any
) -> None:
    backbone = backbones(architecture)
    before = Polyhead.from_pretrained(backbone, dtype="float32")
    result = train(recipe_of(tmp_path / "r.yaml", backbone, plan=plan), tmp_path / "run")
    model = Polyhead.from_pretrained(tmp_path / "run", dtype="float32")
    assert np.array_equal(model.encode(TEXTS), before.encode(TEXTS))
    network, other = model.pretrained.model, before.pretrained.model
    for one, two in zip(network.encoder.parameters(), other.encoder.parameters(), strict=True):
        assert torch.equal(one, two)
    branch = network.branches["fork"]
    moved = [
        not torch.equal(own, original)
        for own, original in zip(
            branch.layers[0].parameters(), other.encoder.backbone.layer_list()[1].parameters(), strict=True
        )
    ]
    assert any(moved) == (plan != "probe")
    assert result.best.embedding is not None
    assert result.best.embedding.drift is not None
    assert result.best.embedding.drift.neighbours == 1
    scores = model.evaluate([]).tasks
    assert scores == {}
    assert all(head.trained and head.encoder_hash is None for head in model.pretrained.heads.values())


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_what_was_trained_is_what_is_saved(backbones: Callable[[str], Path], tmp_path: Path, architecture: str) -> None:
    """Validation metrics of the loop, in the view through the branch, are those of the opened model."""
    recipe = recipe_of(tmp_path / "r.yaml", backbones(architecture), plan="full" if architecture == "bert" else "lora")
    result = train(recipe, tmp_path / "run")
    from itertools import chain

    from polyhead.recipe.examples import recipe_examples

    model = Polyhead.from_pretrained(tmp_path / "run", dtype="float32")
    sets, _ = recipe_examples(
        tmp_path / "run" / "recipe.yaml", "validation", model.tasks, data_root=FOLDER, count_unseen=False
    )
    assert model.evaluate(chain.from_iterable(sets)).metrics() == pytest.approx(result.best.report.metrics(), abs=1e-6)


def test_a_second_fork_leaves_the_first_alone(backbones: Callable[[str], Path], tmp_path: Path) -> None:
    train(recipe_of(tmp_path / "r.yaml", backbones("bert")), tmp_path / "one")
    first = Polyhead.from_pretrained(tmp_path / "one", dtype="float32")
    other = recipe_of(
        tmp_path / "s.yaml",
        backbones("bert"),
        tasks={"again": {"kind": "classification"}},
        embedding={**FORK, "name": "second"},
    )
    train(other, tmp_path / "two", start=tmp_path / "one")
    second = Polyhead.from_pretrained(tmp_path / "two", dtype="float32")
    assert set(second.pretrained.model.branches) == {"fork", "second"}
    assert np.array_equal(first.encode(TEXTS), second.encode(TEXTS))
    for one, two in zip(first.predict(TEXTS), second.predict(TEXTS), strict=True):
        assert one["topic"] == two["topic"]
        assert one["entities"] == two["entities"]


def test_a_fork_that_carries_other_heads_is_not_moved_under_them(
    backbones: Callable[[str], Path], tmp_path: Path
) -> None:
    train(recipe_of(tmp_path / "r.yaml", backbones("bert")), tmp_path / "one")
    new = {"again": {"kind": "classification"}}
    with pytest.raises(UserError, match="the branch fork carries entities, topic"):
        train(recipe_of(tmp_path / "s.yaml", backbones("bert"), tasks=new), tmp_path / "two", start=tmp_path / "one")
    train(
        recipe_of(tmp_path / "p.yaml", backbones("bert"), tasks=new, plan="probe"),
        tmp_path / "probe",
        start=tmp_path / "one",
    )
    one, two = (Polyhead.from_pretrained(tmp_path / name, dtype="float32") for name in ("one", "probe"))
    for before, after in zip(one.predict(TEXTS), two.predict(TEXTS), strict=True):
        assert before["topic"] == after["topic"]


def test_a_fork_may_be_trained_on(backbones: Callable[[str], Path], tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path / "r.yaml", backbones("bert"))
    train(recipe, tmp_path / "one")
    train(recipe, tmp_path / "two", start=tmp_path / "one")
    one, two = (load(tmp_path / name).model.branches["fork"] for name in ("one", "two"))
    assert any(not torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))


@pytest.mark.parametrize(
    ("tasks", "embedding", "says"),
    [
        ({"topic": {"kind": "classification", "input": "embedding"}}, FORK, "reads the embedding, which"),
        ({"topic": {"kind": "classification"}}, {"mode": "fork", "top": 3}, "must be at most 2"),
        ({"topic": {"kind": "classification"}}, {**FORK, "top": 2, "name": "fork"}, "has the 1 topmost layers"),
        ({"topic": {"kind": "classification"}}, {**FORK, "name": "other"}, "stands on the branch fork"),
        ({"new": {"kind": "classification"}}, None, r"branches \(fork\) stand on its encoder"),
        ({"topic": {"kind": "classification"}}, None, "stands on the branch fork"),
    ],
)
def test_what_cannot_be_is_refused(
    backbones: Callable[[str], Path], tmp_path: Path, tasks: dict[str, Any], embedding: Any, says: str
) -> None:
    start = None
    if embedding in (None, {**FORK, "top": 2, "name": "fork"}, {**FORK, "name": "other"}):
        train(recipe_of(tmp_path / "first.yaml", backbones("bert")), tmp_path / "first")
        start = tmp_path / "first"
    with pytest.raises(UserError, match=says):
        train(
            recipe_of(tmp_path / "r.yaml", backbones("bert"), tasks=tasks, embedding=embedding),
            tmp_path / "run",
            start=start,
        )


def test_a_head_on_the_encoder_cannot_move_to_a_fork(backbones: Callable[[str], Path], tmp_path: Path) -> None:
    train(recipe_of(tmp_path / "first.yaml", backbones("bert"), embedding=None, plan="probe"), tmp_path / "first")
    with pytest.raises(UserError, match="stands on the encoder, which"):
        train(recipe_of(tmp_path / "r.yaml", backbones("bert")), tmp_path / "run", start=tmp_path / "first")


@pytest.mark.parametrize(
    ("embedding", "says"),
    [
        ({"mode": "fork"}, "needs top"),
        ({"mode": "anchor", "top": 2}, "top belongs to mode: fork"),
        ({"weight": 2.0}, "weight belongs to mode: anchor"),
        ({"mode": "fork", "top": 1, "max_drop": 0.1}, "keeps the embedding as it is"),
        ({"mode": "fork", "top": 1, "name": "../x"}, "embedding.name"),
        ({"texts": {"format": "novel", "path": "x"}}, "format must be one of"),
        ({"texts": {"format": ["text"], "path": "x"}}, "format must be one of"),
        ({"pairs": "nowhere.csv"}, "cannot be read as pairs"),
        ({"texts": "nowhere.txt"}, "no such file"),
        ({"moed": "fork"}, "moed"),
    ],
)
def test_wrong_settings_are_said_in_a_line(
    backbones: Callable[[str], Path], tmp_path: Path, embedding: Any, says: str
) -> None:
    with pytest.raises(UserError, match=says) as caught:
        train(recipe_of(tmp_path / "r.yaml", backbones("bert"), embedding=embedding), tmp_path / "run")
    assert len(caught.value.faults) == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("more", "count"), [({}, 15), ({"sample": {"rows": 6}}, 6)], ids=["all", "a sample"])
def test_unlabelled_texts_of_any_format(
    backbones: Callable[[str], Path], tmp_path: Path, more: dict[str, Any], count: int
) -> None:
    write_lines(tmp_path / "more.csv", ["body", *[f'"{text}"' for text in sentences(15, longest=5)]])
    settings = {"texts": {"format": "csv", "path": str(tmp_path / "more.csv"), "text": "body", **more}}
    result = train(recipe_of(tmp_path / "r.yaml", backbones("bert"), embedding=settings), tmp_path / "run")
    assert result.best.embedding is not None
    assert result.best.embedding.texts == count


def test_kept_states_serve_a_fork(backbones: Callable[[str], Path], tmp_path: Path) -> None:
    """The same weights with the frozen lower layers' output kept and without, to float tolerance."""
    notes: list[str] = []
    for name, cache in (("kept", True), ("anew", False)):
        recipe = recipe_of(tmp_path / f"{name}.yaml", backbones("bert"), cache=cache, learning_rate=1e-3)
        train(recipe, tmp_path / name, watcher=Watcher(on_note=notes.append))
    one, two = (load(tmp_path / name).model.branches["fork"] for name in ("kept", "anew"))
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=2e-3, rtol=2e-3)
    assert any("of the frozen layers' output" in line for line in notes)
    plans = [line for line in notes if line.startswith("plan: full")]
    assert plans
    assert not any("(100.0%)" in line for line in plans)
