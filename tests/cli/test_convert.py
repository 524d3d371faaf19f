"""``polyhead convert``: any format → JSONL, which reads back as the same examples."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from polyhead.cli import main
from polyhead.data.convert import as_row
from polyhead.data.faults import FaultLog
from polyhead.data.read import read
from polyhead.data.readers import SOURCES
from polyhead.kinds import ClassificationTask, MultilabelTask, RegressionTask, TaggingTask, Task

TASKS: dict[str, Task] = {
    "topic": ClassificationTask(), "ner": TaggingTask(), "marks": MultilabelTask(),
    "size": RegressionTask(range=(0, 9)),
}  # fmt: skip
TAGGED = "Ada\tB-PER\nLee\tI-PER\nmet\tO\nBo\tB-PER\n\nhi\tO\n"


def polyhead(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["polyhead", *map(str, arguments)])
    try:
        main()
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 0
    return 0


CASES: list[tuple[str, Any, list[str], dict[str, Any]]] = [
    ("f.csv", 'text,label\n"a, ""b""",x\nc,\n', ["--label", "topic=label"], {}),
    ("f.tsv", "c\tx\n", ["--label", "topic=second", "--text", "first", "--columns", "first, second"], {}),
    ("f.conll", TAGGED, ["--entities", "ner"], {"words": "words"}),
    ("f.txt", "[PER : Ada] met [PER : Bo]\n", ["--markup", "text", "--entities", "ner"], {}),
    ("f.jsonl", json.dumps({"text": "Ada 🙂 Bo", "labels": [[0, 3, "PER"], [6, 8, "PER"]]}) + "\n",
     ["--format", "doccano", "--entities", "ner"], {}),
    ("f.json", json.dumps([{"tokenized_text": ["Ada", "Lee"], "ner": [[0, 1, "PER"]]}]),
     ["--format", "gliner", "--entities", "ner"], {"words": "words"}),
    ("f.jsonl", json.dumps({"tokens": ["Ada", "Lee"], "t": ["B-PER", "O"], "c": 3}) + "\n",
     ["--words", "tokens", "--entities", "ner=t", "--label", "topic=c"], {"words": "words"}),
    ("f.csv", "a,b,m,s\nx,y,p|q,2.5\nz,w,,3\n",
     ["--text", "a", "--text-pair", "b", "--labels", "marks=m", "--separator", "|", "--number", "size=s"],
     {"text_pair": "text_pair"}),
    ("f.jsonl", json.dumps({"text": "x", "more": ["y", "z"], "marks": ["p"]}) + "\n",
     ["--text-pair", "more", "--labels", "marks"], {"text_pair": "text_pair"}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "options", "layout"), CASES)
def test_what_is_converted_reads_back_as_the_same_examples(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    content: str,
    options: list[str],
    layout: dict[str, Any],
) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    out = tmp_path / "out.jsonl"
    assert polyhead(monkeypatch, "convert", tmp_path / name, "--output", out, *options) == 0
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert rows
    tasks = [task for task in TASKS if any(task in row for row in rows)]
    assert tasks
    for row in rows:
        for span in row.get("ner", []):
            text = " ".join(row["words"]) if "words" in row else row["text"]
            assert text[span["start"] : span["end"]] in {"Ada", "Ada Lee", "Bo"}
    complete = [{**dict.fromkeys(tasks), **row} for row in rows]
    out.write_text("".join(json.dumps(row) + "\n" for row in complete))
    settings = {"format": "jsonl", "path": "out.jsonl", "tasks": {task: {} for task in tasks}, **layout}
    again = read(SOURCES["jsonl"].model_validate(settings), TASKS, root=tmp_path, log=FaultLog())
    assert [as_row(example) for example in again] == rows


def test_faults_leave_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    (tmp_path / "f.csv").write_text("text,label\na,b,c\n")
    assert polyhead(monkeypatch, "convert", tmp_path / "f.csv", "--output", tmp_path / "out.jsonl") == 1
    assert "f.csv:2: must have 2 columns" in capfd.readouterr().err
    assert [each.name for each in tmp_path.iterdir()] == ["f.csv"]
    assert polyhead(monkeypatch, "convert", tmp_path / "f.abc", "--output", tmp_path / "out.jsonl") == 1
    assert "--format: must be one of jsonl, json, csv" in capfd.readouterr().err
