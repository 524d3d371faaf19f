from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polyhead.training.sampling import Draw, Rows, Sampler, one_pass
from polyhead.training.settings import TrainingSettings


def lengths(*sizes: int) -> list[np.ndarray]:
    """Random lengths for data sets of these sizes."""
    generator = np.random.default_rng(0)
    return [generator.integers(3, 60, size) for size in sizes]


def rows_of(tokens: np.ndarray, batch_size: int) -> Rows:
    return Rows(len(tokens), lambda rows: tokens[rows], batch_size)


def sampler(*sizes: int, **given_settings: object) -> Sampler:
    settings = TrainingSettings.model_validate(given_settings)
    return Sampler([rows_of(each, settings.batch_size) for each in lengths(*sizes)], settings)


def one(tokens: np.ndarray, *, batch_size: int, by_length: bool, seed: int) -> list[np.ndarray]:
    made = np.random.default_rng(seed)
    drawn = one_pass(rows_of(tokens, batch_size), by_length=by_length, generator=made)
    return [draw.rows for draw in drawn]


def plain(steps: Iterable[list[Draw]]) -> list[list[tuple[int, list[int]]]]:
    return [[(draw.data_set, draw.rows.tolist()) for draw in step] for step in steps]


def seen(steps: list[list[Draw]], data_set: int) -> Counter[int]:
    """How often each row of a data set was drawn."""
    return Counter(int(row) for step in steps for draw in step if draw.data_set == data_set for row in draw.rows)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 300), st.integers(1, 20), st.booleans(), st.integers(0, 3))
def test_a_pass_visits_every_row_once(rows: int, batch_size: int, by_length: bool, seed: int) -> None:
    batches = one(lengths(rows)[0], batch_size=batch_size, by_length=by_length, seed=seed)
    assert sorted(int(row) for batch in batches for row in batch) == list(range(rows))
    assert len(batches) == -(-rows // batch_size)
    assert sorted(len(batch) for batch in batches)[1:] == [batch_size] * (len(batches) - 1)


def test_batches_by_length_hold_like_texts_and_come_in_random_order() -> None:
    tokens = np.random.default_rng(1).integers(3, 100, 640)

    def spread(by_length: bool) -> float:
        batches = one(tokens, batch_size=8, by_length=by_length, seed=2)
        return float(np.mean([np.ptp(tokens[batch]) for batch in batches]))

    assert spread(True) < spread(False) / 4
    first = one(tokens, batch_size=8, by_length=True, seed=2)
    means = [tokens[batch].mean() for batch in first]
    assert means != sorted(means)


def test_one_pool_of_short_and_long_texts_is_fully_sorted() -> None:
    tokens = np.array([9, 1, 8, 2, 7, 3, 6, 4])
    batches = one(tokens, batch_size=2, by_length=True, seed=0)
    assert sorted(sorted(tokens[batch].tolist()) for batch in batches) == [[1, 2], [3, 4], [6, 7], [8, 9]]


@pytest.mark.parametrize("by_length", [True, False])
def test_proportional_sees_every_row_of_every_set_once_an_epoch(by_length: bool) -> None:
    made = sampler(50, 23, 1, batch_size=8, group_by_length=by_length)
    steps = list(made.steps(1))
    assert len(steps) == len(made) == 7 + 3 + 1
    assert all(len(step) == 1 for step in steps)
    for data_set, size in enumerate((50, 23, 1)):
        assert seen(steps, data_set) == dict.fromkeys(range(size), 1)


def test_proportional_mixes_the_sets() -> None:
    drawn = [step[0].data_set for step in sampler(400, 400, batch_size=4).steps(1)]
    changes = sum(before != after for before, after in pairwise(drawn))
    assert changes > 60


def test_round_robin_takes_a_batch_of_every_set_and_short_sets_go_round() -> None:
    made = sampler(64, 20, batch_size=8, sampling="round_robin")
    steps = list(made.steps(1))
    assert len(steps) == len(made) == 8
    assert all([draw.data_set for draw in step] == [0, 1] for step in steps)
    assert seen(steps, 0) == dict.fromkeys(range(64), 1)
    assert sorted(set(seen(steps, 1).values())) == [2, 3]
    assert len(seen(steps, 1)) == 20


def test_alternating_takes_a_batch_of_each_set_in_turn() -> None:
    made = sampler(64, 20, 8, batch_size=8, sampling="alternating")
    steps = list(made.steps(1))
    assert len(steps) == len(made) == 8 * 3
    assert [[draw.data_set for draw in step] for step in steps] == [[0], [1], [2]] * 8
    assert seen(steps, 0) == dict.fromkeys(range(64), 1)
    assert seen(steps, 2) == dict.fromkeys(range(8), 8)
    halves = list(sampler(64, 20, batch_size=8, sampling="alternating", gradient_accumulation_steps=2).steps(1))
    assert [[draw.data_set for draw in step] for step in halves] == [[0, 1]] * 8


@pytest.mark.parametrize(("temperature", "expected"), [(1, 0.9), (2, 0.75), (1000, 0.5)])
def test_temperature_draws_by_the_root_of_the_size(temperature: float, expected: float) -> None:
    made = sampler(1800, 200, batch_size=1, sampling="temperature", temperature=temperature)
    steps = list(made.steps(1))
    assert len(steps) == len(made) == 2000
    large = sum(step[0].data_set == 0 for step in steps) / len(steps)
    assert large == pytest.approx(expected, abs=0.04)


def test_temperature_visits_rows_evenly() -> None:
    steps = list(sampler(100, 20, batch_size=1, sampling="temperature", temperature=2).steps(1))
    for data_set in (0, 1):
        counts = [seen(steps, data_set)[row] for row in range((100, 20)[data_set])]
        assert max(counts) - min(counts) <= 1


@pytest.mark.parametrize("strategy", ["proportional", "alternating", "round_robin", "temperature"])
def test_steps_are_a_function_of_seed_and_epoch(strategy: str) -> None:
    sizes = (60, 30)
    first = plain(sampler(*sizes, batch_size=4, sampling=strategy, seed=5).steps(2))
    again = sampler(*sizes, batch_size=4, sampling=strategy, seed=5)
    again.steps(1)
    assert plain(again.steps(2)) == first, "an epoch does not depend on those before it"
    assert plain(again.steps(3)) != first
    assert plain(sampler(*sizes, batch_size=4, sampling=strategy, seed=6).steps(2)) != first


@pytest.mark.parametrize("strategy", ["proportional", "alternating", "round_robin", "temperature"])
def test_a_single_set_of_a_single_row(strategy: str) -> None:
    assert plain(sampler(1, batch_size=8, sampling=strategy).steps(1)) == [[(0, [0])]]
