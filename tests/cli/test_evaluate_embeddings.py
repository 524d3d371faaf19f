"""``polyhead evaluate --embeddings`` and what ``info`` and a training say of the embedding."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from test_heads_command import recipe_file

from conftest import sentences
from polyhead import Polyhead
from polyhead.data.pairs import read_pairs
from polyhead.starter import FOLDER


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    left, right = sentences(20, seed=1), sentences(20, seed=2)
    lines = [f'"{a}","{b}",{number % 6}' for number, (a, b) in enumerate(zip(left, right, strict=True))]
    path = tmp_path / "pairs.csv"
    path.write_text("sentence1,sentence2,score\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def topic_recipe(folder: Path, backbone: Path, *, rate: float, embedding: dict[str, Any]) -> Path:
    return recipe_file(
        folder / "r.yaml",
        {"topic": "topic"},
        model={"backbone": str(backbone)},
        training={"epochs": 1, "learning_rate": rate, "bf16": False},
        embedding=embedding,
    )


def test_minilm_is_what_sentence_transformers_says(run: Callable[..., Any], pairs: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.evaluation import EmbeddingSimilarityEvaluator

    from polyhead.pretrained import DEFAULT_BACKBONE, find

    left, right, scores = read_pairs(pairs)
    theirs = EmbeddingSimilarityEvaluator(left, right, [float(each) / 5 for each in scores], main_similarity="cosine")(
        SentenceTransformer(str(find(DEFAULT_BACKBONE)), device="cpu")
    )
    result = run("evaluate", DEFAULT_BACKBONE, "--embeddings", pairs, "--dtype", "float32", "--json")
    found = json.loads(result.out)
    assert found["spearman"] == pytest.approx(theirs["spearman_cosine"], abs=1e-6)
    assert found["pearson"] == pytest.approx(theirs["pearson_cosine"], abs=1e-5)
    assert found["drift"] is None


def test_a_trained_model_is_held_against_its_origin(
    run: Callable[..., Any], backbones: Callable[[str], Path], pairs: Path, tmp_path: Path
) -> None:
    recipe = topic_recipe(tmp_path, backbones("bert"), rate=1e-3, embedding={"pairs": str(pairs)})
    trained = run("train", recipe, "--output", tmp_path / "run", "--training.bf16=false")  # ranks of near ties
    assert trained.status == 0, trained.err
    assert "embedding spearman" in trained.err
    assert "Spearman on pairs" in trained.out
    result = run("evaluate", tmp_path / "run", "--embeddings", pairs, "--dtype", "float32", "--json")
    found = json.loads(result.out)
    assert found["pairs"] == 20
    assert 0 < found["drift"]["cosine"] < 1
    original = Polyhead.from_pretrained(backbones("bert"), dtype="float32")
    before = json.loads(run("evaluate", backbones("bert"), "--embeddings", pairs, "--dtype", "float32", "--json").out)
    assert found["spearman_before"] == pytest.approx(before["spearman"])
    info = json.loads(run("info", tmp_path / "run", "--json").out)
    assert info["started_from"] == str(backbones("bert"))
    assert info["embedding_report"]["pairs"] == 20
    assert info["embedding_report"]["spearman"] == pytest.approx(found["spearman"], abs=1e-3)
    table = run("evaluate", tmp_path / "run", "--embeddings", pairs)
    assert "by the original" in table.out
    assert "uniformity" in run("info", tmp_path / "run").out
    assert original.width == 32


@pytest.mark.parametrize(
    ("plan", "changed"),
    [
        ("probe", {"projection": 8}),
        ("full", {"projection": 8}),
        ("full", {"pooling": "cls"}),
        ("probe", {"projection": {"width": 8, "init": "pca"}}),
    ],
)
def test_the_original_is_the_backbone_as_it_is_whatever_is_put_on_it(
    run: Callable[..., Any],
    backbones: Callable[[str], Path],
    pairs: Path,
    tmp_path: Path,
    plan: str,
    changed: dict[str, Any],
) -> None:
    recipe = recipe_file(
        tmp_path / "r.yaml",
        {"topic": "topic"},
        model={"backbone": str(backbones("bert")), **changed},
        training={"epochs": 1, "plan": plan, "bf16": False},
        embedding={"pairs": str(pairs)},
    )
    trained = run("train", recipe, "--output", tmp_path / "run")
    assert trained.status == 0, trained.err
    result = run("evaluate", tmp_path / "run", "--embeddings", pairs, "--dtype", "float32", "--json")
    found = json.loads(result.out)
    assert "not measured" not in result.err
    before = json.loads(run("evaluate", backbones("bert"), "--embeddings", pairs, "--dtype", "float32", "--json").out)
    assert found["spearman_before"] == pytest.approx(before["spearman"])
    assert found["drift"]["neighbours"] < 1
    assert (found["drift"]["cosine"] is None) == ("projection" in changed)
    told = json.loads(run("info", tmp_path / "run", "--json").out)["embedding_report"]
    for name in ("spearman", "spearman_before", "uniformity"):
        assert told[name] == pytest.approx(found[name], abs=1e-3)
    assert told["drift"]["neighbours"] == pytest.approx(found["drift"]["neighbours"], abs=0.02)
    assert "The embedding is not where it was" in (tmp_path / "run" / "model" / "README.md").read_text()


def test_a_gate_on_another_width_needs_pairs(
    run: Callable[..., Any], backbones: Callable[[str], Path], tmp_path: Path
) -> None:
    model = {"backbone": str(backbones("bert")), "projection": 8}
    recipe = recipe_file(tmp_path / "r.yaml", {"topic": "topic"}, model=model, embedding={"max_drop": 0.1})
    result = run("train", recipe, "--output", tmp_path / "run")
    assert result.status == 1
    assert "embedding.max_drop: the embedding has 8 numbers, the original 32" in result.err


def test_an_origin_that_is_gone_is_said(
    run: Callable[..., Any], backbones: Callable[[str], Path], pairs: Path, tmp_path: Path
) -> None:
    import shutil

    shutil.copytree(backbones("bert"), tmp_path / "origin")
    recipe = recipe_file(tmp_path / "r.yaml", {"topic": "topic"}, model={"backbone": str(tmp_path / "origin")})
    assert run("train", recipe, "--output", tmp_path / "run").status == 0
    shutil.rmtree(tmp_path / "origin")
    result = run("evaluate", tmp_path / "run", "--embeddings", pairs, "--json")
    assert json.loads(result.out)["drift"] is None
    assert "name the original with --original" in result.err
    named = run("evaluate", tmp_path / "run", "--embeddings", pairs, "--original", backbones("bert"), "--json")
    assert json.loads(named.out)["drift"] is not None


def test_a_gate_that_nothing_holds_is_said(
    run: Callable[..., Any], backbones: Callable[[str], Path], pairs: Path, tmp_path: Path
) -> None:
    embedding = {"texts": str(tmp_path / "texts.txt"), "max_drop": 1e-6}
    recipe = topic_recipe(tmp_path, backbones("bert"), rate=3e-3, embedding=embedding)
    (tmp_path / "texts.txt").write_text("".join(f"{text}\n" for text in sentences(30)), encoding="utf-8")
    result = run("train", recipe, "--output", tmp_path / "run")
    assert "no evaluation held the embedding within 1e-06" in result.err
    assert json.loads((tmp_path / "run" / "result.json").read_text())["embedding_held"] is False


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("a,b,1\none,two\n", "must be two sentences and a score"),
        ("a,b,1\nc,d,many\n", "pairs.csv:2"),
        ("a,b,1\n", "at least two pairs"),
        ("a,b,1\nc,d,1\n", "different scores"),
        ("a b,c d,oops\ne,f,1\ng,h,2\n", "pairs.csv:1"),
        ("a,b,1\nc,d,nan\n", "pairs.csv:2"),
        ("", "at least two pairs"),
    ],
)
def test_bad_pairs_are_a_line(run: Callable[..., Any], tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text(content)
    result = run("evaluate", "all-MiniLM-L6-v2", "--embeddings", path)
    assert result.status == 1
    assert says in result.err
    assert len(result.err.strip().splitlines()) == 1


def test_jsonl_needs_its_fields(run: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text('{"text": "a", "text_pair": "b", "score": 1}\n')
    result = run("evaluate", "all-MiniLM-L6-v2", "--embeddings", path)
    assert result.status == 1
    assert "pairs.jsonl:1: must be two sentences and a score" in result.err


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("p.jsonl", b'{"a": 1}', "p.jsonl:1: must be two sentences and a score as sentence1, sentence2, score, found"),
        ("p.jsonl", b'\n["a", "b", 2]\n', "p.jsonl:2: must be a JSON object"),
        ("p.jsonl", b'{"sentence1": \n', "p.jsonl:1: must be a JSON object"),
        ("p.csv", b"a,b,1\nc,\xff,2\n", "p.csv:2: must be UTF-8, found byte 0xff"),
        ("p.csv", b"Hello,Hi,nan\na,b,1\nc,d,2\n", "p.csv:1: must be two sentences and a score"),
        ("p.csv", b'"a\nb",c,1\nd,e,x\n', "p.csv:3: must be two sentences and a score"),
    ],
)
def test_a_bad_row_is_named_by_its_line(
    run: Callable[..., Any], tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    (tmp_path / name).write_bytes(content)
    result = run("evaluate", "all-MiniLM-L6-v2", "--embeddings", tmp_path / name)
    assert result.status == 1
    assert says in result.err


def test_blank_lines_of_jsonl_are_passed_over(tmp_path: Path) -> None:
    rows = [{"sentence1": "a", "sentence2": "b", "score": number} for number in range(3)]
    (tmp_path / "p.jsonl").write_text("\n\n".join(map(json.dumps, rows)) + "\n\n")
    assert read_pairs(tmp_path / "p.jsonl").scores.tolist() == [0, 1, 2]


def test_what_would_be_passed_over_is_refused_and_an_unknown_origin_is_said(
    run: Callable[..., Any], pairs: Path, tmp_path: Path
) -> None:
    refused = run("evaluate", "all-MiniLM-L6-v2", "--embeddings", pairs, "--errors", tmp_path / "e", "--task", "x")
    assert refused.status == 2
    assert "leave --errors," in refused.err
    refused = run("evaluate", "all-MiniLM-L6-v2", "--data", pairs, "--original", "x")
    assert "--original is for --embeddings" in refused.err
    assert "it is not known what" in run("evaluate", "all-MiniLM-L6-v2", "--embeddings", pairs).err


def test_a_training_without_anything_to_measure_says_so(
    run: Callable[..., Any], backbones: Callable[[str], Path], tmp_path: Path
) -> None:
    recipe = topic_recipe(tmp_path, backbones("bert"), rate=1e-3, embedding={})
    raw = yaml.safe_load(recipe.read_text())
    del raw["data"]["starter"]["validation"]
    recipe.write_text(yaml.safe_dump(raw))
    assert "! embedding: not measured" in run("train", recipe, "--output", tmp_path / "run").err


def test_heads_that_learn_later_leave_the_record_of_the_embedding_alone(
    run: Callable[..., Any], backbones: Callable[[str], Path], pairs: Path, tmp_path: Path
) -> None:
    recipe = topic_recipe(tmp_path, backbones("bert"), rate=1e-2, embedding={"pairs": str(pairs)})
    run("train", recipe, "--output", tmp_path / "one")
    later = recipe_file(tmp_path / "later.yaml", {"mood": "sentiment"})
    for output, more in (("two", []), ("three", ["--embedding.mode=fork", "--embedding.top=1"])):
        done = run("heads", "train", tmp_path / "one", later, "--output", tmp_path / output, *more)
        assert done.status == 0, done.err
        first, second = (Polyhead.from_pretrained(tmp_path / each).pretrained for each in ("one", output))
        assert second.origin == first.origin
        assert second.embedding == first.embedding
    moved = run("train", later, "--from", tmp_path / "one", "--output", tmp_path / "four")
    assert moved.status == 0, moved.err
    origin = Polyhead.from_pretrained(tmp_path / "four").pretrained.origin
    assert origin is not None
    assert origin.model == str(tmp_path / "one")


def test_embeddings_are_measured_by_themselves(run: Callable[..., Any], pairs: Path) -> None:
    result = run("evaluate", "all-MiniLM-L6-v2", FOLDER / "quickstart.yaml", "--embeddings", pairs)
    assert result.status == 2
