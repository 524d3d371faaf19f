import math

import pytest

from polyhead.errors import UserError
from polyhead.evaluation import Report, TaskReport
from polyhead.kinds import ClassificationTask, TaggingTask, Task
from polyhead.training.selection import Selection, check_score, score_of

TASKS: dict[str, Task] = {"topic": ClassificationTask(), "ner": TaggingTask()}
REPORT = Report(
    {
        "topic": TaskReport(9, {"accuracy": 0.8, "f1_macro": 0.6}),
        "ner": TaskReport(5, {"span_f1": 0.4, "span_recall": 0.3}),
    }
)


def test_the_default_score_is_the_mean_of_first_metrics() -> None:
    assert score_of(None, TASKS, REPORT, 9.0) == pytest.approx((0.8 + 0.4) / 2)


def test_tasks_without_validation_labels_do_not_count_by_default() -> None:
    assert score_of(None, TASKS, Report({"ner": REPORT.tasks["ner"]}), 9.0) == pytest.approx(0.4)


def test_a_metric_by_its_name() -> None:
    assert score_of("topic.f1_macro", TASKS, REPORT, 9.0) == pytest.approx(0.6)


def test_a_weighted_mean_of_metrics() -> None:
    score = score_of({"topic.accuracy": 1, "ner.span_f1": 3}, TASKS, REPORT, 9.0)
    assert score == pytest.approx((0.8 + 3 * 0.4) / 4)


def test_a_smaller_loss_is_a_better_score() -> None:
    assert score_of("loss", TASKS, REPORT, 0.5) > score_of("loss", TASKS, REPORT, 0.7)
    assert score_of({"loss": 1, "topic.accuracy": 1}, TASKS, REPORT, 0.2) == pytest.approx((0.8 - 0.2) / 2)


@pytest.mark.parametrize("score", [None, "topic.accuracy", {"ner.span_f1": 1, "topic.accuracy": 1}])
def test_without_validation_labels_there_is_no_score(score: str | dict[str, float] | None) -> None:
    assert math.isnan(score_of(score, TASKS, Report({}), 0.0))


@pytest.mark.parametrize("score", [None, "loss", "topic.matthews", "ner.piece_accuracy", {"loss": 1, "ner.span_f1": 2}])
def test_metrics_of_the_tasks_are_good_scores(score: str | dict[str, float] | None) -> None:
    check_score(score, TASKS)
    with pytest.raises(UserError) as refused:
        check_score("nothing", TASKS)
    offered = str(refused.value).partition("; found")[0].split("must be of ")[1].split(", ")
    assert {*([score] if isinstance(score, str) else score or ())} <= {*offered}, "an error offers them"


@pytest.mark.parametrize("score", ["accuracy", "topic.span_f1", "other.accuracy", "topic", {"loss": 1, "x.y": 1}])
def test_other_scores_are_refused(score: str | dict[str, float]) -> None:
    with pytest.raises(UserError, match=r"^training\.score: must be of loss, topic\.accuracy, .*; found '"):
        check_score(score, TASKS)


@pytest.mark.parametrize("score", [{"topic.accuracy": 0.0}, {"topic.accuracy": 1.0, "loss": -1.0}, {}])
def test_weights_that_come_to_nothing_are_refused(score: dict[str, float]) -> None:
    """Before the training, not by a division after its first epoch."""
    with pytest.raises(UserError, match=r"training\.score"):
        check_score(score, TASKS)


def test_only_a_greater_score_is_better() -> None:
    selection = Selection(None)
    assert [selection.update(score) for score in (0.1, 0.3, 0.3, 0.2, 0.4)] == [True, True, False, False, True]
    assert selection.best == 0.4
    assert not selection.exhausted


def test_scores_may_be_negative() -> None:
    selection = Selection(None)
    assert [selection.update(score) for score in (-3.0, -2.0, -2.5)] == [True, True, False]


def test_patience_counts_epochs_without_a_better_score_in_a_row() -> None:
    selection = Selection(2)
    ends = []
    for score in (0.5, 0.4, 0.6, 0.5, 0.6):
        selection.update(score)
        ends.append(selection.exhausted)
    assert ends == [False, False, False, False, True]


def test_without_validation_the_last_epoch_is_the_best() -> None:
    selection = Selection(1)
    assert [selection.update(math.nan) for _ in range(3)] == [True, True, True]
    assert not selection.exhausted


def test_a_diverged_epoch_does_not_take_the_place_of_a_good_one() -> None:
    """A loss of NaN after one that was a number."""
    selection = Selection(1)
    assert selection.update(-0.5)
    assert not selection.update(math.nan)
    assert selection.exhausted


def test_the_first_epoch_is_the_best_so_far_however_bad() -> None:
    assert Selection(None).update(-math.inf)
