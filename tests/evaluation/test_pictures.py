from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib import image

from polyhead.errors import UserError
from polyhead.evaluation.pictures import draw_curves, draw_runs

threadpoolctl = pytest.importorskip("threadpoolctl")  # comes with scikit-learn; has no types

HISTORY: list[dict[str, Any]] = [
    {"step": 5, "epoch": 1, "learning_rate": 0.1, "train_topic_loss": 2.0, "train_ner_loss": 3.0},
    {"step": 10, "epoch": 1, "learning_rate": 0.1, "train_topic_loss": 1.0, "train_ner_loss": 2.0},
    {
        "step": 10,
        "epoch": 1,
        "eval_loss": 2.5,
        "eval_topic_loss": 1.0,
        "eval_ner_loss": 1.5,
        "eval_topic_accuracy": 0.5,
        "eval_ner_span_f1": 0.25,
        "score": 0.4,
        "best": True,
    },
    {
        "step": 20,
        "epoch": 2,
        "eval_loss": 2.0,
        "eval_topic_loss": 0.9,
        "eval_ner_loss": 1.1,
        "eval_topic_accuracy": 0.75,
        "eval_ner_span_f1": 0.5,
        "score": 0.6,
        "best": False,
    },
]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """On a busy machine t-SNE's threads wait for each other a thousand times longer than they work."""
    with threadpoolctl.threadpool_limits(1):
        yield


def pixels(path: Path) -> np.ndarray:
    """The picture. *Shape:* (height, width, channels)."""
    assert path.read_bytes().startswith(b"\x89PNG")
    decoded: np.ndarray = image.imread(path)
    assert min(decoded.shape[:2]) > 200
    return decoded


def colours(path: Path) -> set[str]:
    """Every colour in it, as #rrggbb."""
    flat = (pixels(path)[:, :, :3].reshape(-1, 3) * 255).round().astype(np.uint32)
    codes = np.unique(flat @ np.array([1 << 16, 1 << 8, 1], dtype=np.uint32))
    return {f"#{code:06x}" for code in codes.tolist()}


def embeddings(rows: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(rows, 6)).astype(np.float32)


def test_curves_are_drawn_in_the_tasks_colours(tmp_path: Path) -> None:
    draw_curves(HISTORY, tmp_path / "curves.png")
    assert {"#3b6fb6", "#d1603d", "#ffffff"} <= colours(tmp_path / "curves.png")


def test_curves_change_with_the_numbers(tmp_path: Path) -> None:
    draw_curves(HISTORY, tmp_path / "one.png")
    draw_curves([*HISTORY[:-1], {**HISTORY[-1], "eval_topic_accuracy": 0.1}], tmp_path / "two.png")
    assert not np.array_equal(pixels(tmp_path / "one.png"), pixels(tmp_path / "two.png"))


def test_a_run_without_validation_shows_its_training_losses(tmp_path: Path) -> None:
    epoch = {"step": 10, "epoch": 1, "eval_loss": 0.0, "score": None, "best": True}
    draw_curves([*HISTORY[:2], epoch], tmp_path / "steps.png")
    draw_curves([epoch], tmp_path / "none.png")
    assert not np.array_equal(pixels(tmp_path / "steps.png"), pixels(tmp_path / "none.png"))


def test_a_run_without_steps_is_an_empty_picture(tmp_path: Path) -> None:
    draw_curves([], tmp_path / "curves.png")
    assert len(colours(tmp_path / "curves.png")) > 1


def test_missing_numbers_leave_gaps(tmp_path: Path) -> None:
    draw_curves([*HISTORY[:-1], {**HISTORY[-1], "eval_topic_loss": None}], tmp_path / "curves.png")
    assert "#3b6fb6" in colours(tmp_path / "curves.png")


def test_a_run_without_a_best_epoch_is_drawn(tmp_path: Path) -> None:
    draw_curves([{**row, "best": False} for row in HISTORY], tmp_path / "curves.png")
    assert "#3b6fb6" in colours(tmp_path / "curves.png")


def test_runs_side_by_side_have_the_same_scales(tmp_path: Path) -> None:
    draw_runs({"one": HISTORY, "a $two$": [{**row, "eval_loss": 9.0} for row in HISTORY]}, tmp_path / "two.png")
    draw_runs({"one": HISTORY}, tmp_path / "one.png")
    assert pixels(tmp_path / "two.png").shape[1] > 1.5 * pixels(tmp_path / "one.png").shape[1]
    assert "#3b6fb6" in colours(tmp_path / "two.png")


def test_a_place_that_cannot_be_written_is_the_users_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be written"):
        draw_curves([], tmp_path)


def test_a_legend_lies_below_its_panel_and_takes_no_room_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = []
    monkeypatch.setattr("polyhead.evaluation.pictures.save_figure", lambda figure, path: figures.append(figure))
    for tasks in (1, 12):
        draw_curves([{"step": 1, "eval_loss": 1.0, **{f"eval_t{n}_loss": n for n in range(tasks)}}], tmp_path / "c.png")
    heights = []
    for figure in figures:
        figure.draw_without_rendering()
        losses = figure.axes[0]
        assert losses.get_legend().get_window_extent().y1 < losses.get_window_extent().y0
        heights.append(losses.get_window_extent().height)
    assert heights[1] > 0.9 * heights[0]
