"""The documentation: its code runs, page by page, and the site is built without a warning."""

import os
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
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


def test_the_tutorial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = run_page(DOCS / "tutorial.md", tmp_path, monkeypatch)
    assert "Nothing was trained" in said[0]
    assert "mood" in said[-1]
    assert (tmp_path / "runs/mine/report.html").is_file()


@pytest.mark.parametrize("name", ["coming-from.md"])
def test_pages(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_page(DOCS / name, tmp_path, monkeypatch)


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="pip install 'polyhead[docs]'")
    environment = {**os.environ, "PYTHON": sys.executable}
    command = [str(ROOT / "scripts/docs"), "build", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    pages = {str(path.relative_to(tmp_path / "site")) for path in (tmp_path / "site").rglob("*.html")}
    assert {"index.html", "tutorial.html", "api.html", "examples/topic-entities/index.html"} <= pages
    assert "from_pretrained" in (tmp_path / "site/api.html").read_text(encoding="utf-8")
    assert (tmp_path / "site/examples/topic-entities/curves.png").is_file()
