"""What labelling tools and corpora write, read from files that are written here in their form; faults with places."""

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from polyhead.data.example import Example
from polyhead.data.faults import FaultLog
from polyhead.data.read import read
from polyhead.data.readers import SOURCES
from polyhead.data.readers.markup import unmarked
from polyhead.errors import UserError
from polyhead.kinds import ClassificationTask, EntitySpan, TaggingTask, Task

TASKS: dict[str, Task] = {"topic": ClassificationTask(), "ner": TaggingTask()}
TEXT = "Ada met Bo"
ADA, BO = EntitySpan(0, 3, "PER"), EntitySpan(8, 10, "PER")


def rows(
    folder: Path, form: str, content: Any, *tasks: str, log: FaultLog | None = None, name: str = "f", **settings: Any
) -> list[Example]:
    """The examples of one file; content that is no text is written as JSON."""
    if content is not None:
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / name).write_text(text, encoding="utf-8")
    source = SOURCES[form].model_validate(
        {"format": form, "path": name, "tasks": {task: {} for task in tasks}, **settings}
    )
    return list(read(source, TASKS, root=folder, log=log or FaultLog()))


def lines(*given: dict[str, Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in given)


@pytest.mark.parametrize("key", ["label", "labels", "entities"])
@pytest.mark.parametrize("whole", [True, False])
def test_doccano_in_its_three_spellings(tmp_path: Path, key: str, whole: bool) -> None:
    span: Any = {"id": 7, "start_offset": 8, "end_offset": 10, "label": "PER"} if whole else [8, 10, "PER"]
    [some, none] = rows(tmp_path, "doccano", lines({"text": TEXT, key: [span]}, {"text": "no", key: []}), "ner")
    assert (some.text, some.labels["ner"], some.source) == (TEXT, (BO,), "f:1")
    assert none.labels["ner"] == ()


def test_doccano_classes(tmp_path: Path) -> None:
    [one, none] = rows(tmp_path, "doccano", lines({"text": "a", "label": ["x"]}, {"text": "b", "label": []}), "topic")
    assert (one.labels, none.labels) == ({"topic": "x"}, {})
    with pytest.raises(UserError, match="f:1: label must be one label for task topic"):
        rows(tmp_path, "doccano", lines({"text": "a", "label": ["x", "y"]}), "topic")
    with pytest.raises(UserError, match="f:2: a doccano row has a list in one of label, labels, entities"):
        rows(tmp_path, "doccano", lines({"text": "a", "label": ["x"]}, {"text": "b"}), "topic")


def test_prodigy(tmp_path: Path) -> None:
    span = {"start": 0, "end": 3, "label": "PER", "token_start": 0, "token_end": 0}
    content = lines(
        {"text": TEXT, "spans": [span], "answer": "accept", "label": "x"},
        {"text": "rejected", "spans": [], "answer": "reject"},
        {"text": "skipped", "spans": [], "answer": "ignore"},
        {"text": "chosen", "spans": [], "accept": ["y"], "answer": "accept"},
    )
    log = FaultLog()
    first, last = rows(tmp_path, "prodigy", content, "ner", "topic", log=log)
    assert first.labels == {"ner": (ADA,), "topic": "x"}
    assert last.labels == {"ner": (), "topic": "y"}
    assert log.counts == {"rows whose answer is reject, left out": 1, "rows whose answer is ignore, left out": 1}


def test_spacy(tmp_path: Path) -> None:
    content = [
        [TEXT, {"entities": [[0, 3, "PER"], [8, 10, "PER"]], "cats": {"x": 1.0, "y": 0.0}}],
        ["none", {"entities": []}],
    ]
    first, second = rows(tmp_path, "spacy", content, "ner")
    assert (first.labels["ner"], second.labels["ner"]) == ((ADA, BO), ())
    [only] = rows(tmp_path, "spacy", content[:1], "topic")
    assert only.labels == {"topic": "x"}
    with pytest.raises(UserError, match=r"f:row 2: must be \[text, \{entities, cats\}\]"):
        rows(tmp_path, "spacy", [content[0], ["alone"]], "ner")


def label_studio(text: str, *annotations: dict[str, Any]) -> dict[str, Any]:
    return {"id": 1, "data": {"text": text}, "annotations": list(annotations)}


def test_label_studio(tmp_path: Path) -> None:
    spans = [
        {"from_name": "l", "to_name": "t", "type": "labels",
         "value": {"start": start, "end": end, "text": TEXT[start:end], "labels": ["PER"]}}
        for start, end in ((0, 3), (8, 10))
    ]  # fmt: skip
    choice = {"from_name": "c", "to_name": "t", "type": "choices", "value": {"choices": ["x"]}}
    content = [
        label_studio(TEXT, {"was_cancelled": True, "result": []}, {"result": [*spans, choice]}),
        label_studio("not yet"),
        label_studio("nothing in it", {"result": []}),
    ]
    log = FaultLog()
    first, second = rows(tmp_path, "label-studio", content, "ner", "topic", log=log)
    assert first.labels == {"ner": (ADA, BO), "topic": "x"}
    assert second.labels == {"ner": ()}
    assert log.counts == {"rows without an annotation, left out": 1}
    with pytest.raises(UserError, match="f:row 1: a task must have data and annotations"):
        rows(tmp_path, "label-studio", [{"text": "flat"}], "ner")


def test_gliner_counts_words_and_its_ends_are_inclusive(tmp_path: Path) -> None:
    content = [
        {"tokenized_text": ["Ada", "Lee", "met", "Bo"], "ner": [[0, 1, "PER"], [3, 3, "PER"]]},
        {"tokenized_text": ["none"], "ner": []},
    ]
    first, second = rows(tmp_path, "gliner", content, "ner")
    assert first.text == "Ada Lee met Bo"
    assert [first.text[span.start : span.end] for span in first.labels["ner"]] == ["Ada Lee", "Bo"]
    assert first.words == [(0, 3), (4, 7), (8, 11), (12, 14)]
    assert second.labels["ner"] == ()
    for bad, says in (
        ([0, 4, "PER"], "is beyond the 1 words"),
        ([0, "PER"], r"must be \[first word, last word, type\]"),
    ):
        with pytest.raises(UserError, match=f"f:row 1: .*{says}"):
            rows(tmp_path, "gliner", [{"tokenized_text": ["x"], "ner": [bad]}], "ner")


def test_parallel_files(tmp_path: Path) -> None:
    for name, content in (("seq.in", "Ada met Bo\nhi\n"), ("seq.out", "B-PER O B-PER\nO\n"), ("label", "x\ny\n")):
        (tmp_path / name).write_text(content)
    first, second = rows(tmp_path, "parallel", None, "ner", "topic", name=".")
    assert first.labels == {"ner": (ADA, BO), "topic": "x"}
    assert (second.text, second.labels) == ("hi", {"ner": (), "topic": "y"})
    (tmp_path / "seq.out").write_text("B-PER O\nO\n")
    with pytest.raises(UserError, match=r"seq\.in:1: must have as many words as seq.out has tags, found 3 and 2"):
        rows(tmp_path, "parallel", None, "ner", name=".")
    (tmp_path / "label").write_text("x\n")
    (tmp_path / "seq.out").write_text("B-PER O O\nO\n")
    with pytest.raises(UserError, match="label has only 1 lines, others have more"):
        rows(tmp_path, "parallel", None, "ner", name=".")


@pytest.mark.parametrize(
    ("marked", "text", "found"),
    [
        ("wake me up at [time : five am]", "wake me up at five am", [("time", "five am")]),
        ("[a:b][c : d] e", "bd e", [("a", "b"), ("c", "d")]),
        ("plain: text", "plain: text", []),
        ("[place name : the house : red] now", "the house : red now", [("place name", "the house : red")]),
    ],
)
def test_bracket_markup(marked: str, text: str, found: list[tuple[str, str]]) -> None:
    plain, spans = unmarked(marked)
    assert plain == text
    assert [(each["type"], plain[each["start"] : each["end"]]) for each in spans] == found


def test_marked_up_fields_give_text_and_spans(tmp_path: Path) -> None:
    [example] = rows(
        tmp_path, "jsonl", lines({"m": "at [time : five am] now", "label": "x"}), "ner", "topic", markup="m"
    )
    assert (example.text, example.labels) == ("at five am now", {"ner": (EntitySpan(3, 10, "time"),), "topic": "x"})
    [example] = rows(tmp_path, "text", "\n[PER : Ada] met\n", "ner", markup="text")
    assert (example.text, example.labels["ner"], example.source) == ("Ada met", (ADA,), "f:2")
    for bad in ("[open : x", "[: x]", "[a : ]", "[a : [b : c]]", "x]"):
        with pytest.raises(UserError, match=r"f:1: text must be text with entities as \[type : text\]"):
            rows(tmp_path, "text", bad + "\n", "ner", markup="text")


def test_unlabelled_text(tmp_path: Path) -> None:
    found = rows(tmp_path, "text", "one\n\n two \n")
    assert [(each.text, each.labels, each.source) for each in found] == [("one", {}, "f:1"), (" two ", {}, "f:3")]


def test_parquet_and_arrow(tmp_path: Path) -> None:
    spans = [[{"start": 0, "end": 3, "type": "PER"}], []]
    table = pa.table({"text": [TEXT, "none"], "topic": ["x", None], "ner": spans})
    pq.write_table(table, tmp_path / "t.parquet")
    with pa.OSFile(str(tmp_path / "t.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    for form in ("parquet", "arrow"):
        first, second = rows(tmp_path, form, None, "topic", "ner", name=f"t.{form}")
        assert first.labels == {"topic": "x", "ner": (ADA,)}
        assert second.labels == {"ner": ()}
        assert second.source == f"t.{form}:row 2"
        (tmp_path / "bad").write_bytes(b"PAR1 no table")
        with pytest.raises(UserError, match=f"bad: no readable {form}"):
            rows(tmp_path, form, None, "topic", name="bad")
        with pytest.raises(UserError, match="no such file"):
            rows(tmp_path, form, None, "topic", name="nowhere")


def test_a_folder_of_hf_datasets_names_its_classes_and_tags(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    tags = datasets.ClassLabel(names=["O", "B-PER", "I-PER"])
    features = datasets.Features(
        {"tokens": datasets.Sequence(datasets.Value("string")), "ner_tags": datasets.Sequence(tags),
         "topic": datasets.ClassLabel(names=["x", "y"])}
    )  # fmt: skip
    made = datasets.Dataset.from_dict(
        {"tokens": [["Ada", "met", "Bo"], ["hi"]], "ner_tags": [[1, 0, 1], [0]], "topic": [1, -1]}, features=features
    )
    made.save_to_disk(tmp_path / "saved")
    source = {"format": "datasets", "path": "saved", "words": "tokens"}
    settings = {**source, "tasks": {"topic": {}, "ner": {"tags": "ner_tags"}}}
    first, second = read(SOURCES["datasets"].model_validate(settings), TASKS, root=tmp_path, log=FaultLog())
    assert first.labels == {"topic": "y", "ner": (ADA, BO)}
    assert second.labels == {"ner": ()}


@pytest.mark.parametrize("scheme", ["iob1", "iob2", "bioes"])
def test_tag_schemes_come_to_the_same_spans(tmp_path: Path, scheme: str) -> None:
    tags = {
        "iob1": ["I-PER", "I-PER", "B-PER", "O", "I-LOC"],
        "iob2": ["B-PER", "I-PER", "B-PER", "O", "B-LOC"],
        "bioes": ["B-PER", "E-PER", "S-PER", "O", "S-LOC"],
    }[scheme]
    words = ["Ada", "Lee", "Bo", "in", "Oslo"]
    content = "\n".join(f"{word}\t{tag}" for word, tag in zip(words, tags, strict=True)) + "\n"
    [example] = rows(tmp_path, "conll", content, "ner")
    found = [(example.text[span.start : span.end], span.type) for span in example.labels["ner"]]
    assert found == [("Ada Lee", "PER"), ("Bo", "PER"), ("Oslo", "LOC")]


@pytest.mark.parametrize("ending", [".gz", ".zst"])
def test_packed_files_are_read_like_others(tmp_path: Path, ending: str) -> None:
    content = "".join(f'{{"text": "row {number}", "topic": "x"}}\n' for number in range(5000)).encode()
    packed = gzip.compress(content) if ending == ".gz" else zstandard.compress(content)
    (tmp_path / f"f{ending}").write_bytes(packed)
    found = rows(tmp_path, "jsonl", None, "topic", name=f"f{ending}")
    assert len(found) == 5000
    assert (found[-1].text, found[-1].source) == ("row 4999", f"f{ending}:5000")
    (tmp_path / f"f{ending}").write_bytes(packed[: len(packed) // 2] if ending == ".gz" else b"no " + packed[3:])
    with pytest.raises(UserError, match=rf"f{ending}:\d+: cannot be read on"):
        rows(tmp_path, "jsonl", None, "topic", name=f"f{ending}")
    with pytest.raises(ValueError, match="is compressed and cannot be read from its middle"):
        SOURCES["jsonl"].model_validate({"format": "jsonl", "path": f"f{ending}", "stream": True})
