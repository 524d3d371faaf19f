"""A recipe's data sets, read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from polyhead.data.example import DataSet, Example
from polyhead.data.faults import FaultLog
from polyhead.data.labels import check_labels, infer_labels
from polyhead.data.read import read
from polyhead.data.readers import Sample
from polyhead.data.splits import sample, share
from polyhead.data.survey import Survey, survey
from polyhead.errors import UserError
from polyhead.kinds import Task
from polyhead.recipe.keeping import read_keeping
from polyhead.recipe.schema import SPLITS, DataSettings, Recipe
from polyhead.training import Keeping


def read_data(recipe: Recipe, tasks: Mapping[str, Task], log: FaultLog, splits: Iterable[str]) -> list[DataSet]:
    """The data sets with the splits that are asked for; a share of ``train`` is cut off it even if only it is wanted.

    Raises:
        UserError: a file is missing or wrong, with its line.
    """
    wanted = set(splits)
    missing = [
        str(path)
        for settings in recipe.data.values()
        for split in _needed(settings, wanted)
        for path in settings.sources[split].missing(recipe.root)
    ]
    if missing:
        hint = "no such file; paths are relative to the recipe's folder or to --data-root"
        raise UserError(*(f"{path}: {hint}" for path in dict.fromkeys(missing)))
    return [_read_set(name, settings, recipe, tasks, log, wanted) for name, settings in recipe.data.items()]


def _read_set(
    name: str, settings: DataSettings, recipe: Recipe, tasks: Mapping[str, Task], log: FaultLog, wanted: set[str]
) -> DataSet:
    found: dict[str, Sequence[Example]] = {}
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
    splits = {split: examples for split, examples in found.items() if split in wanted}
    return DataSet(name, batch_size=settings.batch_size, **splits)


def _needed(settings: DataSettings, wanted: set[str]) -> list[str]:
    """The splits whose files must be read for those that are wanted."""
    needed = wanted | ({"train"} if wanted & settings.shares.keys() else set())
    return [split for split in SPLITS if split in needed and split in settings.sources]


def _before(split: str, other: str) -> bool:
    return SPLITS.index(split) < SPLITS.index(other)


@dataclass(frozen=True, slots=True)
class Data:
    """A recipe's data sets, the tasks with their labels, what was found in each (data set, split), and what was odd."""

    sets: Sequence[DataSet]
    tasks: Mapping[str, Task]
    surveys: Mapping[tuple[str, str], Survey]
    log: FaultLog
    keeping: Keeping = field(default_factory=Keeping)
    """What is done for the embedding."""


def prepare(recipe: Recipe, splits: Sequence[str] = ("train", "validation"), *, strict: bool = True) -> Data:
    """The data sets with these splits, surveyed and held against the tasks' labels.

    ``strict=False`` leaves labels that no task knows as faults in the log.

    Raises:
        UserError: a file or its labels are wrong, or there is nothing to train on; every fault with its line.
    """
    log = FaultLog()
    sets = read_data(recipe, recipe.tasks, log, splits)
    if not any(len(each.train) for each in sets):
        raise UserError(f"{recipe.name}: no data set has a train split")
    surveys = {
        (each.name, split): survey(each.split(split), recipe.tasks, log)
        for each in sets
        for split in splits
        if len(each.split(split))
    }
    tasks = infer_labels(recipe.tasks, (found for (_, split), found in surveys.items() if split == "train"), log)
    log.stop()
    for found in surveys.values():
        check_labels(tasks, found, log)
    if strict:
        log.stop()
    keeping = read_keeping(recipe, log)
    return Data([_limited(each, recipe) for each in sets], tasks, surveys, log, keeping)


def _limited(data: DataSet, recipe: Recipe) -> DataSet:
    """With as many training rows as the recipe allows; labels come from all of them."""
    most = recipe.training.max_train_samples
    if most is None or len(data.train) <= most:
        return data
    where = f"data.{data.name}.train"
    return replace(data, train=sample(data.train, Sample(rows=most), seed=recipe.training.seed, where=where))
