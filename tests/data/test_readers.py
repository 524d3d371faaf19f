import json
from pathlib import Path
from typing import Any

import pytest

from polyhead.data.example import Example
from polyhead.data.faults import FaultLog
from polyhead.data.read import read
from polyhead.data.readers import SOURCES, Source
from polyhead.errors import UserError
from polyhead.kinds import ClassificationTask, EntitySpan, TaggingTask, Task

TASKS: dict[str, Task] = {"topic": ClassificationTask(), "ner": TaggingTask()}
TOPIC = {"topic": {"label": "label"}}
NER: dict[str, Any] = {"ner": {}}


def source(form: str, path: str | list[str] = "f", **settings: Any) -> Source:
    return SOURCES[form].model_validate({"format": form, "path": path, **settings})


def rows(
    folder: Path, form: str, content: str | bytes, tasks: dict[str, Any], log: FaultLog | None = None, **settings: Any
) -> list[Example]:
    """The examples of one file named ``f``."""
    (folder / "f").write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read(source(form, tasks=tasks, **settings), TASKS, root=folder, log=log or FaultLog()))


def topics(examples: list[Example]) -> list[tuple[str, Any]]:
    return [(example.text, example.labels.get("topic")) for example in examples]


CSV = 'text,label\n"one, ""two""",x\nthree,y\n'


@pytest.mark.parametrize(
    "content",
    [
        CSV,
        CSV.removesuffix("\n"),
        CSV.replace("\n", "\r\n"),
        "\ufeff" + CSV,
        "\ufeff" + CSV.replace("\n", "\r\n"),
        CSV.replace("three", "\n\nthree"),
        CSV + "\n\n",
        'label , text\nx,"one, ""two"""\ny,three\n',
    ],
    ids=["plain", "no last newline", "CRLF", "BOM", "BOM and CRLF", "blank rows", "blank end", "other order"],
)
def test_csv(tmp_path: Path, content: str) -> None:
    assert topics(rows(tmp_path, "csv", content, TOPIC)) == [('one, "two"', "x"), ("three", "y")]


def test_csv_without_a_header(tmp_path: Path) -> None:
    found = rows(tmp_path, "csv", "x,one\ny,two\n", TOPIC, columns=["label", "text"])
    assert topics(found) == [("one", "x"), ("two", "y")]
    assert found[0].source == "f:1"


def test_several_text_columns_are_joined_by_a_space_and_empty_ones_left_out(tmp_path: Path) -> None:
    content = "title,body,label\nHead,tail,x\n,tail,y\nHead,,z\n"
    found = rows(tmp_path, "csv", content, TOPIC, text=["title", "body"])
    assert topics(found) == [("Head tail", "x"), ("tail", "y"), ("Head", "z")]


def test_cells_keep_their_newlines_and_rows_are_placed_where_they_begin(tmp_path: Path) -> None:
    found = rows(tmp_path, "csv", 'text,label\n"one\n\ntwo",x\n"a\r\nb",y\nthree,z\n', TOPIC)
    assert topics(found) == [("one\n\ntwo", "x"), ("a\r\nb", "y"), ("three", "z")]
    assert [example.source for example in found] == ["f:2", "f:5", "f:7"]


def test_another_delimiter(tmp_path: Path) -> None:
    assert topics(rows(tmp_path, "csv", "text;label\na,b;x\n", TOPIC, delimiter=";")) == [("a,b", "x")]


def test_a_cell_of_any_length_is_read(tmp_path: Path) -> None:
    [example] = rows(tmp_path, "csv", f"text,label\n{'long ' * 60_000},x\n", TOPIC)
    assert len(example.text) == 300_000


def test_quotes_mean_nothing_in_tsv(tmp_path: Path) -> None:
    content = 'text\tlabel\n"so" he said\tx\n6" wide, "open\ty\n'
    assert topics(rows(tmp_path, "tsv", content, TOPIC)) == [('"so" he said', "x"), ('6" wide, "open', "y")]


