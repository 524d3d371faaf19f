import json
from pathlib import Path
from typing import Any

import pytest

from polyhead.data.example import Example
from polyhead.data.faults import FaultLog
from polyhead.data.read import read
from polyhead.data.readers import SOURCES
from polyhead.errors import UserError
from polyhead.kinds import ClassificationTask, EntitySpan, TaggingTask, Task

TASKS: dict[str, Task] = {"topic": ClassificationTask(), "ner": TaggingTask()}
TEXT = "Ada met Bo"


def examples(
    folder: Path, given: list[dict[str, Any]], task: str, binding: dict[str, Any], **settings: Any
) -> tuple[list[Example], FaultLog]:
    """What a JSONL file ``f`` with these rows is read as, for one task."""
    (folder / "f").write_text("".join(json.dumps(row) + "\n" for row in given), encoding="utf-8")
    log = FaultLog()
    source = SOURCES["jsonl"].model_validate({"format": "jsonl", "path": "f", "tasks": {task: binding}, **settings})
    return list(read(source, TASKS, root=folder, log=log)), log


def topic(folder: Path, label: Any, binding: dict[str, Any] | None = None) -> Any:
    [example], log = examples(folder, [{"text": "a", "topic": label}], "topic", binding or {})
    assert not log.counts
    return example.labels.get("topic", "missing")


def spans(folder: Path, *given: Any, text: str = TEXT, **binding: Any) -> tuple[Any, list[str]]:
    """The entities that are kept of these, and the lines of the log."""
    [example], log = examples(folder, [{"text": text, "ner": list(given)}], "ner", binding)
    return example.labels["ner"], list(log.lines())


def span(start: int, end: int, name: str = "PER", **more: Any) -> dict[str, Any]:
    return {"start": start, "end": end, "type": name, **more}


def tags(folder: Path, given: list[Any], binding: dict[str, Any] | None = None) -> list[tuple[str, str]]:
    """Words and types of the entities that tags say; the words are a, b, c …"""
    words = [chr(ord("a") + number) for number in range(len(given))]
    row = {"words": words, "tags": given}
    [example], log = examples(folder, [row], "ner", {"tags": "tags", **(binding or {})}, words="words")
    assert not log.counts
    return [(example.text[each.start : each.end], each.type) for each in example.labels["ner"]]


@pytest.mark.parametrize(("value", "label"), [("x", "x"), (3, "3"), (0, "0"), (1.5, "1.5"), (True, "true")])
def test_labels_travel_by_name(tmp_path: Path, value: Any, label: str) -> None:
    assert topic(tmp_path, value) == label


@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_label_is_left_out(tmp_path: Path, value: Any) -> None:
    assert topic(tmp_path, value) == "missing"


def test_the_label_stands_under_the_tasks_name_or_the_bound_field(tmp_path: Path) -> None:
    row = {"text": "a", "topic": "x", "label": "y"}
    assert examples(tmp_path, [row], "topic", {})[0][0].labels == {"topic": "x"}
    assert examples(tmp_path, [row], "topic", {"label": "label"})[0][0].labels == {"topic": "y"}


@pytest.mark.parametrize(
    ("value", "mapped"),
    [(1, {1: "World", 2: "Sports"}), ("1", {1: "World"}), (1, {"1": "World"}), ("w", {"w": "World", "x": "World"})],
)
def test_labels_are_mapped(tmp_path: Path, value: Any, mapped: dict[Any, str]) -> None:
    assert topic(tmp_path, value, {"labels": mapped}) == "World"


def test_true_and_false_can_be_mapped(tmp_path: Path) -> None:
    """As YAML reads ``{true: spam, false: fine}``."""
    assert topic(tmp_path, True, {"labels": {True: "spam", False: "fine"}}) == "spam"


def test_a_missing_label_needs_no_map(tmp_path: Path) -> None:
    assert topic(tmp_path, None, {"labels": {"a": "b"}}) == "missing"


def test_a_label_outside_the_map_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^f:1: task topic maps the labels 1, 2; found '3'$"):
        topic(tmp_path, 3, {"labels": {1: "a", 2: "b"}})


@pytest.mark.parametrize("value", [["x"], {"a": 1}])
def test_a_label_must_be_one_value(tmp_path: Path, value: Any) -> None:
    with pytest.raises(UserError, match=r"^f:1: topic must be one label for task topic, found"):
        topic(tmp_path, value)


