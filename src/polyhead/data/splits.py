"""Samples and shares of rows: seeded, and stratified by class where there are classes."""

from collections.abc import Sequence

import numpy as np

from polyhead.data.example import Example
from polyhead.data.readers import Sample
from polyhead.errors import UserError


def sample(examples: Sequence[Example], wanted: Sample, *, seed: int, where: str) -> list[Example]:
    """``per_class`` rows of each class, or ``rows`` in all, in the file's order.

    Raises:
        UserError: there are fewer, or no classes to draw from.
    """
    generator = np.random.default_rng([seed, 1])
    if wanted.rows is not None:
        if wanted.rows > len(examples):
            raise UserError(f"{where}: sample asks for {wanted.rows} rows, but there are {len(examples)}")
        chosen = generator.choice(len(examples), wanted.rows, replace=False)
        return [examples[index] for index in sorted(chosen)]
    assert wanted.per_class is not None
    groups = {label: rows for label, rows in _strata(examples).items() if label}
    if len(groups) < 2:
        raise UserError(f"{where}: sample per_class needs a task with classes; use rows")
    for label, rows in groups.items():
        if len(rows) < wanted.per_class:
            raise UserError(f"{where}: sample asks for {wanted.per_class} rows a class, but {label} has {len(rows)}")
    picked = [generator.choice(rows, wanted.per_class, replace=False) for rows in groups.values()]
    return [examples[index] for index in sorted(np.concatenate(picked))]


def share(examples: Sequence[Example], part: float, *, seed: int) -> tuple[list[Example], list[Example]]:
    """The rows less a share, and that share; each class is parted alike. Both keep the file's order.

    Of each class at least one row stays.
    """
    generator = np.random.default_rng([seed, 2])
    taken: set[int] = set()
    carry = 0.0
    for rows in _strata(examples).values():
        wanted = len(rows) * part + carry  # what rounding cost one class goes to the next, so that the sum is right
        count = min(round(wanted), len(rows) - 1)  # what can be learned must be in training data
        carry = wanted - count
        taken.update(generator.permutation(rows)[:count].tolist())
    kept = [example for index, example in enumerate(examples) if index not in taken]
    return kept, [examples[index] for index in sorted(taken)]


def _strata(examples: Sequence[Example]) -> dict[str, list[int]]:
    """Row numbers by class: the first label of each row that is a name, in a stable order."""
    groups: dict[str, list[int]] = {}
    for index, example in enumerate(examples):
        label = next((str(gold) for gold in example.labels.values() if isinstance(gold, str)), "")
        groups.setdefault(label, []).append(index)
    return dict(sorted(groups.items()))