def test_jsonl(tmp_path: Path) -> None:
    content = '{"text": "one\\ntwo", "label": "x", "more": [1]}\r\n\n{"text": "drei\u2028ß", "label": 3}'
    found = rows(tmp_path, "jsonl", content, TOPIC)
    assert topics(found) == [("one\ntwo", "x"), ("drei\u2028ß", "3")]
    assert [example.source for example in found] == ["f:1", "f:3"]


@pytest.mark.parametrize("wrapped", [False, True])
def test_json_with_spans(tmp_path: Path, wrapped: bool) -> None:
    sentences = [
        {"text": "Ada met Bo", "ner": [{"text": "Ada", "type": "PER", "start": 0, "end": 3}]},
        {"text": "nobody", "ner": []},
    ]
    content = json.dumps({"version": 2, "sentences": sentences} if wrapped else sentences)
    found = rows(tmp_path, "json", content, NER)
    assert [example.labels["ner"] for example in found] == [(EntitySpan(0, 3, "PER"),), ()]
    assert [example.source for example in found] == ["f:row 1", "f:row 2"]


@pytest.mark.parametrize(
    ("span", "binding"),
    [
        ({"start": 4, "end": 6, "type": "PER"}, {}),
        ({"start": 4, "end": 6, "label": "PER"}, {}),
        ({"start_offset": 4, "end_offset": 6, "label": "PER"}, {}),
        ({"von": 4, "bis": 6, "art": "PER"}, {"start": "von", "end": "bis", "type": "art"}),
        ({"start": 0, "end": 1, "type": "no", "a": 4, "b": 6, "c": "PER"}, {"start": "a", "end": "b", "type": "c"}),
    ],
)
def test_span_keys_of_any_name(tmp_path: Path, span: dict[str, Any], binding: dict[str, str]) -> None:
    content = json.dumps([{"text": "met Bo", "entities": [span]}])
    [example] = rows(tmp_path, "json", content, {"ner": {"spans": "entities", **binding}})
    assert example.labels["ner"] == (EntitySpan(4, 6, "PER"),)


CONLL = """-DOCSTART- -X- -X- O

Ada NNP B-NP B-PER
Lee NNP I-NP I-PER
sang VBD B-VP O

-DOCSTART- -X- -X- O

Oslo NNP B-NP B-LOC
"""


@pytest.mark.parametrize(
    "content",
    [
        CONLL,
        CONLL.removesuffix("\n"),
        CONLL + "\n\n\n",
        CONLL.replace(" ", "\t"),
        CONLL.replace(" ", "   "),
        CONLL.replace("\n", "\r\n"),
        "\ufeff" + CONLL,
        CONLL.replace("\n\n", "\n \n"),
    ],
    ids=["plain", "no last newline", "blank end", "tabs", "many blanks", "CRLF", "BOM", "lines of blanks"],
)
def test_conll(tmp_path: Path, content: str) -> None:
    found = rows(tmp_path, "conll", content, {"ner": {"column": 3}})
    assert [(example.text, example.labels["ner"]) for example in found] == [
        ("Ada Lee sang", (EntitySpan(0, 7, "PER"),)),
        ("Oslo", (EntitySpan(0, 4, "LOC"),)),
    ]
    assert [example.words for example in found] == [[(0, 3), (4, 7), (8, 12)], [(0, 4)]]
    assert [example.source for example in found] == ["f:3", "f:9"]


def test_conll_takes_the_last_column_unless_told(tmp_path: Path) -> None:
    last = rows(tmp_path, "conll", CONLL, NER)
    chunks = rows(tmp_path, "conll", CONLL, {"ner": {"column": 2}})
    assert last[0].labels["ner"] == (EntitySpan(0, 7, "PER"),)
    assert chunks[0].labels["ner"] == (EntitySpan(0, 7, "NP"), EntitySpan(8, 12, "VP"))


