"""Guesses about data files: what each is taken for, that the recipe loads, and that its data reads without faults."""

import csv
import gzip
import io
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polyhead.errors import UserError
from polyhead.recipe import Recipe, load_recipe
from polyhead.recipe.commented import flow
from polyhead.recipe.data import Data, prepare
from polyhead.recipe.draft import draft, told
from polyhead.recipe.guess import RecipeGuess, guess
from polyhead.recipe.schema import SPLITS

OPENINGS = ("the ferry leaves the harbour", "a violin plays in the garden", "our bread rose well", "the vote was close")
ENDS = ("before noon", "on thursday", "again", "without a word", "in the rain", "at the market", "for hours")


def texts(count: int, seed: int = 0) -> list[str]:
    """Sentences that differ."""
    generator = random.Random(seed)
    return [f"{generator.choice(OPENINGS)} {generator.choice(ENDS)}, number {place}" for place in range(count)]


TEXTS = texts(24)
OTHERS = [text.replace("the", "this") for text in TEXTS]
TOPICS = ["travel", "music", "food"] * 8
FLOATS = [round(0.35 + place * 0.19, 2) for place in range(24)]
SPANS = [[{"start": 0, "end": 3, "type": "DET"}] if text.startswith("the") else [] for text in TEXTS]
WORDS = [["Ada", "Lee", "met", "Bo"], ["rain", "fell"], ["in", "Oslo", "today"]] * 8
TAGS = [["B-PER", "I-PER", "O", "B-PER"], ["O", "O"], ["O", "B-LOC", "O"]] * 8