def test_a_field_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^f:1: no field 'kind' for task topic; there are: 'text, topic'$"):
        topic(tmp_path, "x", {"label": "kind"})
    with pytest.raises(UserError, match=r"^f:1: no field 'marks' for task ner; there are: 'text, ner'$"):
        spans(tmp_path, spans="marks")


def test_spans_are_kept_in_order(tmp_path: Path) -> None:
    kept, log = spans(tmp_path, span(8, 10), span(0, 3, text="Ada"))
    assert kept == (EntitySpan(0, 3, "PER"), EntitySpan(8, 10, "PER"))
    assert log == []


def test_an_empty_list_of_spans_is_a_label_and_null_is_none(tmp_path: Path) -> None:
    given: list[dict[str, Any]] = [{"text": "a", "ner": []}, {"text": "b", "ner": None}]
    found, _ = examples(tmp_path, given, "ner", {})
    assert [example.labels for example in found] == [{"ner": ()}, {}]


@pytest.mark.parametrize(("start", "end"), [(0, 11), (-1, 3), (3, 3), (5, 4), (10, 12)])
def test_spans_out_of_range_are_counted(tmp_path: Path, start: int, end: int) -> None:
    kept, log = spans(tmp_path, span(start, end), span(0, 3))
    assert kept == (EntitySpan(0, 3, "PER"),)
    assert log[0] == "ner: spans out of range, left out: 1"
    assert log[1].startswith(f"    f:1: {{'start': {start}, 'end': {end}")
    assert "10 characters" in log[1]


def test_offsets_are_characters_not_bytes_or_utf16_units(tmp_path: Path) -> None:
    kept, log = spans(tmp_path, span(3, 5, text="Bo"), text="😀é Bo")
    assert kept == (EntitySpan(3, 5, "PER"),)
    assert log == []


def test_spans_whose_text_is_elsewhere_are_counted(tmp_path: Path) -> None:
    kept, log = spans(tmp_path, span(0, 3, text="Bo"), span(8, 10, text="Bo"))
    assert kept == (EntitySpan(8, 10, "PER"),)
    assert log[0] == "ner: spans whose text is elsewhere, left out: 1"
    assert log[1].startswith("    f:1: ")
    assert log[1].endswith("but there stands 'Ada'")


def test_of_overlapping_spans_the_first_and_longest_is_kept_and_the_others_counted(tmp_path: Path) -> None:
    kept, log = spans(tmp_path, span(0, 3, "A"), span(0, 7, "B"), span(4, 10, "C"), span(8, 10, "D"))
    assert kept == (EntitySpan(0, 7, "B"), EntitySpan(8, 10, "D"))
    assert "overlapping spans" in log[0]
    assert log[0].endswith(": 2")
    assert log[1:] == ["    f:1: 'Ada' at 0-3", "    f:1: 'met Bo' at 4-10"]


def test_one_place_with_two_types_overlaps(tmp_path: Path) -> None:
    kept, log = spans(tmp_path, span(0, 3, "A"), span(0, 3, "B"))
    assert len(kept) == 1
    assert "overlapping spans" in log[0]


def test_spans_that_touch_do_not_overlap(tmp_path: Path) -> None:
    kept, log = spans(tmp_path, span(0, 3), span(3, 7))
    assert len(kept) == 2
    assert log == []


def test_only_the_first_places_of_an_oddity_are_shown(tmp_path: Path) -> None:
    _, log = spans(tmp_path, *[span(0, 50 + number) for number in range(8)])
    assert log[0].endswith(": 8")
    assert len(log) == 7
    assert log[-1] == "    … and 3 more"


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ([0, "PER"], r"a span of task ner must be an object or \[start, end, type\], found \[0, 'PER'\]"),
        ([0, "3", "PER"], "must have start"),
        ("PER", "must be an object or .*, found 'PER'"),
        ({"start": 0, "type": "PER"}, "must have start/start_offset and end/end_offset and type/label"),
        ({"start": "0", "end": 3, "type": "PER"}, "must have start"),
        ({"start": 0, "end": 3.0, "type": "PER"}, "must have start"),
        ({"start": 0, "end": 3, "type": 4}, "must have start"),
        ({"start": False, "end": True, "type": "PER"}, "must have start"),
    ],
)
def test_spans_of_another_shape_are_faults(tmp_path: Path, value: Any, says: str) -> None:
    with pytest.raises(UserError, match=rf"^f:1: .*{says}"):
        spans(tmp_path, value)


