"""Labels of every kind as files write them: several labels, numbers, pairs of texts, rows that are chosen."""

import json
from pathlib import Path
from typing import Any

import pytest

from polyhead.data.example import Example
from polyhead.data.faults import FaultLog
from polyhead.data.read import read
from polyhead.data.readers import SOURCES
from polyhead.errors import UserError
from polyhead.kinds import EntitySpan, MultilabelTask, PairsTask, RegressionTask, SimilarityTask, TaggingTask, Task

TASKS: dict[str, Task] = {
    "marks": MultilabelTask(), "size": RegressionTask(range=(-1, 9)), "alike": SimilarityTask(range=(0, 5)),
    "ranked": PairsTask(), "ner": TaggingTask(),
}  # fmt: skip


def rows(folder: Path, form: str, content: str, tasks: dict[str, Any], **layout: Any) -> list[Example]:
    (folder / "f").write_text(content, encoding="utf-8")
    source = SOURCES[form].model_validate({"format": form, "path": "f", "tasks": tasks, **layout})
    return list(read(source, TASKS, root=folder, log=FaultLog()))


def jsonl(*lines: dict[str, Any]) -> str:
    return "".join(json.dumps({"text": "a", **line}) + "\n" for line in lines)


@pytest.mark.parametrize(
    ("form", "content", "binding", "wanted"),
    [
        ("jsonl", jsonl({"marks": ["x", "y", "x"]}, {"marks": []}, {"marks": None}, {}), {},
         [("x", "y"), (), None, None]),
        ("jsonl", jsonl({"marks": "x"}, {"marks": 3}), {}, [("x",), ("3",)]),
        ("jsonl", jsonl({"marks": {"x": 1, "y": 0, "z": 0.7}}), {}, [("x", "z")]),
        ("jsonl", jsonl({"m": ["x"]}, {}), {"label": "m", "empty_if_missing": True}, [("x",), ()]),
        ("jsonl", jsonl({"marks": [1, 2]}), {"labels": {1: "one", 2: "two"}}, [("one", "two")]),
        ("csv", "text,marks\na,x| y\nb,\nc,z\n", {"separator": "|"}, [("x", "y"), (), ("z",)]),
        ("csv", "text,x,y\na,1,0\nb,0,0\nc,1.0,true\n", {"label": ["x", "y"]}, [("x",), (), ("x", "y")]),
        ("spacy", json.dumps([["a", {"cats": {"x": 1, "y": 1}}]]), {}, [("x", "y")]),
        ("doccano", jsonl({"labels": ["x", "y"]}), {}, [("x", "y")]),
        ("prodigy", jsonl({"accept": ["x", "y"]}), {}, [("x", "y")]),
    ],
)  # fmt: skip
def test_several_labels(
    tmp_path: Path, form: str, content: str, binding: dict[str, Any], wanted: list[tuple[str, ...] | None]
) -> None:
    assert [row.labels.get("marks") for row in rows(tmp_path, form, content, {"marks": binding})] == wanted


@pytest.mark.parametrize(
    ("content", "tasks", "says"),
    [
        (jsonl({"marks": [["x"]]}), {"marks": {}}, r"f:1: marks must be a list of labels for task marks, found"),
        (jsonl({"x": 1, "y": 7}), {"marks": {"label": ["x", "y"]}}, r"f:1: y must be 1 or 0 \(or true or false\)"),
        (jsonl({"x": 1}), {"marks": {"label": ["x", "z"]}}, r"f:1: no field 'z' for task marks"),
        (jsonl({"size": 10}), {"size": {}}, r"f:1: size must be a number from -1 to 9, as the task's range says"),
        (jsonl({"size": "big"}), {"size": {}}, r"f:1: size must be a number from -1 to 9.*; found 'big'"),
        (jsonl({"size": True}), {"size": {}}, r"f:1: size must be a number"),
        (jsonl({"size": "nan"}), {"size": {}}, r"f:1: size must be a number"),
        (jsonl({}), {"ranked": {}}, r"f:1: task ranked needs two texts or more a row"),
    ],
)
def test_labels_that_are_wrong(tmp_path: Path, content: str, tasks: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        rows(tmp_path, "jsonl", content, tasks)


def test_numbers_and_pairs_of_texts(tmp_path: Path) -> None:
    content = "a,b,0.5\nc,d,5\ne,,3\nf,g,\n"
    layout = {"columns": ["one", "two", "score"], "text": "one", "text_pair": "two"}
    found = rows(tmp_path, "csv", content, {"alike": {"label": "score"}, "ranked": {}}, **layout)
    assert [(row.text, row.others, dict(row.labels)) for row in found] == [
        ("a", ("b",), {"alike": 0.5, "ranked": 2}),
        ("c", ("d",), {"alike": 5.0, "ranked": 2}),
        ("f", ("g",), {"ranked": 2}),
    ]  # fmt: skip


def test_negatives_may_be_fields_or_a_list(tmp_path: Path) -> None:
    content = jsonl({"p": "b", "n": ["c", "d"]}, {"p": "b", "n": []}, {"p": "b", "n": "c"})
    found = rows(tmp_path, "jsonl", content, {"ranked": {}}, text_pair=["p", "n"])
    assert [row.others for row in found] == [("b", "c", "d"), ("b",), ("b", "c")]
    assert [row.labels["ranked"] for row in found] == [4, 2, 3]


def test_rows_can_be_chosen_by_their_fields(tmp_path: Path) -> None:
    content = jsonl({"part": "train", "n": 1}, {"part": "test", "n": 1}, {"part": "train", "n": 2})
    assert len(rows(tmp_path, "jsonl", content, {}, where={"part": "train"})) == 2
    assert len(rows(tmp_path, "jsonl", content, {}, where={"part": "train", "n": 2})) == 1
    with pytest.raises(UserError, match=r"f: the file has no rows of \{'part': 'dev'\}"):
        rows(tmp_path, "jsonl", content, {}, where={"part": "dev"})
    with pytest.raises(UserError, match=r"f:1: no field 'split' for where"):
        rows(tmp_path, "jsonl", content, {}, where={"split": "dev"})


def test_spans_may_be_a_mapping_from_types(tmp_path: Path) -> None:
    content = json.dumps([
        {"text": "9 am to 10 am", "ner": {"from": {"text": "9 am", "span": [0, 4]}, "to": [{"start": 8, "end": 13}]}},
        {"text": "no slots"},
    ])  # fmt: skip
    found = rows(tmp_path, "json", content, {"ner": {"empty_if_missing": True}})
    assert [row.labels["ner"] for row in found] == [(EntitySpan(0, 4, "from"), EntitySpan(8, 13, "to")), ()]
