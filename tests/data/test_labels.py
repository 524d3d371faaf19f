from collections.abc import Mapping
from typing import Any

import pytest

from polyhead.data.example import Example
from polyhead.data.faults import FaultLog
from polyhead.data.labels import check_labels, infer_labels
from polyhead.data.survey import survey
from polyhead.errors import UserError
from polyhead.kinds import ClassificationTask, EntitySpan, TaggingTask, Task
from polyhead.text.words import join_words

TASKS: dict[str, Task] = {"topic": ClassificationTask(), "ner": TaggingTask()}


def entity(start: int, end: int, name: str = "PER") -> EntitySpan:
    return EntitySpan(start, end, name)


def inferred(tasks: Mapping[str, Task], *labels: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    log = FaultLog()
    found = infer_labels(tasks, [survey([Example("text", each) for each in labels], tasks, log)], log)
    log.stop()
    return {name: task.labels for name, task in found.items()}


def misaligned(example: Example) -> list[str]:
    log = FaultLog()
    survey([example], TASKS, log)
    return list(log.lines())


def test_labels_are_those_of_the_data_in_a_stable_order() -> None:
    rows: list[dict[str, Any]] = [
        {"topic": "b"},
        {"topic": "a", "ner": (entity(0, 1, "PER"), entity(2, 3, "LOC"))},
        {"ner": ()},
        {},
    ]
    assert inferred(TASKS, *rows) == inferred(TASKS, *rows[::-1]) == {"topic": ("a", "b"), "ner": ("LOC", "PER")}


def test_numbers_are_ordered_by_value() -> None:
    assert inferred({"topic": ClassificationTask()}, *[{"topic": name} for name in ("10", "9", "0")]) == {
        "topic": ("0", "9", "10")
    }


def test_declared_labels_stay_as_they_are() -> None:
    task = ClassificationTask(labels=("z", "a"), weight=2)
    assert inferred({"topic": task}, {"topic": "a"}) == {"topic": ("z", "a")}


def test_settings_of_the_task_are_kept() -> None:
    tasks: dict[str, Task] = {"topic": ClassificationTask(weight=2)}
    [task] = infer_labels(tasks, [survey([Example("t", {"topic": "a"})], tasks, FaultLog())], FaultLog()).values()
    assert task == ClassificationTask(weight=2, labels=("a",))


def test_a_task_without_a_label_in_the_data_is_a_fault() -> None:
    with pytest.raises(UserError) as caught:
        inferred(TASKS, {"ner": ()})
    assert [fault.partition(":")[0] for fault in caught.value.faults] == ["task topic", "task ner"]
    assert "no row of the training data has a label for it" in caught.value.faults[0]


@pytest.mark.parametrize("name", ["B-PER", "I-PER", "O"])
def test_types_that_look_like_tags_are_faults(name: str) -> None:
    """Declared, they are refused; inferred, they would make a model that cannot be opened again."""
    with pytest.raises(UserError, match=name):
        inferred({"ner": TaggingTask()}, {"ner": (entity(0, 1, name),)})


def test_unknown_labels_are_faults_with_their_line() -> None:
    tasks: dict[str, Task] = {"topic": ClassificationTask(labels=("a", "b")), "ner": TaggingTask(labels=("PER",))}
    log = FaultLog()
    rows = [
        Example("text", {"topic": "a", "ner": (entity(0, 1),)}, source="f:1"),
        Example("text", {"topic": "c"}, source="f:2"),
        Example("text", {"ner": (entity(0, 1, "LOC"), entity(2, 3, "ORG"))}, source="f:3"),
    ]
    check_labels(tasks, survey(rows, tasks, log), log)
    with pytest.raises(UserError) as caught:
        log.stop()
    assert list(caught.value.faults) == [
        "f:2: task topic has the labels 'a, b'; found 'c'",
        "f:3: task ner has the labels 'PER'; found 'LOC'",
        "f:3: task ner has the labels 'PER'; found 'ORG'",
    ]


@pytest.mark.parametrize("spans", [(), (entity(0, 3),), (entity(0, 3), entity(8, 10)), (entity(0, 7),)])
def test_aligned_spans_are_no_oddity(spans: tuple[EntitySpan, ...]) -> None:
    assert misaligned(Example("Ada met Bo", {"ner": spans}, source="f:1")) == []


@pytest.mark.parametrize(("start", "end"), [(0, 2), (1, 3), (0, 5), (3, 7), (0, 4)])
def test_spans_that_cut_a_word_are_counted_with_their_place(start: int, end: int) -> None:
    spans = (entity(start, end), entity(8, 10))
    kind, place = misaligned(Example("Ada met Bo", {"ner": spans}, source="data.jsonl:7"))
    assert kind == "ner: spans that cut a word, its label unknown: 1"
    assert place.startswith(f"    data.jsonl:7: PER {start}-{end} in ")
    assert "Ada" in place


def test_a_span_over_no_word_at_all_is_counted() -> None:
    """It names nothing that could be learned or found, and so must not vanish in silence."""
    assert misaligned(Example("Ada  met", {"ner": (entity(3, 5),)}, source="f:1")) != []


def test_tags_of_given_words_fit_by_themselves() -> None:
    text, words = join_words(["Ada's", "cat"])
    assert misaligned(Example(text, {"ner": (entity(0, 5),)}, words, "f:1")) == []


def test_spans_that_cut_a_given_word_are_counted() -> None:
    text, words = join_words(["Ada's", "cat"])
    assert misaligned(Example(text, {"ner": (entity(0, 3),)}, words, "f:1")) != []
