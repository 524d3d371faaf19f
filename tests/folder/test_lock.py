"""A folder is one process's at a time; the lock is gone with its process, however that ends."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from polyhead import UserError, load_recipe, train
from polyhead.folder.lock import alone
from polyhead.recipe import Watcher
from polyhead.starter import RECIPE
from polyhead.study import Design, study
from polyhead.training import Interrupted

HOLD = """
import sys
from pathlib import Path
from polyhead.folder.lock import alone
with alone(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no locks on folders")


def test_a_killed_process_gives_it_back(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    command = [sys.executable, "-c", HOLD, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(UserError, match=r"folder: another process is at work in it; wait"), alone(folder):
            raise AssertionError("two are in it")
        other.kill()
    with alone(folder):
        assert list(folder.iterdir()) == []


def test_a_run_is_not_resumed_beside_itself(tmp_path: Path, backbones: Callable[[str], Path]) -> None:
    overrides = {"model.backbone": str(backbones("bert")), "training.max_train_samples": "40", "training.epochs": "2"}
    recipe = load_recipe(RECIPE, overrides=overrides)
    seen: list[int] = []
    stopping = Watcher(on_step=lambda report: seen.append(report.step), should_stop=lambda: len(seen) == 1)
    with pytest.raises(Interrupted):
        train(recipe, tmp_path / "run", watcher=stopping)
    with alone(tmp_path / "run"), pytest.raises(UserError, match="another process is at work"):
        train(recipe, tmp_path / "run", resume=True)
    assert train(recipe, tmp_path / "run", resume=True).best.epoch > 0


def test_nor_a_study(tmp_path: Path) -> None:
    design, told = Design(["probe"], [13]), list[str]()
    (tmp_path / "study").mkdir()
    with alone(tmp_path / "study"), pytest.raises(UserError, match="another process is at work"):
        study(RECIPE, design, tmp_path / "study", progress=lambda *_: told.append("begun"))
    assert told == []


def test_a_folder_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(UserError, match=r"run: cannot be written \(Not a directory\)"),
        alone(tmp_path / "file" / "run"),
    ):
        raise AssertionError("there is no such folder")
