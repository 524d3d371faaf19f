"""TensorBoard, Weights & Biases and MLflow, through accelerate's trackers."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from polyhead.errors import MissingExtra

Log = Callable[[Mapping[str, Any]], None]


@contextlib.contextmanager
def trackers(
    names: Sequence[str], *, project: str, folder: Path, settings: Mapping[str, Any], step: int = 0
) -> Iterator[Log]:
    """Within the block, a function that logs a line of ``metrics.jsonl``; TensorBoard writes to ``folder``/tensorboard.

    ``settings`` are logged beside the metrics; ``step`` is where a run goes on.

    Raises:
        MissingExtra: a tracker's library is not installed.
    """
    check_trackers(names)
    if not names:
        yield lambda row: None
        return
    from accelerate import Accelerator

    accelerator = Accelerator(log_with=list(names), project_dir=folder / "tensorboard", cpu=True)
    again = {"purge_step": step + 1}  # what was logged after the checkpoint, or before there was one, is logged anew
    options = {"tensorboard": again, "wandb": {"name": folder.name}, "mlflow": {"run_name": folder.name}}
    chosen = {name: options[name] for name in names}
    accelerator.init_trackers(project, config=dict(_flat(settings)), init_kwargs=chosen)

    def log(row: Mapping[str, Any]) -> None:
        values = {key: value for key, value in row.items() if isinstance(value, int | float) and key != "step"}
        accelerator.log(values, step=row["step"])

    try:
        yield log
    finally:
        accelerator.end_training()


def check_trackers(names: Sequence[str]) -> None:
    """Find out before a run begins whether the libraries are there; accelerate would pass over them in silence.

    Raises:
        MissingExtra: one is not.
    """
    for name in ("accelerate", *names) if names else ():
        if find_spec(name) is None:
            raise MissingExtra(name, "train" if name == "accelerate" else name)


def _flat(settings: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{place}{key}.")
        elif value is not None:
            yield f"{place}{key}", value if isinstance(value, int | float | str) else str(value)
