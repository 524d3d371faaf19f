"""A whole study on a tiny backbone: every plan, resumed where it stopped, its reports, its external classifiers."""

import csv
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from conftest import starter_recipe
from polyhead import Polyhead, UserError
from polyhead.data.example import Example
from polyhead.data.pairs import read_pairs
from polyhead.kinds import ClassificationTask, MultilabelTask, RegressionTask
from polyhead.pretrained import load
from polyhead.recipe.external import NEIGHBOURS, REGRESSION, Frozen, fit
from polyhead.starter import FOLDER
from polyhead.study import Design, Job
from polyhead.study import study as run_study
from polyhead.study.write import write_reports

PLANS = ["frozen", "probe", "top:1", "full"]


@pytest.fixture(scope="module")
def recipe(backbones: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return starter_recipe(
        tmp_path_factory.mktemp("study") / "small.yaml", backbones("bert"), epochs=2, batch_size=16, learning_rate=1e-3
    )


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pairs") / "pairs.csv"
    texts = [json.loads(line)["text"] for line in (FOLDER / "test.jsonl").read_text().splitlines()[:40]]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["a", "b", "score"])
        writer.writerows([left, right, len(left) % 7] for left, right in itertools.pairwise(texts))
    return path


@pytest.fixture(scope="module")
def finished(recipe: Path, pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("out") / "study"
    design = Design(PLANS, [13, 14], single_task=True, rows=60)
    found = run_study(recipe, design, folder, data_root=FOLDER, pairs=pairs)
    write_reports(folder, "small", design, found)
    return folder, found


def test_every_plan_has_its_results(finished: tuple[Path, list[dict[str, Any]]]) -> None:
    folder, results = finished
    names = {each["name"] for each in results if each["task"] is None}
    assert names == {"frozen: logistic regression", "frozen: nearest neighbours", "probe", "top:1", "full"}
    for each in results:
        task = each["task"]
        assert ("topic.accuracy" in each["test"]) == (task in (None, "topic"))
        assert 0 <= each["score"] <= 1
        assert len(each["curve"]) == each["epochs"] == (0 if each["plan"] == "frozen" else 2)
        before, after = each["pairs"]
        assert (before == after) == (each["plan"] in ("frozen", "probe"))
    by_name = {each["name"]: each for each in results if each["task"] is None}
    sizes = [by_name[name]["learning"] for name in ("probe", "top:1", "full")]
    assert sizes == sorted(sizes)
    assert by_name["full"]["parameters"] - sizes[-1] == 32 * 32 + 32  # BERT's pooler, which nobody reads
    assert not list(folder.rglob("model.safetensors"))  # a study keeps figures, not models
    assert not (folder / "activations").exists()


def test_a_finished_study_is_not_done_again_and_one_with_more_plans_goes_on(
    finished: tuple[Path, list[dict[str, Any]]], recipe: Path, pairs: Path
) -> None:
    folder, results = finished
    told: list[str] = []
    again = run_study(
        recipe,
        Design([*PLANS, "bitfit"], [13], rows=60),
        folder,
        data_root=FOLDER,
        pairs=pairs,
        progress=lambda job, number, count, doing, share: told.append(f"{job.plan} {doing}"),
    )
    assert [line for line in told if not line.endswith("done")] != []
    assert {line.split()[0] for line in told if not line.endswith("done")} == {"bitfit"}
    assert [each for each in again if each["name"] != "bitfit"] == [
        each for each in results if each["seed"] == 13 and each["task"] is None
    ]


def test_the_command_goes_on_with_a_study_shows_it_and_says_what_to_do(
    finished: tuple[Path, list[dict[str, Any]]],
    recipe: Path,
    pairs: Path,
    run: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    folder, results = finished
    given = ["--plans", ",".join(PLANS), "--seeds", 2, "--rows", 60, "--single-task", "--pairs", pairs]
    asked = ["study", recipe, *given, "--output", folder, "--data-root", FOLDER]
    found = run(*asked)
    assert found.status == 0, found.err
    assert "frozen: logistic regression" in found.out
    assert re.search(r"^Use .+\.$", found.out, re.MULTILINE)
    assert str(folder / "study.html") in found.out.replace("\n", "")
    assert "Next, on all rows: polyhead train " in found.out
    assert f"{len(PLANS) * 2 + 4}/{len(PLANS) * 2 + 4} " in found.err
    told = json.loads(run(*asked, "--json").out)
    assert {line["name"] for line in told["lines"]} == {each["name"] for each in results if each["task"] is None}
    assert told["recommendation"][0].startswith("Use ")
    refused = run(*asked[:2], "--plans", "bottom:2", "--output", folder)
    assert (refused.status, refused.out) == (1, "")
    assert refused.err.startswith("polyhead: --plans: 'bottom:2' is no plan; there are frozen, probe, top:K")


def test_a_setting_that_there_is_not_is_said_once_and_before_anything_begins(recipe: Path, tmp_path: Path) -> None:
    for key, says in (("own.batch_size", "--own: there is no such key"), ("training.epochs", "--training.epochs")):
        design = Design(["probe", "full"], [13, 14], grid={key: ["2", "many"]}, rows=20)
        with pytest.raises(UserError, match=says) as caught:
            run_study(recipe, design, tmp_path / "study", data_root=FOLDER)
        assert len(caught.value.faults) == 1
        assert not (tmp_path / "study").exists()


def test_what_jobs_keep_on_the_disk_and_warn_of_is_said_once(recipe: Path, tmp_path: Path) -> None:
    said: list[str] = []
    run_study(recipe, Design(["probe", "thaw"], [13], rows=20), tmp_path, data_root=FOLDER, on_note=said.append)
    kept = [line for line in said if line.startswith("cache: ")]
    assert kept
    assert all("of the frozen layers' output in" in line for line in kept)
    assert len(said) == len(set(said))
    assert any(line.startswith("! thaw: training.plan: ") and "never do" in line for line in said)


def test_another_study_is_refused_in_its_folder(
    finished: tuple[Path, list[dict[str, Any]]], recipe: Path, pairs: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="holds a study with another rows; choose another --output"):
        run_study(recipe, Design(PLANS, [13], rows=61), finished[0], data_root=FOLDER, pairs=pairs)
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(UserError, match="needs a new or empty folder"):
        run_study(recipe, Design(PLANS, [13]), tmp_path, data_root=FOLDER)


def test_a_job_that_fails_does_not_end_the_study(recipe: Path, tmp_path: Path, run: Callable[..., Any]) -> None:
    """What failed is tried again when the study is run again, what is done is not; reports and exit status say so."""
    blocked = tmp_path / "study" / "runs" / Job("top:1", 13).folder
    asked = ("study", recipe, "--data-root", FOLDER, "--plans", "top:1,probe", "--seeds", 1, "--rows", 20,
             "--output", tmp_path / "study")  # fmt: skip
    run_study(recipe, Design(["probe"], [13], rows=20), tmp_path / "study", data_root=FOLDER)
    blocked.write_text("in the way")
    failing = run(*asked)
    assert failing.status == 1
    assert "! failed: top:1, seed 13: " in failing.err
    assert "Not all could be done" in failing.out
    assert "probe: training" not in failing.err
    for name in ("study.html", "study.md", "results.json"):
        assert "top:1, seed 13" in (tmp_path / "study" / name).read_text()
    told = run(*asked, "--json")
    assert told.status == 1
    assert json.loads(told.out)["failed"][0].startswith("top:1, seed 13: ")
    blocked.unlink()
    assert run(*asked).status == 0
    assert json.loads((tmp_path / "study" / "results.json").read_text())["failed"] == []


def test_other_data_is_another_study(recipe: Path, tmp_path: Path) -> None:
    """Not told beside what was trained on the data before, nor gone on with."""
    data, folder = tmp_path / "data", tmp_path / "study"
    shutil.copytree(FOLDER, data)
    run_study(recipe, Design(["probe"], [13], rows=20), folder, data_root=data)
    run_study(recipe, Design(["probe", "frozen"], [13], rows=20), folder, data_root=data)
    with (data / "test.jsonl").open("a") as file:
        file.write((data / "test.jsonl").read_text().splitlines()[0] + "\n")
    with pytest.raises(UserError, match=r"holds a study with another test\.jsonl; choose another --output"):
        run_study(recipe, Design(["probe"], [13], rows=20), folder, data_root=data)


def test_damaged_files_of_a_study(finished: tuple[Path, list[dict[str, Any]]], recipe: Path, pairs: Path) -> None:
    """A result is made anew, what the study is of cannot be."""
    folder, _ = finished
    place = folder / "runs" / Job("probe", 13).folder / "study.json"
    whole = place.read_text()
    place.write_text(whole[: len(whole) // 2])
    found = run_study(recipe, Design(["probe"], [13], rows=60), folder, data_root=FOLDER, pairs=pairs)
    assert found[0]["test"] == json.loads(whole)["results"][0]["test"]
    note = folder / "study.json"
    known = note.read_text()
    note.write_text(known[:50])
    with pytest.raises(UserError, match="no readable JSON"):
        run_study(recipe, Design(["probe"], [13], rows=60), folder, data_root=FOLDER, pairs=pairs)
    note.write_text(known)


STUDY = """
import sys
from pathlib import Path
from polyhead.study import Design, study
if __name__ == "__main__":
    design = Design(["full"], [13])
    recipe, folder, data = map(Path, sys.argv[1:])
    study(recipe, design, folder, data_root=data, progress=lambda *told: print(told[3:], flush=True))
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_saves_the_training_and_the_study_goes_on(recipe: Path, tmp_path: Path, name: str) -> None:
    """The signal of a terminal goes to the whole group; the job must finish its step all the same."""
    (tmp_path / "run.py").write_text(STUDY)
    document = yaml.safe_load(recipe.read_text())
    document["training"]["epochs"] = 6  # it must be under way when the signal comes, however busy the machine is
    recipe = tmp_path / "longer.yaml"
    recipe.write_text(yaml.safe_dump(document, sort_keys=False))
    arguments = [sys.executable, str(tmp_path / "run.py"), str(recipe), str(tmp_path / "study"), str(FOLDER)]
    process = subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    seen = sum("training" in line for line in itertools.islice(process.stdout, 6))
    assert seen > 2
    os.killpg(process.pid, signal.Signals[name])
    _, said = process.communicate(timeout=60)
    assert "Interrupted: interrupted; what is done is in" in said
    [place] = (tmp_path / "study" / "runs").iterdir()
    assert list((place / "run" / "checkpoints").iterdir())
    again = run_study(recipe, Design(["full"], [13]), tmp_path / "study", data_root=FOLDER)
    whole = run_study(recipe, Design(["full"], [13]), tmp_path / "whole", data_root=FOLDER)
    assert again[0]["test"] == whole[0]["test"]


def test_a_run_whose_result_was_lost_is_trained_anew(
    finished: tuple[Path, list[dict[str, Any]]], recipe: Path, pairs: Path
) -> None:
    """A process that was killed between the training's end and its figures."""
    folder, results = finished
    [place] = (path for path in (folder / "runs").glob("top-1-*-seed-14"))
    kept = (place / "study.json").read_bytes()
    (place / "study.json").unlink()
    (place / "run" / "checkpoints" / "step-1").mkdir(parents=True)
    (place / "run" / "result.json").write_text("{}")
    again = run_study(recipe, Design(PLANS, [13, 14], rows=60), folder, data_root=FOLDER, pairs=pairs)
    one, other = (json.loads(each)["results"][0] for each in (kept, (place / "study.json").read_bytes()))
    assert one["test"] == other["test"]
    assert len(again) == len([each for each in results if each["task"] is None])


@pytest.mark.parametrize(
    ("plan", "more", "says"),
    [
        ("top:7", {}, r"^top:7: training\.plan: top must be at most 2"),
        ("{freeze: [nosuch]}", {}, r"^{freeze: \[nosuch\]}: training\.plan"),
        ("probe", {"start": "nowhere"}, "nowhere"),
        ("probe", {"device": "cuda:9"}, "cuda:9"),
    ],
)
def test_what_is_wrong_with_a_plan_is_said_once_and_nothing_is_begun(
    recipe: Path, tmp_path: Path, plan: str, more: dict[str, Any], says: str
) -> None:
    with pytest.raises(UserError, match=says) as caught:
        run_study(recipe, Design([plan], [13, 14], rows=20), tmp_path / "study", data_root=FOLDER, **more)
    assert len(caught.value.faults) == 1
    assert not (tmp_path / "study").exists() or not any((tmp_path / "study").iterdir())


class Addresses(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]


def test_the_page_needs_no_network(finished: tuple[Path, list[dict[str, Any]]]) -> None:
    folder, _ = finished
    text = (folder / "study.html").read_text()
    parser = Addresses()
    parser.feed(text)
    assert parser.found
    assert all(address.startswith("data:") for address in parser.found)
    assert "Use " in text


def test_the_markdown_holds_the_same_plans(finished: tuple[Path, list[dict[str, Any]]]) -> None:
    text = (finished[0] / "study.md").read_text()
    for name in ("frozen: logistic regression", "probe", "top:1", "full"):
        assert re.search(rf"^\| {re.escape(name)} \|", text, re.MULTILINE)
    assert json.loads((finished[0] / "results.json").read_text())["results"] == finished[1]


def frozen_model(folder: Path) -> tuple[Polyhead, dict[str, list[Example]]]:
    model = load(folder)
    labels = ("low", "high")
    model.add_head("start", ClassificationTask(labels=labels))
    rows = json.loads("[" + ",".join((FOLDER / "train.jsonl").read_text().splitlines()[:90]) + "]")
    examples = [Example(row["text"], {"start": "low" if row["text"][0].lower() < "m" else "high"}) for row in rows]
    return Polyhead(model, dtype="float32"), {
        "train": examples[:60],
        "validation": examples[60:75],
        "test": examples[75:],
    }


def test_external_classifiers_are_scikit_learn_s(backbones: Callable[[str], Path]) -> None:
    model, splits = frozen_model(backbones("bert"))
    vectors = {name: np.asarray(model.encode([each.text for each in own])) for name, own in splits.items()}
    gold = {name: [each.labels["start"] for each in own] for name, own in splits.items()}
    found = Frozen(model, splits).reports("test")

    def best(models: list[Any]) -> float:
        scores = []
        for each in models:
            each.fit(vectors["train"], gold["train"])
            scores.append(each.score(vectors["validation"], gold["validation"]))
        chosen = models[int(np.argmax(scores))]
        return float(chosen.score(vectors["test"], gold["test"]))

    regressions = [make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=300)) for c in (0.1, 1.0, 10.0)]
    neighbours = [KNeighborsClassifier(k, metric="cosine") for k in (1, 5, 15, 45)]
    assert found[REGRESSION]["test"].metrics()["start.accuracy"] == pytest.approx(best(regressions))
    assert found[NEIGHBOURS]["test"].metrics()["start.accuracy"] == pytest.approx(best(neighbours), abs=0.07)  # ties


@pytest.mark.parametrize("name", [REGRESSION, NEIGHBOURS])
def test_they_give_what_heads_give(name: str) -> None:
    generator = np.random.default_rng(1)
    inputs = generator.normal(size=(80, 6)).astype(np.float32)
    first = (inputs[:, 0] > 0).astype(np.int64)
    task: Any = ClassificationTask(labels=("a", "b", "never"))
    logits = fit(name, 5, task, inputs, first)(inputs)
    assert logits.shape == (80, 3)
    assert (logits.argmax(axis=1) == first).mean() > 0.85
    assert np.exp(logits[:, 2]).max() < 1e-5
    several = np.stack([first, 1 - first, np.zeros_like(first)], axis=1)
    task = MultilabelTask(labels=("a", "b", "never"))
    logits = fit(name, 5, task, inputs, several)(inputs)
    assert ((logits[:, :2] > 0) == (several[:, :2] == 1)).mean() > 0.85
    assert (logits[:, 2] < 0).all()
    numbers = (1 / (1 + np.exp(-inputs[:, 0]))).astype(np.float32)
    logits = fit(name, 5, RegressionTask(range=(0, 1)), inputs, numbers)(inputs)
    assert logits.shape == (80, 1)
    assert np.corrcoef(logits[:, 0], numbers)[0, 1] > 0.8


def test_classes_that_training_rows_lack_are_no_fault(backbones: Callable[[str], Path]) -> None:
    model, splits = frozen_model(backbones("bert"))
    model.add_head("other", "classification", ["x", "y"])  # of which no row has a label
    splits["train"] = [each for each in splits["train"] if each.labels["start"] == "low"]
    for reports in Frozen(model, splits).reports("test").values():
        test = reports["test"]
        share = np.mean([each.labels["start"] == "low" for each in splits["test"]])
        assert test.metrics()["start.accuracy"] == pytest.approx(share)
        assert list(test.tasks) == ["start"]


def test_one_label_of_many_is_enough() -> None:
    inputs = np.random.default_rng(1).normal(size=(40, 4)).astype(np.float32)
    wanted = (inputs[:, :1] > 0).astype(np.int64)
    for name in (REGRESSION, NEIGHBOURS):
        assert fit(name, 5, MultilabelTask(labels=("a",)), inputs, wanted)(inputs).shape == (40, 1)


def test_saved_heads_are_evaluated_as_they_are(recipe: Path, tmp_path: Path) -> None:
    from polyhead import load_recipe, train

    loaded = load_recipe(recipe, data_root=FOLDER)
    train(loaded, tmp_path / "run")
    found = run_study(
        recipe, Design(["frozen"], [13], rows=40), tmp_path / "study", data_root=FOLDER, start=str(tmp_path / "run")
    )
    by_name = {each["name"]: each for each in found}
    model = Polyhead.from_pretrained(tmp_path / "run")
    from polyhead.recipe.examples import recipe_examples

    [rows], _ = recipe_examples(recipe, "test", model.tasks, data_root=FOLDER, count_unseen=True)
    assert by_name["frozen: the saved heads"]["test"] == pytest.approx(model.evaluate(rows).metrics())


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("a,b\n", "two sentences and a score|at least two"),
        ("a,b,1\nc,d,x\n", r"pairs\.csv:2: must be two sentences and a score"),
        ("a,b,1\n", "at least two pairs"),
    ],
)
def test_pairs_that_are_none_are_one_line(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "pairs.csv").write_text(content)
    with pytest.raises(UserError, match=says):
        read_pairs(tmp_path / "pairs.csv")
    with pytest.raises(UserError, match="cannot be read"):
        read_pairs(tmp_path / "nothing.csv")


def test_labels_that_training_never_saw_are_said(recipe: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for split in ("train", "validation", "test"):
        rows = (FOLDER / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()[:24]
        (data / f"{split}.jsonl").write_text("\n".join(rows), encoding="utf-8")
    row = json.loads(rows[0])
    (data / "test.jsonl").write_text(json.dumps({**row, "topic": "🙂"}) + "\n", encoding="utf-8")
    said: list[str] = []
    [found] = run_study(recipe, Design(["probe"], [13]), tmp_path / "study", data_root=data, on_note=said.append)
    assert found["test"]["topic.accuracy"] == 0
    [line] = [line for line in said if "🙂" in line]
    assert line.startswith("! counted as wrong: ")
    assert "test.jsonl:1: task topic has the labels" in line
