"""Metrics in TensorBoard's own files, under the names that metrics.jsonl has."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from polyhead import UserError, load_recipe, train
from polyhead.recipe.run import Watcher
from polyhead.starter import FOLDER
from polyhead.training import Interrupted

RECIPE = """
model: {{backbone: {backbone}, max_length: 24}}
tasks: {{topic: {{kind: classification}}}}
data:
  own: {{format: jsonl, train: {{path: train.jsonl, sample: {{rows: 60}}}}, validation: 0.2, tasks: {{topic: {{}}}}}}
training: {{epochs: 2, batch_size: 8, bf16: false, logging_steps: 2, report_to: {report_to}}}
"""


@pytest.fixture
def recipe(backbones: Callable[[str], Path], tmp_path: Path) -> Callable[[str], Any]:
    def made(report_to: str) -> Any:
        path = tmp_path / "recipe.yaml"
        path.write_text(RECIPE.format(backbone=backbones("bert"), report_to=report_to))
        return load_recipe(path, data_root=FOLDER)

    return made


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def scalars(folder: Path) -> dict[str, dict[int, float]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    [place] = {path.parent for path in folder.rglob("events.out.*") if path.parent.name == "recipe"}
    events = EventAccumulator(str(place))
    events.Reload()
    return {tag: {event.step: event.value for event in events.Scalars(tag)} for tag in events.Tags()["scalars"]}


def history(folder: Path) -> dict[str, dict[int, float]]:
    found: dict[str, dict[int, float]] = {}
    for line in (folder / "metrics.jsonl").read_text().splitlines():
        row = json.loads(line)
        for key, value in row.items():
            if isinstance(value, int | float) and key != "step":
                found.setdefault(key, {})[row["step"]] = float(value)
    return found


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning")
def test_tensorboard_has_what_the_history_has(recipe: Callable[[str], Any], tmp_path: Path) -> None:
    train(recipe("tensorboard"), tmp_path / "run")
    logged, written = scalars(tmp_path / "run/tensorboard"), history(tmp_path / "run")
    assert {"train_topic_loss", "eval_topic_accuracy", "eval_loss", "learning_rate"} <= logged.keys()
    for key, values in written.items():
        assert logged[key] == pytest.approx(values), key


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning")
def test_a_resumed_run_logs_what_came_after_its_checkpoint_anew(recipe: Callable[[str], Any], tmp_path: Path) -> None:
    seen: list[int] = []
    watcher = Watcher(on_step=lambda report: seen.append(report.step), should_stop=lambda: 8 in seen)
    with pytest.raises(Interrupted):
        train(recipe("tensorboard"), tmp_path / "run", watcher=watcher)
    train(recipe("tensorboard"), tmp_path / "run", resume=True)
    logged, written = scalars(tmp_path / "run/tensorboard"), history(tmp_path / "run")
    assert logged["train_topic_loss"] == pytest.approx(written["train_topic_loss"])


def test_a_tracker_that_is_not_installed_names_its_extra(
    recipe: Callable[[str], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("wandb", "mlflow"):
        monkeypatch.setitem(sys.modules, name, None)
        monkeypatch.setattr(
            "polyhead.recipe.trackers.find_spec", lambda wanted, name=name: None if wanted == name else 1
        )
        with pytest.raises(UserError, match=rf"{name} is needed .*pip install 'polyhead\[{name}\]'"):
            train(recipe(name), tmp_path / "run")
    assert not (tmp_path / "run").exists()