def rows(**columns: Sequence[Any]) -> list[dict[str, Any]]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def jsonl(**columns: Sequence[Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows(**columns))


def table(header: Sequence[str] | None, *columns: Sequence[Any], delimiter: str = ",", quoted: bool = False) -> str:
    out = io.StringIO()
    quoting: Literal[0, 1] = csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n", quoting=quoting)
    writer.writerows([*([header] if header else []), *zip(*columns, strict=True)])
    return out.getvalue()


def conll(*columns: Sequence[Sequence[str]], blank: str = "\t") -> str:
    sentences = zip(*columns, strict=True)
    return "\n".join("".join(blank.join(cells) + "\n" for cells in zip(*each, strict=True)) for each in sentences)


Content = str | bytes | Callable[[Path], object]


def write(folder: Path, files: dict[str, Content]) -> list[Path]:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            path.write_text(content, encoding="utf-8")
        elif isinstance(content, bytes):
            path.write_bytes(content)
        else:
            content(path)
    return [folder / name for name in files]


def made(folder: Path, paths: Sequence[Path]) -> tuple[RecipeGuess, dict[str, Any], Recipe, Data]:
    """The guess, its recipe as YAML and as it is loaded, and its data, read: all splits, without a fault."""
    found = guess(paths)
    recipe = folder / "made" / "recipe.yaml"
    recipe.parent.mkdir(exist_ok=True)
    recipe.write_text(draft(found, recipe), encoding="utf-8")
    loaded = load_recipe(recipe)
    data = prepare(loaded, SPLITS)
    assert data.log.faults() == []
    assert all(line.strip() for line in told(found))
    return found, yaml.safe_load(recipe.read_text(encoding="utf-8")), loaded, data


@dataclass(frozen=True)
class Case:
    """A file, and what must be made of it: keys of its data set, and its tasks: name → (settings, binding)."""

    name: str
    file: str
    content: Content
    keys: dict[str, Any]
    tasks: dict[str, tuple[dict[str, Any], dict[str, Any]]]
    left_out: dict[str, str] = field(default_factory=dict)


CASES: list[Case] = []


def case(
    name: str,
    file: str,
    content: Content,
    keys: dict[str, Any],
    *tasks: tuple[str, dict[str, Any], dict[str, Any]],
    **left_out: str,
) -> None:
    CASES.append(Case(name, file, content, keys, {task: (own, bound) for task, own, bound in tasks}, left_out))


CLASSES = {"kind": "classification", "labels": ["food", "music", "travel"]}
PEOPLE = {"kind": "tagging", "labels": ["LOC", "PER"]}
DETERMINERS = {"kind": "tagging", "labels": ["DET"]}

# Tables
case(
    "csv with a header",
    "f.csv",
    table(["text", "topic"], TEXTS, TOPICS),
    {"format": "csv", "text": "text"},
    ("topic", CLASSES, {"label": "topic"}),
)
case(
    "csv without a header",
    "f.csv",
    table(None, TOPICS, TEXTS),
    {"format": "csv", "columns": ["column_1", "column_2"], "text": "column_2"},
    ("label", CLASSES, {"label": "column_1"}),
)
case(
    "semicolons",
    "f.csv",
    table(["text", "topic"], TEXTS, TOPICS, delimiter=";"),
    {"format": "csv", "delimiter": ";", "text": "text"},
    ("topic", CLASSES, {"label": "topic"}),
)
case(
    "csv with tabs",
    "f.csv",
    table(["text", "topic"], TEXTS, TOPICS, delimiter="\t"),
    {"format": "csv", "delimiter": "\t"},
    ("topic", CLASSES, {"label": "topic"}),
)
case(
    "tsv",
    "f.tsv",
    "text\ttopic\n" + "".join(f'{a} "so\t{b}\n' for a, b in zip(TEXTS, TOPICS, strict=True)),
    {"format": "tsv", "text": "text"},
    ("topic", CLASSES, {"label": "topic"}),
)
case(
    "tsv with quotation marks",
    "f.tsv",
    "".join(f'"{a}"\t"{b}"\n' for a, b in zip(TEXTS, TOPICS, strict=True)),
    {"format": "csv", "delimiter": "\t", "text": "column_1"},
    ("label", CLASSES, {"label": "column_2"}),
)
case(
    "tabs in a .txt",
    "f.txt",
    "".join(f"{b}\t{a}\n" for a, b in zip(TEXTS, TOPICS, strict=True)),
    {"format": "tsv", "text": "column_2"},
    ("label", CLASSES, {"label": "column_1"}),
)
case(
    "ids, and what looks like them",
    "f.csv",
    table(
        ["", "key", "text", "topic", "city"],
        range(24),
        [f"x{place}" for place in range(24)],
        TEXTS,
        TOPICS,
        ["Oslo"] * 24,
    ),
    {"text": "text"},
    ("topic", CLASSES, {"label": "topic"}),
    **{"": "looks like an id", "key": "looks like an id", "city": "its only value is 'Oslo'"},
)
case(
    "title and body",
    "f.csv",
    table(["title", "body", "section"], OTHERS, TEXTS, TOPICS),
    {"text": ["title", "body"]},
    ("section", CLASSES, {"label": "section"}),
)
case(
    "whole numbers that are few are classes",
    "f.csv",
    table(["review", "stars"], TEXTS, [1, 2, 5] * 8),
    {"text": "review"},
    ("stars", {"kind": "classification", "labels": ["1", "2", "5"]}, {"label": "stars"}),
)
case(
    "numbers that are many are a scale",
    "f.csv",
    table(["review", "price"], TEXTS, FLOATS),
    {"text": "review"},
    ("price", {"kind": "regression", "range": [0, 5]}, {"label": "price"}),
)
case(
    "whole numbers that are many are a scale, too",
    "f.csv",
    table(["review", "score"], TEXTS, range(7, 103, 4)),
    {"text": "review"},
    ("score", {"kind": "regression", "range": [0, 100]}, {"label": "score"}),
)
case(
    "labels parted by a bar",
    "f.csv",
    table(["text", "tags"], TEXTS, ["a|b", "b", "", "c|a"] * 6),
    {"text": "text"},
    ("tags", {"kind": "multilabel", "labels": ["a", "b", "c"]}, {"label": "tags", "separator": "|"}),
)
case(
    "labels parted by commas",
    "f.csv",
    table(["text", "tags"], TEXTS, ["a, b", "b", "c, a"] * 8),
    {"text": "text"},
    ("tags", {"kind": "multilabel", "labels": ["a", "b", "c"]}, {"label": "tags", "separator": ","}),
)
case(
    "a comma inside of a label",
    "f.csv",
    table(["text", "tag"], TEXTS, ["food, wine", "rain"] * 12),
    {"text": "text"},
    ("tag", {"kind": "classification", "labels": ["food, wine", "rain"]}, {"label": "tag"}),
)
case(
    "several columns of 1 and 0",
    "f.csv",
    table(["text", "toxic", "obscene"], TEXTS, [1, 0] * 12, [0, 0, 1, 1] * 6),
    {"text": "text"},
    ("labels", {"kind": "multilabel", "labels": ["toxic", "obscene"]}, {"label": ["toxic", "obscene"]}),
)
case(
    "one column of 1 and 0",
    "f.csv",
    table(["text", "is_spam"], TEXTS, [1, 0] * 12),
    {"text": "text"},
    ("is_spam", {"kind": "classification", "labels": ["0", "1"]}, {"label": "is_spam"}),
)
case(
    "classes twice",
    "f.csv",
    table(["text", "label", "label_text"], TEXTS, [0, 1, 2] * 8, TOPICS),
    {"text": "text"},
    ("label_text", {"kind": "classification", "labels": ["food", "music", "travel"]}, {"label": "label_text"}),
    label="its classes are those of another field",
)
case(
    "markup in a column",
    "f.csv",
    table(
        ["marked", "topic"],
        ["[PER : Ada] met a friend", "rain fell all day long", "so [PER : Bo] went away"] * 8,
        TOPICS,
    ),
    {"markup": "marked"},
    ("entities", {"kind": "tagging", "labels": ["PER"]}, {"spans": "spans"}),
    ("topic", CLASSES, {"label": "topic"}),
)
case(
    "a text in a script without blanks",
    "f.csv",
    table(["c", "d"], [f"今日は雨が降った{n}" for n in range(24)], TOPICS),
    {"text": "c"},
    ("d", CLASSES, {"label": "d"}),
)

# Two texts
case(
    "similarity",
    "f.csv",
    table(["sentence1", "sentence2", "score"], TEXTS, OTHERS, FLOATS),
    {"text": "sentence1", "text_pair": "sentence2"},
    ("score", {"kind": "similarity", "range": [0, 5]}, {"label": "score"}),
)
case(
    "similarity by a few whole numbers",
    "f.csv",
    table(["sentence_A", "sentence_B", "relatedness_score"], TEXTS, OTHERS, [0, 3, 5] * 8),
    {"text": "sentence_A", "text_pair": "sentence_B"},
    ("relatedness_score", {"kind": "similarity", "range": [0, 5]}, {"label": "relatedness_score"}),
)
case(
    "similarity without a header",
    "f.csv",
    table(None, TEXTS, OTHERS, FLOATS),
    {"text": "column_1", "text_pair": "column_2"},
    ("label", {"kind": "similarity", "range": [0, 5]}, {"label": "column_3"}),
)
case(
    "classes of two texts",
    "f.jsonl",
    jsonl(premise=TEXTS, hypothesis=OTHERS, label=["entailment", "neutral", "contradiction"] * 8),
    {"text": "premise", "text_pair": "hypothesis"},
    (
        "label",
        {"kind": "classification", "pair": True, "labels": ["contradiction", "entailment", "neutral"]},
        {"label": "label"},
    ),
)
case(
    "duplicates",
    "f.csv",
    table(
        ["id", "qid1", "qid2", "question1", "question2", "is_duplicate"],
        range(24),
        range(24),
        range(9, 33),
        TEXTS,
        OTHERS,
        [0, 1] * 12,
    ),
    {"text": "question1", "text_pair": "question2"},
    ("is_duplicate", {"kind": "classification", "pair": True, "labels": ["0", "1"]}, {"label": "is_duplicate"}),
    id="looks like an id",
    qid1="looks like an id",
)
case(
    "pairs",
    "f.csv",
    table(["query", "passage"], TEXTS, OTHERS),
    {"text": "query", "text_pair": "passage"},
    ("pairs", {"kind": "pairs"}, {}),
)
case(
    "triplets",
    "f.jsonl",
    jsonl(anchor=TEXTS, positive=OTHERS, negative=texts(24, 9)),
    {"text": "anchor", "text_pair": ["positive", "negative"]},
    ("pairs", {"kind": "pairs"}, {}),
)
case(
    "an anchor with many negatives",
    "f.jsonl",
    jsonl(anchor=TEXTS, positive=OTHERS, negatives=[[text, "no"] for text in TEXTS]),
    {"text": "anchor", "text_pair": ["positive", "negatives"]},
    ("pairs", {"kind": "pairs"}, {}),
)

# JSON
case(
    "jsonl with spans",
    "f.jsonl",
    jsonl(text=TEXTS, topic=TOPICS, entities=SPANS),
    {"format": "jsonl"},
    ("topic", CLASSES, {"label": "topic"}),
    ("entities", DETERMINERS, {"spans": "entities"}),
)
case(
    "spans with keys of their own",
    "f.json",
    json.dumps({"version": 2, "rows": rows(text=TEXTS, ner=[[{"begin": 0, "stop": 3, "tag": "X"}]] * 24)}),
    {"format": "json", "text": "text"},
    ("ner", {"kind": "tagging", "labels": ["X"]}, {"spans": "ner", "start": "begin", "end": "stop", "type": "tag"}),
)
case(
    "spans by their types",
    "f.json",
    json.dumps(rows(text=TEXTS, slots=[{"det": {"text": text[:3], "span": [0, 3]}} for text in TEXTS])),
    {"format": "json"},
    ("slots", {"kind": "tagging", "labels": ["det"]}, {"spans": "slots"}),
)
case(
    "lists of labels",
    "f.jsonl",
    jsonl(text=TEXTS, intents=[["a", "b"], [], ["b"]] * 8),
    {"text": "text"},
    ("intents", {"kind": "multilabel", "labels": ["a", "b"]}, {"label": "intents"}),
)
case(
    "labels with 1 and 0",
    "f.jsonl",
    jsonl(text=TEXTS, cats=[{"a": 1, "b": 0}, {"a": 0, "b": 1.0}] * 12),
    {"text": "text"},
    ("cats", {"kind": "multilabel", "labels": ["a", "b"]}, {"label": "cats"}),
)
case(
    "words and tags",
    "f.jsonl",
    jsonl(id=range(24), tokens=WORDS, ner_tags=TAGS, topic=TOPICS),
    {"format": "jsonl", "words": "tokens"},
    ("ner_tags", PEOPLE, {"tags": "ner_tags"}),
    ("topic", CLASSES, {"label": "topic"}),
)
case(
    "truth",
    "f.jsonl",
    jsonl(text=TEXTS, urgent=[True, False] * 12),
    {"text": "text"},
    ("urgent", {"kind": "classification", "labels": ["false", "true"]}, {"label": "urgent"}),
)
case(
    "jsonl in a .json",
    "f.json",
    jsonl(text=TEXTS, topic=TOPICS),
    {"format": "jsonl"},
    ("topic", CLASSES, {"label": "topic"}),
)
case(
    "a list in a .jsonl",
    "f.jsonl",
    json.dumps(rows(text=TEXTS, topic=TOPICS), indent=1),
    {"format": "json"},
    ("topic", CLASSES, {"label": "topic"}),
)
case(
    "fields that are not in each row",
    "f.jsonl",
    jsonl(text=TEXTS, topic=TOPICS) + json.dumps({"text": "one more", "topic": "food", "mood": "good"}) + "\n",
    {"text": "text"},
    ("topic", CLASSES, {"label": "topic"}),
    mood="its only value is 'good'",
)
case(
    "labels that some rows lack",
    "f.jsonl",
    jsonl(text=TEXTS, topic=TOPICS) + jsonl(text=TEXTS, intents=[["a", "b"], ["b"]] * 12),
    {"text": "text"},
    ("topic", CLASSES, {"label": "topic"}),
    ("intents", {"kind": "multilabel", "labels": ["a", "b"]}, {"label": "intents"}),
)
case(
    "nested values",
    "f.jsonl",
    jsonl(text=TEXTS, topic=TOPICS, meta=[{"a": {"b": [1]}}] * 24),
    {"text": "text"},
    ("topic", CLASSES, {"label": "topic"}),
    meta="nested",
)
case(
    "doccano's spans",
    "f.jsonl",
    jsonl(id=range(24), text=TEXTS, label=[[[0, 3, "DET"]], []] * 12, Comments=[[]] * 24),
    {"format": "doccano", "text": "text"},
    ("entities", DETERMINERS, {"spans": "spans"}),
)
case(
    "doccano's other spans",
    "f.jsonl",
    jsonl(
        text=TEXTS, entities=[[{"id": 1, "start_offset": 0, "end_offset": 3, "label": "DET"}]] * 24, relations=[[]] * 24
    ),
    {"format": "doccano"},
    ("entities", DETERMINERS, {"spans": "spans"}),
)
case(
    "doccano's classes",
    "f.jsonl",
    jsonl(id=range(24), text=TEXTS, label=[[topic] for topic in TOPICS]),
    {"format": "doccano"},
    ("label", CLASSES, {"label": "label"}),
)
case(
    "prodigy",
    "f.jsonl",
    jsonl(
        text=TEXTS,
        _input_hash=range(24),
        spans=[[{"start": 0, "end": 3, "label": "DET", "token_start": 0}]] * 24,
        answer=["accept", "accept", "reject"] * 8,
    ),
    {"format": "prodigy"},
    ("entities", DETERMINERS, {"spans": "spans"}),
)
case(
    "prodigy's choices",
    "f.jsonl",
    jsonl(text=TEXTS, options=[[]] * 24, accept=[[topic] for topic in TOPICS], answer=["accept"] * 24),
    {"format": "prodigy"},
    ("label", CLASSES, {"label": "label"}),
)
case(
    "label studio",
    "f.json",
    json.dumps(
        [
            {
                "id": 1,
                "data": {"review": text, "batch": 7},
                "annotations": [
                    {
                        "result": [
                            {"type": "labels", "value": {"start": 0, "end": 3, "labels": ["DET"]}},
                            {"type": "choices", "value": {"choices": [topic]}},
                        ]
                    }
                ],
            }
            for text, topic in zip(TEXTS, TOPICS, strict=True)
        ]
    ),
    {"format": "label-studio", "text": "review"},
    ("entities", DETERMINERS, {"spans": "spans"}),
    ("label", CLASSES, {"label": "label"}),
)
case(
    "spacy",
    "f.json",
    json.dumps(
        [
            [text, {"entities": [[0, 3, "DET"]], "cats": {topic: 1.0, "none": 0.0}}]
            for text, topic in zip(TEXTS, TOPICS, strict=True)
        ]
    ),
    {"format": "spacy", "text": "text"},
    ("entities", DETERMINERS, {"spans": "spans"}),
    ("label", CLASSES, {"label": "label"}),
)
case(
    "spacy's several cats",
    "f.json",
    json.dumps([[text, {"cats": {"a": 1.0, "b": float(place % 2)}}] for place, text in enumerate(TEXTS)]),
    {"format": "spacy"},
    ("label", {"kind": "multilabel", "labels": ["a", "b"]}, {"label": "label"}),
)
case(
    "gliner",
    "f.json",
    json.dumps([{"tokenized_text": words, "ner": [[0, 1, "PER"]]} for words in WORDS]),
    {"format": "gliner"},
    ("entities", {"kind": "tagging", "labels": ["PER"]}, {"spans": "spans"}),
)

# Lines
case("conll", "f.conll", conll(WORDS, TAGS), {"format": "conll"}, ("entities", PEOPLE, {"column": 1}))
case(
    "conll with blanks, in a .txt",
    "f.txt",
    conll(WORDS, [["X"] * len(words) for words in WORDS], TAGS, blank=" "),
    {"format": "conll"},
    ("entities", PEOPLE, {"column": 2}),
    **{"column 1": "plain tags"},
)
case(
    "conll without an ending", "emerging", conll(WORDS, TAGS), {"format": "conll"}, ("entities", PEOPLE, {"column": 1})
)
case("conll in a .tsv", "f.tsv", conll(WORDS, TAGS), {"format": "conll"}, ("entities", PEOPLE, {"column": 1}))
case(
    "conll with the words' numbers",
    "f.bio",
    conll([[str(place) for place, _ in enumerate(words, start=1)] for words in WORDS], WORDS, TAGS),
    {"format": "conll", "word_column": 1},
    ("entities", PEOPLE, {"column": 2}),
)
case(
    "parts of speech",
    "f.conll",
    conll(WORDS, [["N" if word[0].isupper() else "V" for word in words] for words in WORDS]),
    {"format": "conll"},
    ("tags", {"kind": "tagging", "scheme": "io", "labels": ["N", "V"]}, {"column": 1}),
)
case(
    "bracket markup",
    "f.txt",
    "[PER : Ada] met a friend\nrain fell\nso [LOC : Oslo] it is\n" * 8,
    {"format": "text", "markup": "text"},
    ("entities", PEOPLE, {"spans": "spans"}),
)
case(
    "jsonl without an ending",
    "f.data",
    jsonl(text=TEXTS, topic=TOPICS),
    {"format": "jsonl"},
    ("topic", CLASSES, {"label": "topic"}),
)

# Packed files, tables in binary, folders
case(
    "gzip",
    "f.csv.gz",
    gzip.compress(table(["text", "topic"], TEXTS, TOPICS).encode()),
    {"format": "csv"},
    ("topic", CLASSES, {"label": "topic"}),
)
case(
    "zstandard",
    "f.jsonl.zst",
    zstandard.compress(jsonl(text=TEXTS, topic=TOPICS).encode()),
    {"format": "jsonl"},
    ("topic", CLASSES, {"label": "topic"}),
)
case(
    "packed conll",
    "f.txt.gz",
    gzip.compress(conll(WORDS, TAGS).encode()),
    {"format": "conll"},
    ("entities", PEOPLE, {"column": 1}),
)
case(
    "parquet",
    "f.parquet",
    lambda path: pq.write_table(pa.table({"text": TEXTS, "topic": TOPICS}), path),
    {"format": "parquet"},
    ("topic", CLASSES, {"label": "topic"}),
)
case("parallel files", "f", lambda path: write(path, {
    "seq.in": "".join(" ".join(words) + "\n" for words in WORDS),
    "seq.out": "".join(" ".join(tags) + "\n" for tags in TAGS), "label": "".join(f"{topic}\n" for topic in TOPICS),
}), {"format": "parallel"}, ("slots", PEOPLE, {"tags": "tags"}), ("label", CLASSES, {"label": "label"}))  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_files_are_taken_for(tmp_path: Path, case: Case) -> None:
    found, raw, _, data = made(tmp_path, write(tmp_path, {case.file: case.content}))
    [(name, own)] = raw["data"].items()
    assert own.items() >= case.keys.items()
    assert own["validation"] == 0.1
    assert own["tasks"] == {task: binding for task, (_, binding) in case.tasks.items()}
    assert raw["tasks"] == {task: task_settings for task, (task_settings, _) in case.tasks.items()}
    left_out = found.sets[0].fields.left_out
    for key, why in case.left_out.items():
        assert why in left_out[key]
    assert sum(survey.rows for survey in data.surveys.values()) > 12
    for task in case.tasks:
        assert data.surveys[name, "train"].labelled[task] > 0


def topics(*more: str, count: int = 24) -> str:
    return jsonl(text=[*texts(count), *more], topic=[*(TOPICS * 100)[:count], *["food" for _ in more]])


@pytest.mark.parametrize(
    ("files", "parts"),
    [
        (["train.jsonl", "valid.jsonl", "test.jsonl"], {"train": 0, "validation": 1, "test": 2}),
        (["news-dev.jsonl", "news_training.jsonl"], {"train": 1, "validation": 0}),
        (["eng.testb", "eng.train", "eng.testa"], {"train": 1, "validation": 2, "test": 0}),
        (["train-00001.jsonl", "train-00002.jsonl", "val.jsonl"], {"train": [0, 1], "validation": 2}),
        (["b.jsonl", "a.jsonl"], {"train": [0, 1]}),
        (["contest.jsonl", "test.jsonl"], {"train": 0, "test": 1}),
        (["train/rows.jsonl", "development/rows.jsonl"], {"train": 0, "validation": 1}),
        (["test.jsonl"], {"train": 0}),
        (["dev.jsonl", "test.jsonl"], {"train": 0, "test": 1}),
    ],
)
def test_names_say_which_split_a_file_is(tmp_path: Path, files: list[str], parts: dict[str, Any]) -> None:
    folder = tmp_path / "news"
    folder.mkdir()
    paths = write(folder, dict.fromkeys(files, topics()))
    _, raw, _, _ = made(folder, paths)
    [(_, own)] = raw["data"].items()
    wanted = {
        split: [f"../{files[number]}" for number in numbers] if isinstance(numbers, list) else f"../{files[numbers]}"
        for split, numbers in parts.items()
    }
    assert {split: own[split] for split in SPLITS if split in own} == {"validation": 0.1, **wanted}


def test_data_sets_are_named_by_what_their_files_have_in_common(tmp_path: Path) -> None:
    for number, (files, name) in enumerate(
        [
            (["news-train.jsonl", "news-dev.jsonl"], "news"),
            (["wnut17train.jsonl"], "wnut17"),
            (["a.jsonl", "b.jsonl"], "d"),
            (["train-00000-of-00001.jsonl"], "d"),
            (["été.jsonl"], "t"),
            (["train.jsonl"], "d"),
        ]
    ):
        folder = tmp_path / str(number) / "d"
        _, raw, _, _ = made(tmp_path, write(folder, dict.fromkeys(files, topics())))
        assert list(raw["data"]) == [name]


def test_a_folder_is_looked_through(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "d/train.jsonl": topics(),
            "d/test.jsonl": topics(),
            "d/classes.txt": "food\n",
            "d/.x.csv": "a,b\n",
            "d/notes.md": "# none\n",
            "d/deep/names.conll": conll(WORDS, TAGS),
        },
    )
    found, raw, _, _ = made(tmp_path, [tmp_path / "d"])
    assert {name: list(own["tasks"]) for name, own in raw["data"].items()} == {"names": ["entities"], "d": ["topic"]}
    assert raw["data"]["d"]["test"] == "../d/test.jsonl"
    assert {path.name: why for path, why in found.left_out.items()} == {"classes.txt": "it holds texts without labels"}


