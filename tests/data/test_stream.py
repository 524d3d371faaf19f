"""Rows that stay in their files are the rows that reading the files at once gives, wherever one looks."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polyhead.data import stream
from polyhead.data.example import Example
from polyhead.data.faults import FaultLog
from polyhead.data.lines import Lines, Place
from polyhead.data.read import read
from polyhead.data.readers import SOURCES
from polyhead.data.stream import StreamedExamples
from polyhead.errors import UserError
from polyhead.kinds import ClassificationTask, TaggingTask, Task
from polyhead.training.sampling import Rows, Sampler
from polyhead.training.settings import TrainingSettings

TASKS: dict[str, Task] = {"topic": ClassificationTask(), "ner": TaggingTask()}


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "_BLOCK", 4)
    monkeypatch.setattr(stream, "_KEPT", 3)
    monkeypatch.setattr(StreamedExamples, "block", 4)
    monkeypatch.setattr(StreamedExamples, "window", 2)


def both(
    folder: Path, form: str, contents: Sequence[str], tasks: dict[str, Any], **layout: Any
) -> tuple[list[Example], StreamedExamples]:
    paths = []
    for number, content in enumerate(contents):
        (folder / f"f{number}").write_bytes(content.encode("utf-8", "surrogatepass"))
        paths.append(f"f{number}")
    made = {"format": form, "path": paths, "tasks": tasks, **layout}
    whole = list(read(SOURCES[form].model_validate(made), TASKS, root=folder, log=FaultLog()))
    source = SOURCES[form].model_validate({**made, "stream": True})
    streamed = read(source, TASKS, root=folder, log=FaultLog())
    assert isinstance(streamed, StreamedExamples)
    return whole, streamed


def assert_alike(whole: list[Example], streamed: StreamedExamples) -> None:
    assert len(streamed) == len(whole)
    assert list(streamed) == whole
    assert [streamed[index] for index in reversed(range(len(whole)))] == whole[::-1]
    assert streamed[-1] == whole[-1]
    assert streamed[1:7:2] == whole[1:7:2]
    assert streamed.labelled == {name for each in whole for name in each.labels}
    for index in (len(whole), -len(whole) - 1):
        with pytest.raises(IndexError):
            streamed[index]


TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(TEXT, min_size=1, max_size=30), st.booleans(), st.sampled_from(["\n", "\r\n"]))
def test_any_csv(tmp_path: Path, texts: list[str], bom: bool, end: str) -> None:
    """Cells with line breaks, quotes, commas and every kind of blank; rows without text among them."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator=end, quoting=csv.QUOTE_ALL)  # a lone CR must be quoted
    writer.writerow(["text", "topic\nlabel"])
    writer.writerows([[text, "a"] for text in ["first", *texts]])
    content = ("\ufeff" if bom else "") + buffer.getvalue()
    whole, streamed = both(tmp_path, "csv", [content, content], {"topic": {"label": "topic\nlabel"}})
    assert_alike(whole, streamed)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(TEXT, min_size=1, max_size=30), st.integers(0, 3))
def test_any_jsonl(tmp_path: Path, texts: list[str], blank: int) -> None:
    lines = [json.dumps({"text": text, "topic": "a"}, ensure_ascii=index % 2 == 0) for index, text in enumerate(texts)]
    content = ("\n" * blank).join(f"{line}\n" for line in ['{"text": "x", "topic": null}', *lines])
    whole, streamed = both(tmp_path, "jsonl", [content], {"topic": {}})
    assert_alike(whole, streamed)


def test_csv_without_a_header_and_conll(tmp_path: Path) -> None:
    content = "".join(f"a,text {number}\n" for number in range(11))
    assert_alike(*both(tmp_path, "csv", [content], {"topic": {}}, columns=["topic", "text"]))
    block = "-DOCSTART- O\n\n" + "\n".join(f"Ada{number} B-PER\nmet O\n" for number in range(11))
    whole, streamed = both(tmp_path, "conll", [block, block], {"ner": {}})
    assert_alike(whole, streamed)
    assert whole[3].source == streamed[3].source == "f0:12"


