"""A recipe's data sets, read."""

from collections.abc import Iterable, Mapping

from polyhead.data.example import DataSet, Example
from polyhead.data.faults import FaultLog
from polyhead.data.labels import check_labels, count_misaligned, infer_labels
from polyhead.data.read import read
from polyhead.data.splits import sample, share
from polyhead.errors import UserError
from polyhead.kinds import Task
from polyhead.recipe.schema import SPLITS, DataSettings, Recipe


def read_data(recipe: Recipe, tasks: Mapping[str, Task], log: FaultLog, splits: Iterable[str]) -> list[DataSet]:
    """The data sets with the splits that are asked for; a share of ``train`` is cut off it even if only it is wanted.

    Raises:
        UserError: a file is missing or wrong, with its line.
    """
    wanted = set(splits)
    missing = [
        str(path)
        for settings in recipe.data.values()
        for source in (settings.sources[split] for split in _needed(settings, wanted))
        for path in (recipe.root / name for name in source.path)
        if not path.exists()
    ]
    if missing:
        hint = "no such file; paths are relative to the recipe's folder or to --data-root"
        raise UserError(*(f"{path}: {hint}" for path in dict.fromkeys(missing)))
    return [_read_set(name, settings, recipe, tasks, log, wanted) for name, settings in recipe.data.items()]


def _read_set(
    name: str, settings: DataSettings, recipe: Recipe, tasks: Mapping[str, Task], log: FaultLog, wanted: set[str]
) -> DataSet:
    found: dict[str, list[Example]] = {}
    seed = recipe.training.seed
    for split in _needed(settings, wanted):
        source = settings.sources[split]
        examples = read(source, tasks, root=recipe.root, log=log)
        if source.sample:
            examples = sample(examples, source.sample, seed=seed, where=f"data.{name}.{split}")
        found[split] = examples
    for split, part in settings.shares.items():
        if "train" in found:
            rest = 1 - sum(value for other, value in settings.shares.items() if _before(other, split))
            found["train"], found[split] = share(found["train"], part / rest, seed=seed)
    return DataSet(name, **{split: examples for split, examples in found.items() if split in wanted})


def _needed(settings: DataSettings, wanted: set[str]) -> list[str]:
    """The splits whose files must be read for those that are wanted."""
    needed = wanted | ({"train"} if wanted & settings.shares.keys() else set())
    return [split for split in SPLITS if split in needed and split in settings.sources]


def _before(split: str, other: str) -> bool:
    return SPLITS.index(split) < SPLITS.index(other)


def prepare(recipe: Recipe, log: FaultLog) -> tuple[list[DataSet], dict[str, Task]]:
    """Training and validation data, and the tasks with their labels.

    Raises:
        UserError: a file or its labels are wrong; every fault with its line.
    """
    data = read_data(recipe, recipe.tasks, log, ("train", "validation"))
    tasks = infer_labels(recipe.tasks, (example for each in data for example in each.train), log)
    log.stop()
    for each in data:
        for examples in (each.train, each.validation):
            check_labels(tasks, examples, log)
            count_misaligned(tasks, examples, log)
    log.stop()
    return data, tasks