def test_named_span_keys_are_the_only_ones(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="must have von and end/end_offset and type/label"):
        spans(tmp_path, span(0, 3), start="von")


def test_a_field_of_spans_must_be_a_list(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^f:1: ner must be a list of spans for task ner, found"):
        examples(tmp_path, [{"text": TEXT, "ner": 3}], "ner", {})


def test_types_of_spans_are_mapped(tmp_path: Path) -> None:
    kept, _ = spans(tmp_path, span(0, 3, "p"), labels={"p": "Person"})
    assert kept == (EntitySpan(0, 3, "Person"),)
    with pytest.raises(UserError, match=r"^f:1: task ner maps the labels p; found 'PER'"):
        spans(tmp_path, span(0, 3), labels={"p": "Person"})


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("O O", []),
        ("B-PER I-PER O B-LOC", [("a b", "PER"), ("d", "LOC")]),
        ("B-PER B-PER", [("a", "PER"), ("b", "PER")]),
        ("I-PER I-PER O I-PER", [("a b", "PER"), ("d", "PER")]),
        ("I-PER B-PER I-PER I-LOC", [("a", "PER"), ("b c", "PER"), ("d", "LOC")]),
        ("PER PER O LOC", [("a b", "PER"), ("d", "LOC")]),
    ],
    ids=["none", "IOB2", "IOB2, touching", "IOB1", "IOB1, touching", "IO"],
)
def test_schemes_of_tags(tmp_path: Path, given: str, found: list[tuple[str, str]]) -> None:
    assert tags(tmp_path, given.split()) == found


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("S-PER O B-LOC E-LOC", [("a", "PER"), ("c d", "LOC")]),
        ("B-LOC I-LOC E-LOC S-LOC", [("a b c", "LOC"), ("d", "LOC")]),
        ("S-PER O", [("a", "PER")]),
    ],
)
def test_bioes_is_read_as_what_it_says(tmp_path: Path, given: str, found: list[tuple[str, str]]) -> None:
    assert tags(tmp_path, given.split()) == found


def test_types_of_tags_are_mapped(tmp_path: Path) -> None:
    assert tags(tmp_path, ["B-p", "I-p", "O"], {"labels": {"p": "Person"}}) == [("a b", "Person")]
    with pytest.raises(UserError, match=r"^f:1: task ner maps the labels p; found 'q'"):
        tags(tmp_path, ["B-p", "B-q"], {"labels": {"p": "Person"}})


def test_a_missing_list_of_tags_is_a_missing_label(tmp_path: Path) -> None:
    """As a missing list of spans and a missing class are."""
    given: list[dict[str, Any]] = [{"words": ["a"], "tags": None}, {"words": ["b"], "tags": ["B-PER"]}]
    found, _ = examples(tmp_path, given, "ner", {"tags": "tags"}, words="words")
    assert [example.labels for example in found] == [{}, {"ner": (EntitySpan(0, 1, "PER"),)}]


@pytest.mark.parametrize("given", [["O"], ["O", "O", "O"], "O O"])
def test_there_must_be_a_tag_for_each_word(tmp_path: Path, given: Any) -> None:
    with pytest.raises(UserError, match=r"^f:1: task ner needs a tag for each word in 'tags'; found "):
        examples(tmp_path, [{"words": ["a", "b"], "tags": given}], "ner", {"tags": "tags"}, words="words")
    with pytest.raises(UserError, match=r"^f:1: no field 'tags' for task ner; there are: 'words, marks'"):
        examples(tmp_path, [{"words": ["a", "b"], "marks": given}], "ner", {"tags": "tags"}, words="words")


def test_words_may_have_spans_instead_of_tags(tmp_path: Path) -> None:
    row = {"words": ["Ada", "met", "Bo"], "marks": [span(8, 10)]}
    [example], _ = examples(tmp_path, [row], "ner", {"spans": "marks"}, words="words")
    assert example.labels["ner"] == (EntitySpan(8, 10, "PER"),)
    assert example.words == [(0, 3), (4, 7), (8, 10)]
