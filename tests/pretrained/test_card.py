"""The model card: the Hub's metadata as its library reads it, code that runs as written, labels that are no markup."""

import re
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from huggingface_hub import ModelCard

from conftest import sentences
from polyhead import Polyhead, load_recipe, train
from polyhead.starter import RECIPE

EVIL = "<img src=x>|`*_[a](javascript:b)\n# top"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one short epoch on the bundled MiniLM."""
    folder = tmp_path_factory.mktemp("card") / "run"
    small = {"training.epochs": "1", "training.plan": "probe", "training.max_train_samples": "32"}
    train(load_recipe(RECIPE, overrides=small), folder, report=False)
    return folder


def test_the_hub_reads_the_metadata(run: Path) -> None:
    card = ModelCard.load(run / "model" / "README.md")
    data = card.data.to_dict()
    assert data["library_name"] == "sentence-transformers"
    assert data["pipeline_tag"] == "sentence-similarity"
    assert {"polyhead", "text-classification", "token-classification"} <= set(data["tags"])
    assert data["base_model"] == "sentence-transformers/all-MiniLM-L6-v2"
    found = {each.metric_name: each.metric_value for each in card.data.eval_results}
    model = Polyhead.from_pretrained(run)
    for task, head in model.pretrained.heads.items():
        assert head.evaluation is not None
        for metric, value in head.evaluation["metrics"].items():
            assert found[f"{task}.{metric}"] == pytest.approx(value, abs=1e-6)
            assert {each.task_name for each in card.data.eval_results if each.metric_name == f"{task}.{metric}"} == {
                task
            }
    kinds = [head.task.kind for head in model.pretrained.heads.values()]
    assert len(kinds) > len(set(kinds)) or kinds.count("multilabel")  # two heads are the Hub's text-classification
    assert "model-index" in (run / "model" / "README.md").read_text()


def test_what_became_of_the_embedding_is_said_as_it_is(run: Path, tmp_path: Path) -> None:
    model = Polyhead.from_pretrained(run)
    kept = model.pretrained.embedding
    assert kept is not None
    assert "The embedding is where it was before the heads were trained." in (run / "model" / "README.md").read_text()
    for number, drift in enumerate(
        ({"cosine": None, "neighbours": 0.5, "cka": None}, {"cosine": 0.5, "neighbours": None, "cka": 0.5})
    ):
        model.pretrained.embedding = {**kept, "drift": drift}
        model.save_pretrained(tmp_path / str(number))
    cards = [(tmp_path / name / "README.md").read_text() for name in "01"]
    assert "- The embedding is not where it was: 50% of the ten nearest neighbours are the same.\n" in cards[0]
    assert "- The embedding is not where it was: mean cosine to the original 0.500.\n" in cards[1]


def test_the_code_runs_as_written(run: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
                                  capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    monkeypatch.chdir(run)
    blocks = re.findall(r"```python\n(.*?)```", Path("model/README.md").read_text(), re.DOTALL)
    assert len(blocks) == 2
    for number, block in enumerate(blocks):
        script = tmp_path / f"block{number}.py"
        script.write_text(block)
        runpy.run_path(str(script))
    assert capsys.readouterr().out.count("(1, 384)") == 2
    [shell] = re.findall(r"```sh\n(.*?)```", Path("model/README.md").read_text(), re.DOTALL)
    first, second = shell.splitlines()
    first = first.replace("polyhead", f"{sys.executable} -m polyhead", 1)
    assert subprocess.run(first, shell=True, capture_output=True).returncode == 0
    assert second.split(" #")[0].split() == ["polyhead", "serve", "model"]


def test_the_code_of_heads_that_read_pairs_runs_as_written(
    backbones: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    model = Polyhead.from_pretrained(backbones("bert"))
    model.add_head("alike", "similarity", range=[0, 1])
    model.add_head("follows", "classification", ["no", "yes"], pair=True)
    model.pretrained.datasets = ["someone/names"]
    model.save_pretrained("own")
    card = ModelCard.load(tmp_path / "own" / "README.md")
    assert card.data.to_dict()["datasets"] == ["someone/names"]
    blocks = re.findall(r"```python\n(.*?)```", card.text, re.DOTALL)
    assert len(blocks) == 2
    for number, block in enumerate(blocks):
        (tmp_path / f"block{number}.py").write_text(block)
        runpy.run_path(f"block{number}.py")
    said = capsys.readouterr().out
    assert ("Similarity(" in said, "Classification(" in said, said.count("(1, 32)")) == (True, True, 2)


def test_labels_are_no_markup_and_a_saved_model_keeps_its_figures(
    backbones: Callable[[str], Path], tmp_path: Path
) -> None:
    model = Polyhead.from_pretrained(backbones("bert"), dtype="float32")
    model.add_head("topic", "classification", [EVIL, "b"])
    model.add_head("same", "similarity", range=[0, 5])
    model.save_pretrained(tmp_path / "own model")
    text = (tmp_path / "own model" / "README.md").read_text()
    line = next(line for line in text.splitlines() if line.startswith("| `topic`"))
    assert line.replace("\\|", "").count("|") == 5
    assert "<img" not in text.replace("\\<img", "")
    assert "polyhead info 'own model'" in text
    assert "Not trained on this encoder: `topic`, `same`." in text
    assert str(tmp_path) not in text
    again = Polyhead.from_pretrained(tmp_path / "own model", dtype="float32")
    again.save_pretrained(tmp_path / "own model")
    assert (tmp_path / "own model" / "README.md").read_text() == text


def test_figures_go_where_the_encoder_moves_without_the_head(run: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(f'{{"text": "{text}", "mood": "{"ab"[n % 2]}"}}\n' for n, text in enumerate(sentences(24))))
    recipe = tmp_path / "more.yaml"
    recipe.write_text(
        "tasks: {mood: {kind: classification}}\n"
        "data: {own: {format: jsonl, train: rows.jsonl, validation: 0.5, tasks: {mood: {}}}}\n"
        "training: {epochs: 1, batch_size: 4}\n"
    )
    for plan, stays in (("probe", True), ("top:1", False)):
        train(load_recipe(recipe, overrides={"training.plan": plan}), tmp_path / plan[:3], start=run, report=False)
        heads = Polyhead.from_pretrained(tmp_path / plan[:3]).pretrained.heads
        assert (heads["topic"].evaluation is not None) is stays
        assert heads["mood"].evaluation is not None
