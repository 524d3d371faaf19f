"""The commands that README and pages show, run in their order as they stand there, on a tiny backbone and few rows."""

import csv
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from test_documentation import DOCS, ROOT, commands

from conftest import sentences

TEXTS = sentences(48, seed=5, longest=12)


def write(place: Path) -> None:
    """The reader's files: rows with labels, texts, pairs, and a recipe of other tasks."""
    (place / "data").mkdir()
    with (place / "data" / "rows.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "topic"])
        rows.writerows([text, ("long", "short")[len(text) < 40]] for text in TEXTS)
    with (place / "pairs.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([one, other, len(one) % 6] for one, other in pairwise(TEXTS))
    (place / "texts.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    more = {
        "tasks": {"tone": {"kind": "classification"}},
        "data": {"rows": {"format": "csv", "train": "data/rows.csv", "tasks": {"tone": {"label": "topic"}}}},
        "training": {"epochs": 1, "plan": "probe"},
    }
    (place / "more.yaml").write_text(yaml.safe_dump(more), encoding="utf-8")


def small(recipe: Path, backbone: Path) -> None:
    """The recipe that init wrote, on the tiny backbone."""
    document = yaml.safe_load(recipe.read_text(encoding="utf-8"))
    document["model"] = {"backbone": str(backbone), "max_length": 24}
    document["training"] = {**document["training"], "epochs": 2, "batch_size": 8}
    for each in document["data"].values():
        each["test"] = each["train"]
    recipe.write_text(yaml.safe_dump(document), encoding="utf-8")


def words_of(line: str, names: dict[str, str]) -> list[str]:
    """As a shell gives them to the program; placeholders are replaced."""
    found: list[str] = []
    for word in shlex.split(line, comments=True)[1:]:
        found += sorted(map(str, Path().glob(word))) if "*" in word else [names.get(word, word)]
    return found


@pytest.mark.slow
def test_they_run(
    run: Callable[..., Any], backbones: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    write(tmp_path)
    done: list[str] = []
    for line in of_the_readme():
        if "--resume" in line:
            Path("runs/recipe/result.json").unlink()  # as if it had been killed just before its end
        if " plot " in line:
            shutil.copytree("runs/recipe", "runs/other")
        found = run(*words_of(line, {}))
        assert found.status == 0, f"{line}\n{found.err}"
        if " init " in line:
            small(Path("recipe.yaml"), backbones("bert"))
        done.append(line.split()[1])
    assert {"init", "check", "train", "evaluate", "predict", "encode", "study", "heads", "map", "plot"} <= {*done}
    for path in ("vectors.npy", "runs/recipe/report.html", "studies/recipe/study.html", "runs/recipe/result.json"):
        assert Path(path).is_file(), path
    shutil.copytree("runs/recipe", "runs/one")
    shutil.copytree("runs/recipe", "runs/two")
    shutil.copytree("runs/recipe/model", "model")
    shutil.copytree("runs/recipe/model", "other")
    names = {"MODEL": "model", "OTHER": "other", "runs/quickstart": "runs/recipe"}
    names["pca,tsne,umap"] = "pca,tsne"  # UMAP takes a package that need not be there
    names["src/polyhead/starter/test.jsonl"] = str(ROOT / "src/polyhead/starter/test.jsonl")
    for page in ("embeddings.md", "pictures.md"):
        for line in commands(DOCS / page):
            if not line.startswith("polyhead"):
                continue
            if " merge " in line:
                for verb in (("rename", "other", "topic", "tone"), ("add", "other", "topic")):
                    labels = ("--kind", "classification", "--labels", "a,b") if verb[0] == "add" else ()
                    assert run("heads", *verb, *labels).status == 0
                assert run("heads", "remove", "model", "topic").status == 0
            found = run(*words_of(line, names))
            assert found.status == 0, f"{page}: {line}\n{found.err}"
    assert re.search("mood|tone", run("heads", "list", "model").out)


def of_the_readme() -> Iterator[str]:
    """All but those that build, test or serve, which others run."""
    for line in commands(ROOT / "README.md"):
        if line.startswith("polyhead ") and " serve " not in line:
            yield line
