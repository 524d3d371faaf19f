"""The command line as a user meets it: answers on standard output, faults one line each, exit status 0, 1 or 2."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

from conftest import Result
from polyhead.cli.train import of_frozen
from polyhead.starter import FOLDER
from polyhead.training.result import Moved


def recipe_file(path: Path, backbone: Path, **training: object) -> Path:
    document = {
        "model": {"backbone": str(backbone)},
        "tasks": {"topic": {"kind": "classification"}, "entities": {"kind": "tagging"}},
        "data": {
            "starter": {
                "format": "jsonl",
                "train": "train.jsonl",
                "validation": "validation.jsonl",
                "test": "test.jsonl",
                "tasks": {"topic": {}, "entities": {}},
            }
        },
        "training": {"epochs": 1, "bf16": False, **training},
    }
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return path


@pytest.fixture(scope="module")
def trained(backbones: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a tiny model, with its recipe beside it."""
    from polyhead import load_recipe, train

    place = tmp_path_factory.mktemp("trained")
    recipe = recipe_file(place / "small.yaml", backbones("bert"))
    train(load_recipe(recipe, data_root=FOLDER), place / "run")
    return place


def test_train_evaluate_and_the_next_steps_that_it_names(
    run: Callable[..., Result], backbones: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    recipe = recipe_file(tmp_path / "small.yaml", backbones("bert"))
    first = run("train", recipe, "--data-root", FOLDER, "--training.epochs=2", "--training.batch_size", "64")
    assert first.status == 0, first.err
    assert "polyhead evaluate runs/small runs/small/recipe.yaml --split test" in first.out
    assert "472 rows to train on" in first.err
    assert (tmp_path / "runs/small/model/polyhead.json").is_file()
    second = run("train", tmp_path / "runs/small/recipe.yaml", "--output", "again", "--json")
    assert second.status == 0, second.err
    assert json.loads(second.out)["model"] == "again/model"
    report = run("evaluate", "runs/small", "runs/small/recipe.yaml", "--split", "test")
    assert report.status == 0, report.err
    assert "span_f1" in report.out
    assert "gold label (row)" in report.out
    as_json = run("evaluate", "runs/small", "--data", FOLDER / "test.jsonl", "--task", "topic", "--json")
    parsed = json.loads(as_json.out)
    assert parsed["tasks"]["topic"]["rows"] == 108
    assert parsed["skipped"] == ["entities"]


def test_predict(run: Callable[..., Result], trained: Path, tmp_path: Path) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text("Anna went to Oslo.\n\nThe vote was close.\n", encoding="utf-8")
    table = run("predict", trained / "run", texts)
    assert table.status == 0, table.err
    assert "Anna went to" in table.out
    rows = [json.loads(line) for line in run("predict", trained / "run", texts, "--json").out.splitlines()]
    assert [row["text"] for row in rows] == ["Anna went to Oslo.", "The vote was close."]
    assert set(rows[0]) == {"text", "topic", "entities", "tokens", "truncated"}
    one = json.loads(run("predict", trained / "run", "x", "--tasks", "topic,embedding", "--json").out)
    assert set(one) == {"text", "topic", "embedding", "tokens", "truncated"}
    assert sum(each["score"] for each in one["topic"]["scores"]) == pytest.approx(1)


def test_hostile_text_is_only_text(run: Callable[..., Result], trained: Path) -> None:
    shown = run("predict", trained / "run", "[red]\x1b[31mred[/red] \x07 \u202e evil")
    assert shown.status == 0, shown.err
    assert "\x1b[31m" not in shown.out
    assert "\x07" not in shown.out
    assert "\u202e" not in shown.out
    assert "[red]" in shown.out.replace("\n", "")


def test_encode_and_similarity(run: Callable[..., Result], trained: Path, tmp_path: Path) -> None:
    assert run("encode", trained / "run", "one", "two", "--output", tmp_path / "x.npy").status == 0
    matrix = np.load(tmp_path / "x.npy", allow_pickle=False)
    assert matrix.shape == (2, 32)
    assert run("encode", trained / "run", "one", "two", "--output", tmp_path / "x.parquet").status == 0
    table = pq.read_table(tmp_path / "x.parquet")
    assert table.column("text").to_pylist() == ["one", "two"]
    assert np.allclose(np.array(table.column("embedding").to_pylist()), matrix)
    rows = [json.loads(line) for line in run("encode", trained / "run", "one", "two", "--json").out.splitlines()]
    assert np.allclose([row["embedding"] for row in rows], matrix)
    scores = json.loads(run("similarity", trained / "run", "one", "two", "one", "--json").out)["similarities"]
    assert scores[0]["text"] == "one"
    assert scores[0]["score"] == pytest.approx(1, abs=1e-5)


def test_info(run: Callable[..., Result], trained: Path) -> None:
    facts = json.loads(run("info", trained / "run", "--json").out)
    assert facts["embedding"] == 32
    assert facts["heads"]["entities"]["outputs"][:3] == ["O", "B-DATE", "I-DATE"]
    assert "ready" in run("info", trained / "run").out


FAULTS: list[tuple[list[object], int, str]] = [
    (["predict", "nowhere/at all", "x"], 1, "no such folder"),
    (["predict", "RUN", "--tasks", "mood", "x"], 1, "found 'mood'"),
    (["predict", "RUN", "BAD"], 1, "bad.txt:2: must be UTF-8"),
    (["predict", "RUN", "EMPTY"], 1, "holds no text"),
    (["predict", "RUN", "x", "--dtype", "int3"], 1, "dtype: must be one of"),
    (["predict", "RUN", "x", "--device", "abacus"], 1, "device: must be one"),
    (["encode", "RUN", "x", "--output", "x.csv"], 1, ".npy or .parquet"),
    (["encode", "RUN", "x", "--output", "EMPTY/x.npy"], 1, "cannot be written"),
    (["encode", "RUN", "x", "--prompt-name", "query"], 1, "prompts are"),
    (["train", "nothing.yaml"], 1, "no such file"),
    (["train", "EMPTY"], 1, "a recipe is a mapping"),
    (["train", "RECIPE"], 1, "no such file; paths are relative"),
    (["train", "RECIPE", "--training.epoch=3"], 1, "did you mean epochs"),
    (["train", "RECIPE", "--training.epochs=zero"], 1, "--training.epochs"),
    (["train", "RECIPE", "--epochs=3"], 2, "no such option or argument"),
    (["train", "RECIPE", "--training.epochs"], 2, "needs a value"),
    (["train"], 2, "Usage"),
    (["evaluate", "RUN"], 2, "give a recipe, or --data"),
    (["evaluate", "RUN", "--data", "EMPTY", "--format", "jsonl"], 1, "has no rows"),
    (["evaluate", "RUN", "--data", "EMPTY"], 1, "has no rows"),
    (["evaluate", "RUN", "--data", "table.xls"], 1, "--format: must be one of"),
    (["evaluate", "RUN", "--data", "BAD", "--format", "csv", "--task", "mood"], 1, "no head 'mood'"),
    (["evaluate", "sentence-transformers/all-MiniLM-L6-v2", "--data", "EMPTY"], 1, "no heads to evaluate"),
    (["fly"], 2, "No such command"),
    (["predict", "RUN", "x", "--fast"], 2, "No such option"),
]


@pytest.mark.parametrize(("arguments", "status", "words"), FAULTS, ids=lambda value: str(value)[:60])
def test_faults_are_one_line_each(
    run: Callable[..., Result], trained: Path, tmp_path: Path, arguments: list[str], status: int, words: str
) -> None:
    (tmp_path / "bad.txt").write_bytes(b"fine\n\xff\xfe\n")
    (tmp_path / "empty.txt").write_text("")
    places = {
        "RUN": trained / "run", "RECIPE": trained / "small.yaml", "BAD": tmp_path / "bad.txt",
        "EMPTY": tmp_path / "empty.txt", "EMPTY/x.npy": tmp_path / "empty.txt/x.npy",
    }  # fmt: skip
    result = run(*(places.get(each, each) for each in arguments))
    assert result.status == status, result
    assert words in result.err + result.out
    assert "Traceback" not in result.err
    if status == 1:
        assert all(line.startswith("polyhead: ") for line in result.err.splitlines() if "Training" not in line)


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "polyhead", *map(str, arguments)]


