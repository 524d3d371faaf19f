import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydantic import ValidationError

from polyhead.api.heads import new_task
from polyhead.documents import Document
from polyhead.errors import UserError
from polyhead.kinds import IGNORED, KINDS, ClassificationTask, label_order
from polyhead.kinds.base import check_task_name, softmax

DOCUMENT = Document("a text", {}, tokens=4)
TASK = ClassificationTask(labels=("sun", "rain", "snow"))


def logits(*values: float) -> np.ndarray:
    return np.asarray(values, dtype=np.float32)


def test_the_most_probable_label_comes_first() -> None:
    prediction = TASK.decode(logits(0.0, 2.0, 1.0), DOCUMENT)
    assert prediction.label == "rain"
    assert [each.label for each in prediction.scores] == ["rain", "snow", "sun"]
    total = 1 + np.e + np.e**2
    assert [each.score for each in prediction.scores] == pytest.approx([np.e**2 / total, np.e / total, 1 / total])
    assert prediction.score == prediction.scores[0].score


def test_ties_go_to_the_label_that_comes_first() -> None:
    assert TASK.decode(logits(1.0, 1.0, 1.0), DOCUMENT).label == "sun"
    assert [each.label for each in TASK.decode(logits(0.0, 1.0, 1.0), DOCUMENT).scores] == ["rain", "snow", "sun"]


@settings(max_examples=100, deadline=None)
@given(arrays(np.float32, 3, elements=st.floats(-1e4, 1e4, width=32)))
def test_scores_are_probabilities_in_falling_order(values: np.ndarray) -> None:
    scores = [each.score for each in TASK.decode(values, DOCUMENT).scores]
    assert sum(scores) == pytest.approx(1, abs=1e-5)
    assert scores == sorted(scores, reverse=True)


def test_softmax_of_huge_logits_is_finite() -> None:
    assert softmax(logits(1e30, 0.0)).tolist() == [1.0, 0.0]


def test_as_dict_is_plain() -> None:
    row = TASK.decode(logits(9.0, 0.0, 0.0), DOCUMENT).as_dict()
    assert row["label"] == row["scores"][0]["label"] == "sun"
    assert all(type(each["score"]) is float for each in row["scores"])


def test_targets() -> None:
    assert TASK.target("snow", DOCUMENT).tolist() == 2
    assert TASK.target("snow", DOCUMENT).shape == ()
    assert TASK.missing_target(DOCUMENT).tolist() == IGNORED
    assert TASK.missing_target(DOCUMENT).shape == ()


def test_outputs_and_labels() -> None:
    assert TASK.outputs == ("sun", "rain", "snow")
    assert TASK.splitter is None
    assert list(TASK.labels_of("rain")) == ["rain"]


def test_settings_round_trip_through_json() -> None:
    kept = TASK.model_dump(mode="json")
    assert KINDS[kept["kind"]].model_validate(kept) == TASK


@pytest.mark.parametrize(
    "wrong",
    [{"labels": ["a", "a"]}, {"weight": 0}, {"dropout": 1}, {"input": "tokens"}, {"kind": "tagging"}, {"label": ["a"]}],
)
def test_wrong_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ClassificationTask.model_validate(wrong)


@pytest.mark.parametrize(
    ("found", "order"),
    [
        (["b", "a", "C"], ["C", "a", "b"]),
        (["10", "9", "-1"], ["-1", "9", "10"]),
        (["10", "9", "x"], ["10", "9", "x"]),
        ([], []),
        (["--5", "3"], ["--5", "3"]),
    ],
)
def test_order_of_inferred_labels(found: list[str], order: list[str]) -> None:
    assert list(label_order(found)) == order


@pytest.mark.parametrize("name", ["topic", "ner_fine-2", "0"])
def test_good_task_names(name: str) -> None:
    check_task_name(name)
    assert new_task(name, "classification", ["a"], {}, {}).labels == ("a",)


@pytest.mark.parametrize("name", ["Topic", "a b", "", "a/b", "topic\n", "embedding", "thème"])
def test_bad_task_names(name: str) -> None:
    with pytest.raises(UserError, match="a task's name must match"):
        check_task_name(name)
