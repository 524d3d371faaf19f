"""When stages begin, and the schedule over them."""

from math import nan

import pytest

from polyhead.training.plans import Stage
from polyhead.training.plans.overview import earliest
from polyhead.training.settings import TrainingSettings
from polyhead.training.staging import Staging

ONE, TWO, THREE = (frozenset("abc"[:count]) for count in (1, 2, 3))


def staging_of(*stages: Stage, epochs: int = 6, **settings: object) -> Staging:
    return Staging(stages, TrainingSettings.model_validate({"epochs": epochs, **settings}), epoch=10)


def begun(staging: Staging, scores: list[float]) -> list[int]:
    """The stage that each epoch's end leaves."""
    found = []
    for number, score in enumerate(scores, 1):
        staging.epoch_ended(10 * number, score)
        found.append(staging.number)
    return found


def test_stages_begin_with_their_epochs() -> None:
    staging = staging_of(Stage(ONE), Stage(TWO, 3), Stage(THREE, 4))
    assert begun(staging, [0.1, 0.2, 0.3, 0.4]) == [0, 1, 2, 2]
    assert staging.began == 30
    assert staging.last


def test_a_stage_ends_once_it_stops_improving() -> None:
    staging = staging_of(Stage(ONE), Stage(TWO, None, 2), Stage(THREE, None, 1))
    assert begun(staging, [0.1, 0.3, 0.3, 0.2, 0.4, 0.4]) == [0, 0, 0, 1, 1, 2]


def test_a_stage_begins_at_the_latest_after_its_share_of_the_epochs() -> None:
    staging = staging_of(Stage(ONE), Stage(TWO, None, 1, latest=0.5), epochs=6)
    assert begun(staging, [0.1, 0.2, 0.3, 0.4]) == [0, 0, 1, 1]


def test_an_epoch_without_a_score_is_no_better_one() -> None:
    staging = staging_of(Stage(ONE), Stage(TWO, None, 1))
    assert begun(staging, [0.5, nan]) == [0, 1]


def test_rates_warm_up_with_every_stage_hold_and_decay_over_the_last() -> None:
    staging = staging_of(Stage(ONE), Stage(TWO, 3), epochs=4, warmup_steps=0.2)
    assert [staging.factor(step) for step in (0, 1, 2, 15)] == pytest.approx([1 / 3, 2 / 3, 1, 1])
    begun(staging, [0.1, 0.2])
    assert [staging.factor(step) for step in (20, 23, 24, 32, 40)] == pytest.approx([0.2, 0.8, 1, 0.5, 0])


def test_a_single_stage_has_the_plain_schedule() -> None:
    staging = staging_of(Stage(ONE), epochs=2, warmup_steps=4)
    assert [staging.factor(step) for step in (0, 4, 12, 20)] == pytest.approx([0.2, 1, 0.5, 0])


@pytest.mark.parametrize("latest", [1.0, 0.5])
@pytest.mark.parametrize("patience", [1, 2, 3])
@pytest.mark.parametrize("epochs", [1, 2, 3, 4, 5, 8])
def test_the_earliest_that_stages_begin_is_when_no_score_is_ever_better(
    epochs: int, patience: int, latest: float
) -> None:
    stages = [Stage(ONE), *(Stage(each, None, patience, latest) for each in (TWO, THREE))]
    staging = staging_of(*stages, epochs=epochs)
    left = begun(staging, [0.5] * (epochs - 1))  # the run ends with its last epoch, and no stage begins
    began = [next((epoch for epoch, now in enumerate(left, 2) if now == number), None) for number in (1, 2)]
    expected = [epoch if epoch <= epochs else None for epoch in earliest(stages, epochs)[1:]]
    assert began == expected


def test_its_state_goes_on() -> None:
    stages = (Stage(ONE), Stage(TWO, None, 2), Stage(THREE, None, 1))
    scores = [0.1, 0.3, 0.3, 0.2, 0.4, 0.4]
    for stop in range(len(scores)):
        staging = staging_of(*stages)
        before = begun(staging, scores[:stop])
        again = Staging(stages, TrainingSettings(epochs=6), epoch=10, state=staging.state())
        found = [
            again.epoch_ended(10 * number, scores[number - 1]) or again for number in range(stop + 1, len(scores) + 1)
        ]
        assert len(found) == len(scores) - stop
        assert (before, again.number) == ([0, 0, 0, 1, 1, 2][:stop], 2)
        assert again.began == 60