def test_places_are_lines_of_the_file(tmp_path: Path) -> None:
    content = "text,topic\n" + "".join(f'"text\n{number}",a\n' for number in range(9))
    whole, streamed = both(tmp_path, "csv", [content], {"topic": {}})
    assert [each.source for each in whole] == [f"f0:{2 + 2 * number}" for number in range(9)]
    assert streamed[8].source == "f0:18"


def test_faults_and_oddities_are_told_once_with_their_place(tmp_path: Path) -> None:
    (tmp_path / "f").write_text('{"text": "a", "topic": "x"}\n{"text": " "}\n{"text": "b", "topic": ["x"]}\n')
    source = SOURCES["jsonl"].model_validate({"format": "jsonl", "path": "f", "tasks": {"topic": {}}, "stream": True})
    log = FaultLog()
    with pytest.raises(UserError, match="f:3: topic must be one label"):
        read(source, TASKS, root=tmp_path, log=log)
    assert log.counts == {"rows without text, left out": 1}


@pytest.mark.parametrize("content", [b"", b"\n\n", b'{"text": ""}\n'])
def test_a_file_without_rows_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "f").write_bytes(content)
    source = SOURCES["jsonl"].model_validate({"format": "jsonl", "path": "f", "stream": True})
    with pytest.raises(UserError, match="the file has no rows"):
        read(source, TASKS, root=tmp_path, log=FaultLog())


def test_a_file_that_shrinks_while_it_is_in_use_is_found_out(tmp_path: Path) -> None:
    _, streamed = both(tmp_path, "jsonl", ['{"text": "a"}\n' * 12], {})
    (tmp_path / "f0").write_text('{"text": "a"}\n' * 9)
    with pytest.raises(UserError, match="it was changed while in use"):
        streamed[9]


def test_a_json_file_cannot_stream_nor_can_a_sample() -> None:
    for form, more, words in (
        ("json", {}, "are read from their beginning"),
        ("jsonl", {"sample": {"rows": 3}}, "drawn in memory"),
    ):
        with pytest.raises(ValueError, match=words):
            SOURCES[form].model_validate({"format": form, "path": "f", "stream": True, **more})


def test_an_epoch_sees_every_row_once_and_can_begin_anywhere(tmp_path: Path) -> None:
    lines = "".join(json.dumps({"text": "x" * (number % 7 + 1)}) + "\n" for number in range(61))
    _, streamed = both(tmp_path, "jsonl", [lines], {})

    def lengths(rows: Any) -> Any:
        return np.asarray([len(streamed[int(row)].text) for row in rows])

    rows = Rows(len(streamed), lengths, 3, block=streamed.block, window=streamed.window)
    sampler = Sampler([rows], TrainingSettings.model_validate({"batch_size": 3}))
    steps = [[draw.rows.tolist() for draw in step] for step in sampler.steps(1)]
    assert len(steps) == len(sampler)
    assert sorted(row for step in steps for draw in step for row in draw) == list(range(61))
    for start in range(len(steps) + 1):
        assert [[draw.rows.tolist() for draw in step] for step in sampler.steps(1, start=start)] == steps[start:]
    other = [[draw.rows.tolist() for draw in step] for step in sampler.steps(2)]
    assert other != steps
    first = [row for step in steps for draw in step for row in draw]
    assert np.abs(np.diff(first)).mean() > 4, "rows from all over the file come together"


def test_lines_know_the_place_of_the_next(tmp_path: Path) -> None:
    content = "\ufeffaé\nb\r\nc".encode()
    (tmp_path / "f").write_bytes(content)
    with open(tmp_path / "f", "rb") as file:
        lines = Lines(file, "f")
        found = [(lines.next, line) for line in lines]
    assert [line for _, line in found] == ["aé\n", "b\r\n", "c"]
    with open(tmp_path / "f", "rb") as file:
        lines = Lines(file, "f")
        places = []
        for _ in range(3):
            places.append(lines.next)
            next(lines)
    assert places == [Place(0, 1), Place(7, 2), Place(10, 3)]
    (tmp_path / "f").write_bytes(b"a\n\xff\n")
    with open(tmp_path / "f", "rb") as file, pytest.raises(UserError, match="f:2: must be UTF-8 text, found byte 0xff"):
        list(Lines(file, "f"))