def test_a_pipe_in_and_a_machine_out(trained: Path) -> None:
    done = subprocess.run(
        command("predict", trained / "run", "-", "--json"), input="Anna went to Oslo.\n", capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["text"] == "Anna went to Oslo."


def test_an_interrupt_is_one_line_and_leaves_whole_folders(backbones: Callable[[str], Path], tmp_path: Path) -> None:
    recipe = recipe_file(tmp_path / "long.yaml", backbones("bert"), epochs=500)
    running = subprocess.Popen(
        command("train", recipe, "--data-root", FOLDER, "--output", tmp_path / "run"),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    for _ in range(600):
        if (tmp_path / "run/model/polyhead.json").is_file() or running.poll() is not None:
            break
        time.sleep(0.1)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 1
    assert "Traceback" not in err
    assert "interrupted after step" in err
    assert f"go on with: polyhead train --resume {tmp_path / 'run'}" in err
    loaded = subprocess.run(command("info", tmp_path / "run", "--json"), capture_output=True, text=True)
    assert loaded.returncode == 0, loaded.stderr
    assert not list((tmp_path / "run").glob(".*"))


def test_importing_polyhead_loads_no_torch() -> None:
    code = "import sys, polyhead; print(sorted({'torch', 'transformers', 'sklearn', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_loads_no_torch_and_names_every_verb() -> None:
    code = (
        "import sys; sys.argv = ['polyhead', '--help']\nimport polyhead.cli\n"
        "try: polyhead.cli.main()\nexcept SystemExit: pass\nprint('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"
    for verb in ("quickstart", "train", "evaluate", "predict", "encode", "similarity", "info"):
        assert verb in done.stdout


def test_a_missing_library_names_its_extra() -> None:
    """As where only the core is installed: torch cannot be imported."""
    code = (
        "import sys; sys.modules['torch'] = None; sys.argv = ['polyhead', 'info', 'x']\n"
        "from polyhead.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ})
    assert done.returncode == 1
    assert "pip install 'polyhead[train]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_interrupt_of_any_verb_is_one_line(
    run: Callable[..., Result], trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("polyhead.cli.predict.read_texts", interrupted)
    result = run("predict", trained / "run", "x")
    assert (result.status, result.err) == (1, "polyhead: interrupted; nothing half-written was left behind\n")


def test_hostile_labels_are_only_text(run: Callable[..., Result], trained: Path, tmp_path: Path) -> None:
    rows = [{"text": "a", "topic": "[/x]"}, {"text": "b", "topic": "[spam]"}, {"text": "c", "topic": "\x1b[31m"}]
    (tmp_path / "odd.jsonl").write_text("\n".join(map(json.dumps, rows)))
    arguments = ("evaluate", trained / "run", "--data", tmp_path / "odd.jsonl", "--task", "topic")
    shown = run(*arguments, "--unseen", "count")
    assert shown.status == 0, shown.err
    assert "[spam]" in shown.out
    assert "\x1b" not in shown.out
    refused = run(*arguments)
    assert refused.status == 1
    assert "\x1b" not in refused.err


def test_what_became_of_a_frozen_head_is_said_with_what_would_have_kept_it() -> None:
    few, many = of_frozen("topic", Moved(0.01, 0.004, 500)), of_frozen("topic", Moved(0.66, 0.5, 500))
    assert few == "topic was frozen; through the encoder 1.0% of its answers are others (mean distance 0.004)"
    assert many.endswith(
        "66.0% of its answers are others (mean distance 0.500); to keep them, freeze the backbone, too, or train with"
        " --embedding.mode=anchor or fork"
    )