def test_conll_with_the_words_elsewhere(tmp_path: Path) -> None:
    [example] = rows(tmp_path, "conll", "1\tAda\tB-PER\n2\tLee\tI-PER\n", NER, word_column=1)
    assert example.text == "Ada Lee"


def test_conll_words_may_hold_blanks_where_tabs_part_the_columns(tmp_path: Path) -> None:
    [example] = rows(tmp_path, "conll", "New York\tB-LOC\nbay\tO\n", NER)
    assert example.words == [(0, 8), (9, 12)]
    assert example.labels["ner"] == (EntitySpan(0, 8, "LOC"),)


def test_rows_of_words(tmp_path: Path) -> None:
    content = '{"tokens": ["Ada", "Lee", "sang"], "tags": ["B-PER", "I-PER", "O"]}\n'
    [example] = rows(tmp_path, "jsonl", content, {"ner": {"tags": "tags"}}, words="tokens")
    assert (example.text, example.words) == ("Ada Lee sang", [(0, 3), (4, 7), (8, 12)])
    assert example.labels["ner"] == (EntitySpan(0, 7, "PER"),)


def test_several_files_are_read_in_order(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(f"text,label\n{name},x\n")
    found = read(source("csv", ["b", "a"], tasks=TOPIC), TASKS, root=tmp_path, log=FaultLog())
    assert [(example.text, example.source) for example in found] == [("b", "b:2"), ("a", "a:2")]


def test_rows_without_text_are_counted(tmp_path: Path) -> None:
    log = FaultLog()
    found = rows(tmp_path, "csv", "text,label\n ,x\nb,y\n,z\n", TOPIC, log)
    assert topics(found) == [("b", "y")]
    assert list(log.lines()) == ["rows without text, left out: 2", "    f:2", "    f:4"]


@pytest.mark.parametrize(
    ("form", "content", "settings", "line", "says"),
    [
        ("csv", "text,label\na,x\nb\n", {}, 3, r"must have 2 columns \(text, label\), found 1: \['b'\]"),
        ("csv", "text,label\na,x,1\n", {}, 2, "must have 2 columns .* found 3"),
        ("csv", 'text,label\n"a\nb",x\n"c\nd"\n', {}, 4, "must have 2 columns .* found 1"),
        ("csv", 'text,label\na,x\n"b,y\nc,z\n', {}, 3, "must have 2 columns|end of data"),
        ("csv", 'label,text\nx,ok\ny,"open\nz,lost\n', {}, 3, "(quote|end of data)"),
        ("csv", "text,text,label\na,b,x\n", {}, 1, "text"),
        ("csv", "txt,label\na,x\n", {}, 2, "no field 'text' for the text; there are: 'txt, label'"),
        ("csv", "text,class\na,x\n", {}, 2, "no field 'label' for task topic; there are: 'text, class'"),
        ("csv", "a,x\n", {"columns": ["text", "label", "more"]}, 1, "must have 3 columns"),
        ("csv", b"text,label\nok,x\ncaf\xe9,y\n", {}, 3, "must be UTF-8 text, found byte 0xe9"),
        ("tsv", "text\tlabel\na\tx\tx\n", {}, 2, "must have 2 columns"),
        ("jsonl", '{"text": "a", "label": "x"}\n{"text": \n', {}, 2, "each line must be one JSON object"),
        ("jsonl", '{"text": "a", "label": "x"}\n\n["a"]\n', {}, 3, "each row must be a JSON object, found list"),
        ("jsonl", '{"text": 3, "label": "x"}\n', {}, 1, "the text in text must be a string, found 3"),
        ("jsonl", '{"label": "x"}\n', {}, 1, "no field 'text' for the text"),
        ("jsonl", b'{"text": "a", "label": "x"}\n{"text": "\xff", "label": "x"}\n', {}, 2, "must be UTF-8 text"),
        ("jsonl", "[" * 100_000, {}, 1, "each line must be one JSON object"),
        ("jsonl", '{"w": "Ada"}\n', {"words": "w"}, 1, "w must be a list of words, found 'Ada'"),
        ("jsonl", '{"w": ["Ada", 1]}\n', {"words": "w"}, 1, "w must be a list of words"),
        ("conll", "Ada NNP O\n\nBo O\nLee NNP O\n", {}, 4, "must have 2 columns like the lines above, found 3"),
        ("conll", "Ada O\n\nBo\n", {}, 3, "must have a word and a tag, found 'Bo'"),
        ("conll", "\nAda O\n", {"word_column": 2}, 2, "word_column 2 is not among the 2 columns"),
        ("conll", b"Ada O\n\n\xff O\n", {}, 3, "must be UTF-8 text"),
    ],
)
def test_faults_of_a_file_have_their_line(
    tmp_path: Path, form: str, content: str | bytes, settings: dict[str, Any], line: int, says: str
) -> None:
    with pytest.raises(UserError, match=rf"(^|/)f:{line}: .*{says}"):
        rows(tmp_path, form, content, TOPIC if form != "conll" else NER, **settings)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('[\n{"text": "a",}\n]', r"f: must be one JSON document .*line 2.*jsonl"),
        ('{"text": "a"}\n{"text": "b"}\n', r"f: must be one JSON document .*one object a line is jsonl"),
        ("3", "f: must hold a list, found 'int'"),
        ('{"a": [], "b": []}', "f: must hold a list"),
        ('{"a": 1}', "f: must hold a list"),
        ('[{"text": "a", "ner": []}, 7]', "f:row 2: each row must be a JSON object, found int"),
        ("[" * 100_000, "f: must be one JSON document"),
    ],
)
def test_faults_of_a_json_file(tmp_path: Path, content: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        rows(tmp_path, "json", content, NER)


@pytest.mark.parametrize(
    ("form", "content"),
    [
        ("csv", ""),
        ("csv", "text,label\n"),
        ("tsv", "\n"),
        ("jsonl", ""),
        ("jsonl", "\n\n"),
        ("json", "[]"),
        ("conll", ""),
        ("conll", "-DOCSTART- -X- O\n\n"),
    ],
)
def test_files_without_rows_are_refused(tmp_path: Path, form: str, content: str) -> None:
    with pytest.raises(UserError, match=r"/f: the file has no rows"):
        rows(tmp_path, form, content, TOPIC if form != "conll" else NER)


def test_an_empty_file_among_others_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("text,label\na,x\n")
    (tmp_path / "b").write_text("text,label\n")
    with pytest.raises(UserError, match=r"/b: the file has no rows"):
        read(source("csv", ["a", "b"], tasks=TOPIC), TASKS, root=tmp_path, log=FaultLog())


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"/none\.csv: no such file; paths are relative to the recipe's folder"):
        read(source("csv", "none.csv"), TASKS, root=tmp_path, log=FaultLog())
    with pytest.raises(UserError, match="directory"):
        read(source("csv", "."), TASKS, root=tmp_path, log=FaultLog())


def test_all_faults_of_a_file_come_at_once(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        rows(tmp_path, "jsonl", '{"text": 1}\n{"text": "b", "label": []}\n{"text": "c", "label": "x"}\n', TOPIC)
    assert [fault.split(":")[:2] for fault in caught.value.faults] == [["f", "1"], ["f", "2"]]


def test_rows_may_lack_the_field_of_a_label_if_one_has_it(tmp_path: Path) -> None:
    content = '{"text": "a"}\n{"text": "b", "label": "x"}\n{"text": "c"}\n'
    found = rows(tmp_path, "jsonl", content, TOPIC)
    assert [example.labels for example in found] == [{}, {"topic": "x"}, {}]


def test_of_very_many_faults_some_are_told_and_all_counted(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        rows(tmp_path, "jsonl", '{"text": "a", "label": []}\n' * 50, TOPIC)
    assert len(caught.value.faults) == 21
    assert caught.value.faults[-1] == "… and 30 more faults"
