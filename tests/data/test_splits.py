from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polyhead.data.example import Example
from polyhead.data.readers import Sample
from polyhead.data.splits import sample, share
from polyhead.errors import UserError
from polyhead.kinds import EntitySpan

WHERE = "data.news.train"


def rows(classes: str) -> list[Example]:
    """An example a letter, its class; ``.`` has none."""
    labels: list[dict[str, str]] = [{} if letter == "." else {"topic": letter} for letter in classes]
    return [Example(f"text {number}", label) for number, label in enumerate(labels)]


def classes_of(examples: list[Example]) -> Counter[str]:
    return Counter(str(example.labels.get("topic", ".")) for example in examples)


def numbers(examples: list[Example]) -> list[int]:
    return [int(example.text.removeprefix("text ")) for example in examples]


MIXED = rows("aaaaaaaabbbbcccc" * 5)


def test_per_class_takes_as_many_of_each() -> None:
    chosen = sample(MIXED, Sample(per_class=7), seed=13, where=WHERE)
    assert classes_of(chosen) == {"a": 7, "b": 7, "c": 7}
    assert numbers(chosen) == sorted(set(numbers(chosen)))


def test_rows_takes_as_many_in_all() -> None:
    chosen = sample(MIXED, Sample(rows=30), seed=13, where=WHERE)
    assert len(chosen) == 30
    assert numbers(chosen) == sorted(set(numbers(chosen)))


@pytest.mark.parametrize("wanted", [Sample(per_class=5), Sample(rows=20)])
def test_samples_depend_on_the_seed_alone(wanted: Sample) -> None:
    first, again, other = (sample(MIXED, wanted, seed=seed, where=WHERE) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_all_rows_can_be_asked_for() -> None:
    assert sample(MIXED, Sample(rows=len(MIXED)), seed=1, where=WHERE) == MIXED


def test_too_many_rows_are_refused() -> None:
    with pytest.raises(UserError, match=r"^data\.news\.train: sample asks for 81 rows, but there are 80$"):
        sample(MIXED, Sample(rows=81), seed=1, where=WHERE)


def test_too_many_rows_of_a_class_are_refused_by_its_name() -> None:
    with pytest.raises(UserError, match=r"^data\.news\.train: sample asks for 21 rows a class, but b has 20$"):
        sample(MIXED, Sample(per_class=21), seed=1, where=WHERE)


def test_per_class_needs_classes() -> None:
    tagged = [Example(f"text {number}", {"ner": (EntitySpan(0, 4, "X"),)}) for number in range(4)]
    with pytest.raises(UserError, match="sample per_class needs a task with classes; use rows"):
        sample(tagged, Sample(per_class=1), seed=1, where=WHERE)


def test_rows_without_a_label_are_no_class() -> None:
    chosen = sample(rows("aaabbb."), Sample(per_class=2), seed=1, where=WHERE)
    assert classes_of(chosen) == {"a": 2, "b": 2}


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="abc.", max_size=60), st.floats(0.01, 0.99), st.integers(0, 5))
def test_shares_are_disjoint_complete_and_alike_in_every_class(classes: str, part: float, seed: int) -> None:
    examples = rows(classes)
    rest, taken = share(examples, part, seed=seed)
    assert sorted(numbers(rest) + numbers(taken)) == list(range(len(examples)))
    assert numbers(rest) == sorted(numbers(rest))
    assert numbers(taken) == sorted(numbers(taken))
    scarce = [label for label in classes_of(examples) if classes_of(rest)[label] == 1]
    assert scarce or abs(len(taken) - len(examples) * part) <= 0.5 + 1e-6
    for label, count in classes_of(examples).items():
        assert classes_of(rest)[label] >= 1, "what can be learned is in training data"
        assert scarce or abs(classes_of(taken)[label] - count * part) <= 1 + 1e-6


def test_a_share_of_many_rows_is_exact() -> None:
    rest, taken = share(MIXED, 0.25, seed=3)
    assert classes_of(taken) == {"a": 10, "b": 5, "c": 5}
    assert classes_of(rest) == {"a": 30, "b": 15, "c": 15}


def test_shares_depend_on_the_seed_alone() -> None:
    first, again, other = (share(MIXED, 0.5, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_a_share_is_not_the_beginning_of_the_file() -> None:
    _, taken = share(rows("a" * 100), 0.2, seed=1)
    assert numbers(taken) != list(range(20))


def test_rows_without_classes_are_shared_too() -> None:
    tagged = [Example(f"text {number}", {"ner": ()}) for number in range(10)]
    rest, taken = share(tagged, 0.3, seed=1)
    assert (len(rest), len(taken)) == (7, 3)


def test_a_class_found_after_other_tasks_counts() -> None:
    """The first label that is a name makes the class, whatever stands before it."""
    mixed = [Example(f"text {number}", {"ner": (), "topic": "ab"[number % 2]}) for number in range(20)]
    _, taken = share(mixed, 0.5, seed=1)
    assert classes_of(taken) == {"a": 5, "b": 5}
