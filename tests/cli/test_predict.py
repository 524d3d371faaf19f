"""``polyhead predict`` on pairs, on stored embeddings, and where it abstains; ``evaluate`` on pairs."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from conftest import Result
from polyhead import Polyhead
from polyhead.cli.common import out


@pytest.fixture(autouse=True)
def _wide_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(out, "width", 200)


@pytest.fixture(scope="module")
def model(backbones: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = Polyhead.from_pretrained(backbones("bert"), dtype="float32")
    made.add_head("topic", "classification", ["a", "b"], input="embedding")
    made.add_head("marks", "multilabel", ["x", "y"])
    made.add_head("size", "regression", range=(0, 5))
    made.add_head("alike", "similarity", range=(0, 5))
    folder = tmp_path_factory.mktemp("models") / "model"
    made.save_pretrained(folder)
    return folder


def test_pairs_are_parted_by_a_tab(run: Callable[..., Result], model: Path, tmp_path: Path) -> None:
    (tmp_path / "pairs.txt").write_text("the river\tthe river\nAnna\tOslo\n")
    found = run("predict", model, tmp_path / "pairs.txt", "--pairs", "--json")
    rows = [json.loads(line) for line in found.out.splitlines()]
    assert [(row["text"], row["text_pair"]) for row in rows] == [("the river", "the river"), ("Anna", "Oslo")]
    assert rows[0]["alike"]["score"] == pytest.approx(1, abs=1e-5)
    assert "alike" not in json.loads(run("predict", model, "the river", "--json").out)
    table = run("predict", model, "the river\tthe bridge", "--pairs", "--tasks", "alike,,alike").out
    assert table.count("alike") == 1
    wrong = run("predict", model, "the river", "--pairs")
    assert (wrong.status, wrong.err.count("\n")) == (1, 1)
    assert "--pairs: text 1 must be two texts parted by a tab" in wrong.err
    assert "task alike needs two texts" in run("predict", model, "the river", "--tasks", "alike").err


def test_stored_embeddings_are_answered_alike(run: Callable[..., Result], model: Path, tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("the river\nAnna visits Oslo\n")
    answers = run("predict", model, tmp_path / "texts.txt", "--json").out.splitlines()
    wanted = [json.loads(line)["topic"] for line in answers]
    for name in ("e.npy", "e.parquet"):
        run("encode", model, tmp_path / "texts.txt", "--output", tmp_path / name)
        found = run("predict", model, "--embeddings", tmp_path / name, "--json")
        rows = [json.loads(line) for line in found.out.splitlines()]
        assert [set(row) for row in rows] == [{"text", "topic", "tokens", "truncated"}] * 2
        for row, own in zip(rows, wanted, strict=True):
            assert row["topic"]["score"] == pytest.approx(own["score"], abs=1e-2)  # bf16 in encode, where it is fast
    assert "row 2" in run("predict", model, "--embeddings", tmp_path / "e.npy").out


def test_embeddings_that_are_none(run: Callable[..., Result], model: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "narrow.npy", np.ones((2, 3), dtype=np.float32))
    (tmp_path / "broken.npy").write_bytes(b"nothing")
    (tmp_path / "broken.parquet").write_bytes(b"nothing")
    for name, says in (
        ("narrow.npy", "must be floating-point numbers of shape (texts, 32)"),
        ("broken.npy", "no readable .npy file"),
        ("broken.parquet", "no readable column embedding"),
        ("gone.npy", "no such file"),
        ("e.csv", "embeddings are read from .npy or .parquet"),
    ):
        found = run("predict", model, "--embeddings", tmp_path / name)
        assert (found.status, found.err.count("\n")) == (1, 1), found
        assert says in found.err
    np.save(tmp_path / "wide.npy", np.ones((2, 32), dtype=np.float32))
    found = run("predict", model, "--embeddings", tmp_path / "wide.npy", "--tasks", "marks")
    assert "task marks: does not read the embedding alone" in found.err
    assert run("predict", model, "a", "--embeddings", tmp_path / "narrow.npy").status == 2


def test_abstaining(run: Callable[..., Result], model: Path) -> None:
    row = json.loads(run("predict", model, "the river", "--min-score", "1", "--json").out)
    assert row["topic"]["label"] is None
    assert row["topic"]["scores"]
    assert row["marks"]["labels"] == []
    assert "value" in row["size"]
    assert "–" in run("predict", model, "the river", "--min-score", "1").out
    assert run("predict", model, "the river", "--min-score", "7").status == 2


def test_evaluate_on_pairs_with_errors(run: Callable[..., Result], model: Path, tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").write_text("the river,the river,5\nAnna,Oslo,0\nthe river,the bridge,4\n")
    errors = tmp_path / "errors.jsonl"
    found = run("evaluate", model, "--data", tmp_path / "pairs.csv", "--columns", "a,b,s", "--text", "a",
                "--text-pair", "b", "--task", "alike=s", "--errors", errors, "--json")  # fmt: skip
    report = json.loads(found.out)
    assert report["tasks"]["alike"]["rows"] == 3
    assert set(report["tasks"]["alike"]["metrics"]) == {"spearman", "pearson"}
    for row in map(json.loads, errors.read_text().splitlines()):
        assert {"text", "text_pair", "gold", "predicted", "off_by"} <= row.keys()


def test_a_head_of_two_texts_needs_the_second(run: Callable[..., Result], model: Path, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("text,alike,topic\nthe river,4,a\nAnna,1,b\n")
    found = run("evaluate", model, "--data", tmp_path / "rows.csv", "--task", "alike")
    assert (found.status, found.err.count("\n")) == (1, 1)
    assert "alike needs two texts a row; name the second one's field: --text-pair FIELD" in found.err
    report = json.loads(run("evaluate", model, "--data", tmp_path / "rows.csv", "--json").out)
    assert set(report["tasks"]) == {"topic"}
    assert "alike" in report["skipped"]


def test_notes_of_what_may_be_meant_otherwise(run: Callable[..., Result], model: Path, tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("one\n\n\ntwo\n")
    assert "2 blank lines were left out" in run("predict", model, tmp_path / "texts.txt").err
    assert (
        "missing.csv: no file of this name is here, so it is read as a text" in run("predict", model, "missing.csv").err
    )
    long = "word " * 200
    assert "1 text was longer than 64 tokens" in run("encode", model, long).err
    assert "2 texts were longer than 64 tokens" in run("similarity", model, long, long).err
