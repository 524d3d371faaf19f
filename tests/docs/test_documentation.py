"""The documentation: its code runs, page by page, and the site is built without a warning."""

import json
import os
import re
import runpy
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from itertools import dropwhile
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import pytest
import torch
import yaml
from typer.testing import CliRunner

import polyhead
from polyhead import Polyhead, load_recipe
from polyhead.cli import app
from polyhead.starter import RECIPE

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("examples/*/README.md")), *sorted(DOCS.rglob("*.md"))]
RANGES = {"regression": {"range": (1, 5)}, "similarity": {"range": (0, 1)}}
_INDENTED = re.compile(r"^ {4}((?:polyhead |python -m benchmarks|scripts/)(?:.*\\\n)*.*)$", re.MULTILINE)
_BLOCK = re.compile(r'^```(\w+)(?: title="([\w.-]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A fenced block of a page: its language, the file that it is, its text, the line where it begins."""

    language: str
    title: str | None
    text: str
    line: int


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for found in _BLOCK.finditer(text):
        yield Block(found[1], found[2], found[3], text.count("\n", 0, found.start()) + 1)


def run_page(page: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Run a page's blocks in order, in one folder: files are written, Python shares its names, shells must end well."""
    monkeypatch.chdir(place)
    (place / "bin").mkdir()
    command = place / "bin" / "polyhead"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m polyhead "$@"\n')
    command.chmod(0o755)
    names: dict[str, Any] = {}
    said = []
    for number, block in enumerate(blocks(page)):
        where = f"{page.name}:{block.line}"
        if block.title is not None:
            (place / block.title).write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            script = place / f"block{number}.py"
            script.write_text(block.text, encoding="utf-8")
            names = runpy.run_path(str(script), init_globals=names, run_name=where)
        elif block.language == "sh":
            path = f"{place / 'bin'}:{os.environ['PATH']}"
            done = subprocess.run(
                ["sh", "-ec", block.text], capture_output=True, text=True, env={**os.environ, "PATH": path}
            )
            assert done.returncode == 0, f"{where}: {done.stderr}"
            said.append(done.stdout)
        else:
            raise AssertionError(f"{where}: a {block.language} block that nothing runs")
    return said


@pytest.mark.slow
def test_the_tutorial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = run_page(DOCS / "tutorial.md", tmp_path, monkeypatch)
    assert "Nothing was trained" in said[0]
    assert "mood" in said[-1]
    assert (tmp_path / "runs/mine/report.html").is_file()


def test_the_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its Python, on a model as the quickstart leaves one; its recipe; its commands are looked at below."""
    model = Polyhead.from_pretrained()
    for name, kind in (("topic", "classification"), ("sentiment", "classification"), ("entities", "tagging")):
        model.add_head(name, kind, ["a", "b"])
    model.save_pretrained(tmp_path / "runs/quickstart")
    page = tmp_path / "page.md"
    python = [each.text for each in blocks(ROOT / "README.md") if each.language == "python"]
    page.write_text("".join(f"```python\n{text}```\n" for text in python))
    assert run_page(page, tmp_path, monkeypatch) == []
    assert (tmp_path / "my-model" / "README.md").is_file()
    [recipe] = [each for each in blocks(ROOT / "README.md") if each.language == "yaml"]
    (tmp_path / "recipe.yaml").write_text(recipe.text)
    assert list(load_recipe(tmp_path / "recipe.yaml").tasks) == ["topic", "entities"]


def test_callbacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backbones: Callable[[str], Path]) -> None:
    document = yaml.safe_load(RECIPE.read_text())
    document["model"] = {"backbone": str(backbones("bert"))}
    document["training"] = {"epochs": 1, "max_train_samples": 32}
    for split in ("train", "validation", "test"):
        (tmp_path / f"{split}.jsonl").symlink_to(RECIPE.parent / f"{split}.jsonl")
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(document))
    assert run_page(DOCS / "training.md", tmp_path, monkeypatch) == []
    assert (tmp_path / "runs/x/result.json").is_file()


@pytest.mark.parametrize("name", ["embeddings.md", "recipe.md"])
def test_fragments_of_recipes(name: str, tmp_path: Path) -> None:
    """Each, put in the starter's recipe, is one without a fault."""
    found = [each for each in blocks(DOCS / name) if each.language == "yaml"]
    assert len(found) == 3
    for number, each in enumerate(found):
        document = yaml.safe_load(RECIPE.read_text())
        for section, content in yaml.safe_load(each.text).items():
            document[section] = content if section == "data" else {**document.get(section, {}), **content}
            if section == "data":
                taught = {name for each_set in content.values() for name in each_set["tasks"]}
                document["tasks"] = {name: task for name, task in document["tasks"].items() if name in taught}
        path = tmp_path / f"{number}.yaml"
        path.write_text(yaml.safe_dump(document))
        assert load_recipe(path).raw == document


def test_what_heads_answer(backbones: Callable[[str], Path]) -> None:
    """Each page's answer has the keys, at every depth, that a head of its kind gives."""
    labels = {"classification": ["travel", "other"], "multilabel": ["late", "damaged"], "tagging": ["PERSON"]}
    model = Polyhead.from_pretrained(backbones("bert"))
    pages = sorted((DOCS / "heads").glob("*.md"))
    for page in pages:
        model.add_head(page.stem, page.stem, labels.get(page.stem, []), **RANGES.get(page.stem, {}))
    with torch.no_grad():
        for weights in model.pretrained.model.heads["tagging"].parameters():
            weights.mul_(40)  # so that it finds something
    model.refresh()
    answer = model.predict({"text": "Ada went to Oslo.", "text_pair": "Nothing here."}).as_dict()
    answer |= model.predict("Ada went to Oslo.", ["tagging"]).as_dict()
    assert answer["tagging"]["entities"]
    for page in pages:
        _, shown = (each.text for each in blocks(page) if each.language == "json")
        assert _keys(json.loads(shown.replace(", …", ""))) == _keys(answer[page.stem]), page.name


def _keys(value: Any) -> Any:
    """Keys at every depth; of a list those of its first."""
    if isinstance(value, dict):
        return {key: _keys(each) for key, each in value.items()}
    return [_keys(each) for each in value[:1]] if isinstance(value, list) else type(value)


def commands(page: Path) -> list[str]:
    """Of its shell blocks, and of those that are only indented."""
    text = "".join(each.text for each in blocks(page) if each.language == "sh")
    text += "\n".join(each[1] for each in _INDENTED.finditer(page.read_text(encoding="utf-8")))
    return [line for line in text.replace("\\\n", "").splitlines() if line.strip()]


@pytest.mark.parametrize("page", [*filter(commands, PAGES)], ids=lambda page: f"{page.parent.name}/{page.stem}")
def test_commands_are_there(page: Path) -> None:
    """Verbs, their options, programs, scripts and files of the repository that are named."""
    for line in commands(page):
        words = [*dropwhile(re.compile("[A-Z_]+=").match, shlex.split(line, comments=True))]
        options = [word.partition("=")[0] for word in words if word.startswith("--")]
        if not words:
            continue
        if words[0] == "polyhead":
            command = next(each for each in app.registered_commands + app.registered_groups if _name(each) == words[1])
            known = _help(tuple(words[1:3] if hasattr(command, "typer_instance") else words[1:2]))
            assert [each for each in options if "." not in each and not _named(each, known)] == [], line
        elif words[1:2] == ["-m"]:
            program = (ROOT / f"{words[2].replace('.', '/')}.py").read_text(encoding="utf-8")
            if "add_arguments(parser" in program:
                program += (ROOT / "benchmarks/common.py").read_text(encoding="utf-8")
            assert [each for each in options if f'add_argument("{each}"' not in program] == [], line
        elif words[0] != "pip":
            script = words[1] if words[0].startswith("python") else words[0]
            assert (ROOT / script).is_file(), line
        assert all((ROOT / word).exists() for word in words if word.startswith(("examples/", "src/"))), line


def test_readmes_name_commands() -> None:
    assert [page for page in PAGES if page.name == "README.md" and not commands(page)] == []


def _named(option: str, text: str) -> bool:
    return re.search(rf"{re.escape(option)}(?![\w-])", text) is not None


@cache
def _help(verb: tuple[str, ...]) -> str:
    return CliRunner().invoke(app, [*verb, "--help"], env={"COLUMNS": "200"}, color=False).output


def _name(command: Any) -> str:
    return str(command.name or getattr(command.callback, "__name__", ""))


@pytest.mark.parametrize("name", ["coming-from.md"])
def test_pages(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_page(DOCS / name, tmp_path, monkeypatch) == [], "it has no shell blocks"
    assert len(list(tmp_path.glob("block*.py"))) == DOCS.joinpath(name).read_text().count("```python") > 3


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="pip install 'polyhead[docs]'")
    environment = {**os.environ, "PYTHON": sys.executable}
    command = [str(ROOT / "scripts/docs"), "build", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    pages = {str(path.relative_to(tmp_path / "site")) for path in (tmp_path / "site").rglob("*.html")}
    assert {"index.html", "tutorial.html", "api.html", "examples/topic-entities/index.html"} <= pages
    api = (tmp_path / "site/api.html").read_text(encoding="utf-8")
    exported = [name for name in polyhead.__all__ if not name.startswith("_")]
    assert [name for name in exported if not re.search(rf'id="polyhead\.[\w.]*\b{name}"', api)] == []
    assert (tmp_path / "site/examples/topic-entities/curves.png").is_file()
    assert dead_links(tmp_path / "site") == []


def dead_links(site: Path) -> list[tuple[str, str]]:
    """Pages of a built site, and what they link to on it that it does not have."""
    found = []
    for page in site.rglob("*.html"):
        if page.name == "404.html":  # its links begin at the root of a server
            continue
        for target in re.findall(r'(?:href|src)="([^"#?]+)', page.read_text(encoding="utf-8")):
            place = page.parent / unquote(target)
            if not re.match("[a-z]+:", target) and not (place.is_file() or (place / "index.html").is_file()):
                found.append((page.name, target))
    return found