def test_folders_of_hf_datasets(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    tags = datasets.ClassLabel(names=["O", "B-PER", "I-PER"])
    features = datasets.Features(
        {
            "tokens": datasets.Sequence(datasets.Value("string")),
            "topic": datasets.ClassLabel(names=["x", "y"]),
            "ner_tags": datasets.Sequence(tags),
        }
    )
    content = {"tokens": [["Ada", "met", "Bo"], ["hi"]] * 9, "ner_tags": [[1, 0, 1], [0]] * 9, "topic": [1, 0] * 9}
    split = datasets.Dataset.from_dict(content, features=features)
    datasets.DatasetDict({"train": split, "validation": split}).save_to_disk(tmp_path / "saved")
    _, raw, _, _ = made(tmp_path, [tmp_path / "saved"])
    own = raw["data"]["saved"]
    assert (own["format"], own["words"], own["validation"]) == ("datasets", "tokens", "../saved/validation")
    assert own["tasks"] == {"ner_tags": {"tags": "ner_tags"}, "topic": {"label": "topic"}}
    assert raw["tasks"]["topic"]["labels"] == ["x", "y"]


def test_a_field_says_each_rows_split(tmp_path: Path) -> None:
    content = jsonl(text=TEXTS, topic=TOPICS, partition=["train", "train", "dev", "test"] * 6)
    _, raw, _, data = made(tmp_path, write(tmp_path, {"all.jsonl": content}))
    assert raw["data"]["all"]["validation"] == {"path": "../all.jsonl", "where": {"partition": "dev"}}
    assert {split: survey.rows for (_, split), survey in data.surveys.items()} == {
        "train": 12, "validation": 6, "test": 6,
    }  # fmt: skip


def test_labels_of_all_files_are_declared_if_all_rows_were_seen(tmp_path: Path) -> None:
    paths = write(
        tmp_path,
        {
            "train.jsonl": topics(),
            "test.jsonl": topics() + jsonl(text=["a b c"], topic=["law"]),
            "price-train.csv": table(["text", "price"], TEXTS, FLOATS),
            "price-test.csv": table(["text", "price"], TEXTS, [each - 9 for each in FLOATS]),
        },
    )
    _, raw, _, _ = made(tmp_path, paths)
    assert raw["tasks"]["topic"]["labels"] == ["food", "law", "music", "travel"]
    assert raw["tasks"]["price"]["range"] == [-9, 5]


def test_of_a_long_file_the_beginning_is_looked_at(tmp_path: Path) -> None:
    [path] = write(tmp_path, {"train.jsonl": topics(count=2000) + jsonl(text=["a b c"] * 9, topic=["rare"] * 9)})
    found, raw, _, data = made(tmp_path, [path])
    assert raw["tasks"] == {"topic": {"kind": "classification"}}
    assert "there are 'food', 'music', 'travel'" in " ".join(draft(found, path).replace("#", "").split())
    assert "rare" in data.tasks["topic"].labels
    path.write_text(topics(count=2001) + "no JSON, but far away\n")
    assert guess([path]).sets


def test_data_sets_share_a_task_if_its_labels_are_the_same(tmp_path: Path) -> None:
    other = jsonl(text=TEXTS, topic=["rain", "snow"] * 12)
    paths = write(tmp_path, {"a/train.jsonl": topics(), "b/train.jsonl": topics(), "c/train.jsonl": other})
    _, raw, _, _ = made(tmp_path, paths)
    assert {name: list(own["tasks"]) for name, own in raw["data"].items()} == {
        "a": ["topic"], "b": ["topic"], "c": ["topic-c"],
    }  # fmt: skip
    numbers = jsonl(text=TEXTS, label=[0, 1] * 12)
    _, raw, _, _ = made(tmp_path, write(tmp_path, {"a/train.jsonl": numbers, "b/train.jsonl": numbers}))
    assert {name: list(own["tasks"]) for name, own in raw["data"].items()} == {"a": ["label"], "b": ["label-b"]}


def test_files_without_labels_are_left_out(tmp_path: Path) -> None:
    unlabelled = table(["id", "text"], range(24), TEXTS)
    paths = write(
        tmp_path,
        {
            "train.csv": table(["id", "text", "topic"], range(24), TEXTS, TOPICS),
            "test.csv": unlabelled,
            "dev.csv": table(["id", "text", "mood"], range(24), TEXTS, ["a", "b"] * 12),
        },
    )
    found, raw, _, _ = made(tmp_path, paths)
    assert list(raw["tasks"]) == ["topic"]
    assert {path.name: why.split(" (")[0] for path, why in found.left_out.items()} == {
        "test.csv": "no field has labels",
        "dev.csv": "it has labels of no task that there is training data for",
    }


def test_columns_that_hold_the_splits_of_a_sorted_file_or_one_label(tmp_path: Path) -> None:
    content = jsonl(text=texts(2100), label=["bad"] * 2050 + ["good"] * 50)
    _, raw, _, data = made(tmp_path, write(tmp_path, {"train.jsonl": content}))
    assert list(raw["tasks"]) == ["label"]
    assert data.tasks["label"].labels == ("bad", "good")


def test_files_of_one_class_each(tmp_path: Path) -> None:
    paths = write(tmp_path, {f"{name}.jsonl": jsonl(text=TEXTS, label=[name] * 24) for name in ("good", "bad")})
    _, raw, _, _ = made(tmp_path, paths)
    assert raw["tasks"] == {"label": {"kind": "classification", "labels": ["bad", "good"]}}
    refused(paths[:1], r"good\.jsonl: nothing to be learned here: each row has the same label")


def refused(paths: Sequence[Path], match: str) -> None:
    with pytest.raises(UserError, match=match) as caught:
        guess(paths)
    assert all("\n" not in fault for fault in caught.value.faults)


@pytest.mark.parametrize(
    ("file", "content", "match"),
    [
        ("f.jsonl", "", r"f\.jsonl: the file has no rows"),
        ("f.csv", "\n\n", r"f\.csv: the file has no rows"),
        ("f.csv", "text,label\n", r"f\.csv: the file has no rows"),
        ("f.txt", "", r"f\.txt: the file has no rows"),
        ("f.json", "[]", r"f\.json: the file has no rows"),
        ("f.conll", "\n", r"f\.conll: the file has no rows"),
        ("f.jsonl", b'{"text": "a", "l": "\xff"}\n', r"f\.jsonl:1: must be UTF-8 text, found byte 0xff"),
        ("f.csv", b"text,label\na,b\n\xff,x\n", r"f\.csv:3: must be UTF-8 text, found byte 0xff"),
        ("f.jsonl", '{"text": "a"}\n{"text": \n', r"f\.jsonl:2: each line must be one JSON object"),
        ("f.jsonl", "no JSON\n", r"f\.jsonl:1: each line must be one JSON object"),
        ("f.jsonl", "1\n2\n", r"f\.jsonl:1: each row must be a JSON object, found int"),
        ("f.json", '[{"text": "a"}', r"f\.json: must be one JSON document"),
        ("f.json", '"text"', r"f\.json: must hold a list"),
        ("f.csv", "text,label\na,b,c\nd,e\n", r"f\.csv:2: must have 2 columns \(text, label\), found 3"),
        ("f.csv", 'text,label\n"a,b\n', r"f\.csv:2: no readable csv"),
        ("f.csv", "text,text\nsome words here,b\n", "nothing to be learned"),
        ("f.conll", "Ada B-PER\nmet\n", r"f\.conll:2: must have 2 columns"),
        ("f.csv.gz", b"no gzip", r"f\.csv\.gz:1: cannot be read on"),
        ("f.parquet", b"PAR1", r"f\.parquet: no readable parquet"),
        ("f.txt", "one text\nand one more\n", r"f\.txt: nothing to be learned here: it holds texts without labels"),
        (
            "f.txt",
            "".join(f"{n % 2} {text}\n" for n, text in enumerate(TEXTS)),
            "if '0, 1' are labels, put a tab behind",
        ),
        ("f.csv", "a,b\n1,2\n3,4\n5,6\n", r"f\.csv: nothing to be learned here: no field looks like a text"),
        ("f.jsonl", jsonl(id=range(24), text=TEXTS), r"no field has labels \('id': all different"),
        (
            "f.jsonl",
            jsonl(text=TEXTS, answer=["reject"] * 24),
            r"the file has no rows but those whose answer is reject",
        ),
    ],
)
def test_what_cannot_be_guessed_is_said_with_its_place(tmp_path: Path, file: str, content: Content, match: str) -> None:
    refused(write(tmp_path, {file: content}), match)


def test_missing_files_and_empty_folders(tmp_path: Path) -> None:
    refused([tmp_path / "nowhere.csv"], r"nowhere\.csv: no such file or folder")
    (tmp_path / "none").mkdir()
    refused([tmp_path / "none"], "none: holds no data files; their names end in")


def test_questions_are_asked_about_what_is_uncertain(tmp_path: Path) -> None:
    longer = [f"{text} and so on and on for many words" for text in TEXTS][::-1]
    content = table(["c", "d", "up", "down"], TEXTS, longer, [0, 1] * 12, [0, 0, 1] * 8)
    headless = table(None, ["a kite flies over the harbour at noon again", *TEXTS], ["sport", *TOPICS])
    paths = write(tmp_path, {"f.csv": content, "g.csv": headless})
    answers = {"the text?": 1, "say 1 or 0": 1, "'down'": 1}
    asked: list[str] = []

    def choose(question: str, options: Sequence[str]) -> int:
        asked.append(f"{question} {', '.join(options)}")
        return next((answer for key, answer in answers.items() if key in question), 0)

    first, second = guess(paths, choose).sets
    likely = f"d: 17 words on average, such as '{longer[0][:48]}…, c: 9 words on average, such as '{TEXTS[0]}'"
    assert [line.replace(f"{tmp_path}/", "") for line in asked] == [
        f"f.csv: which field is the text? {likely}",
        "f.csv: the fields 'up, down' say 1 or 0; what are they? "
        "one task with several labels, 2 tasks with two classes each",
        "f.csv: is 'up' to be learned? 2 different whole numbers in 24 rows are classes yes, no",
        "f.csv: is 'down' to be learned? 2 different whole numbers in 24 rows are classes yes, no",
        "g.csv: is its first line a header? 'a kite flies over the harbour at noon again, sport' "
        "no, it is the first row, yes, it names the columns",
        "g.csv: is 'column_2' to be learned? 4 different strings in 25 rows are classes yes, no",
    ]
    assert (first.fields.layout["text"].value, list(first.tasks)) == ("c", ["up"])
    assert first.fields.left_out["down"] == "you said so"
    assert second.form.layout["columns"].value == ["column_1", "column_2"]


@given(st.text(), st.text(), st.lists(st.text()))
def test_any_string_is_safe_in_yaml(one: str, other: str, several: list[str]) -> None:
    value = {one: [other, several], other: {"path": one}}
    assert yaml.safe_load(flow(value)) == value
    assert yaml.safe_load(f"a: {flow(one)}  # why\nb: {flow(several)}") == {"a": one, "b": several}


HOSTILE = [
    "",
    "id",
    "text",
    "label",
    "yes",
    "null",
    "1",
    "0x1f",
    "1e3",
    "~",
    "*a",
    "&a",
    "!x",
    "- a",
    "a: b",
    "a # b",
    "[a",
    "{",
    "<<",
    "=",
    "%",
    "@",
    "`",
    "'",
    '"',
    "\\",
    "a\nb",
    "\t",
    "\u2028",
    "\x85",
    "\ufeff",
    "🙂",
    "#",
    "partition",
    "negative",
    "premise",
    "hypothesis",
    "column_2",
    "embedding",
    "[b : c]",
    "é",
    "a" * 2000,
]
names = st.one_of(st.text(max_size=20), st.sampled_from(HOSTILE))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(names, min_size=2, max_size=2, unique_by=lambda name: name.strip()))
def test_any_names_of_columns_give_a_recipe_that_loads(tmp_path: Path, columns: list[str]) -> None:
    lines = jsonl(**dict(zip(columns, (TEXTS, TOPICS), strict=True)))
    assert made(tmp_path, write(tmp_path, {"f.jsonl": lines}))[2].tasks
    try:
        content = table(columns, TEXTS, TOPICS, quoted=True).encode()
    except UnicodeEncodeError:  # which no CSV file can hold
        return
    assert made(tmp_path, write(tmp_path, {"f.csv": content}))[2].tasks


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.text(st.characters(exclude_characters="|;,"), min_size=1, max_size=12), min_size=2, max_size=5, unique=True
    )
)
def test_any_labels_give_a_recipe_that_loads(tmp_path: Path, labels: list[str]) -> None:
    column = (labels * 24)[: 24 * len(labels)]
    sentences = texts(len(column))
    content = jsonl(text=sentences, label=column, tags=[[label] * 2 for label in column])
    _, raw, _, data = made(tmp_path, write(tmp_path, {"f.jsonl": content}))
    assert set(raw["tasks"]["label"].get("labels", labels)) == set(labels)
    assert set(data.tasks["label"].labels) == set(labels)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = st.one_of(
    st.sampled_from([ANYTHING, st.text(max_size=30), st.integers(-3, 9), st.floats(-9, 9), st.booleans()]),
    st.lists(ANYTHING, min_size=1, max_size=3).map(st.sampled_from),
    st.lists(st.text(min_size=1, max_size=9), min_size=1, max_size=4).map(lambda few: st.lists(st.sampled_from(few))),
)
KEYS = st.sampled_from(
    ["text", "label", "tokens", "tags", "score", "spans", "premise", "hypothesis", "split", "a", "id"]
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), st.dictionaries(KEYS, FIELDS, min_size=1, max_size=4), st.integers(1, 30))
def test_any_rows_give_a_recipe_that_reads_or_a_clear_no(
    tmp_path: Path, data: st.DataObject, fields: dict[str, st.SearchStrategy[Any]], count: int
) -> None:
    columns = {name: data.draw(st.lists(values, min_size=count, max_size=count)) for name, values in fields.items()}
    given = rows(sentence=texts(count), **columns)
    for row, key in data.draw(st.lists(st.tuples(st.sampled_from(given), st.sampled_from([*fields])), max_size=9)):
        row.pop(key, None)
    [path] = write(tmp_path, {"f.jsonl": "".join(json.dumps(row) + "\n" for row in given)})
    try:
        guess([path])
    except UserError as error:
        refusal = error.faults[0]
    else:
        made(tmp_path, [path])
        return
    assert "nothing to be learned" in refusal


def test_large_files_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("polyhead.recipe.draft.LARGE", 1000)
    paths = write(tmp_path, {"train.jsonl": topics(), "dev.jsonl": topics()})
    _, raw, _, _ = made(tmp_path, paths)
    assert next(iter(raw["data"].values()))["stream"] is True
    found, raw, _, _ = made(tmp_path, paths[:1])
    assert "stream" not in next(iter(raw["data"].values()))
    assert "stream: true would leave the rows in the files" in draft(found, tmp_path / "r.yaml")
    packed = gzip.compress("".join(jsonl(text=texts(400), topic=["a", "b"] * 200)).encode(), compresslevel=0)
    _, raw, _, _ = made(tmp_path, write(tmp_path / "p", {"train.jsonl.gz": packed, "dev.jsonl.gz": packed}))
    assert "stream" not in next(iter(raw["data"].values()))


def test_hostile_names_of_files(tmp_path: Path) -> None:
    for number, name in enumerate(["a\nb: c.jsonl", "#x.jsonl", "- '\".jsonl", "0.5", "[PER : x].jsonl", " .jsonl"]):
        folder = tmp_path / str(number)
        folder.mkdir()
        _, raw, _, _ = made(folder, write(folder, {name: topics()}))
        [own] = raw["data"].values()
        assert own["train"] == f"../{name}"
