"""Wrong recipes, files, folders and arguments: each ends in clear lines with their places and leaves nothing behind."""

import copy
import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from polyhead.cli import main
from polyhead.starter import FOLDER

RECIPE: dict[str, Any] = {
    "model": {"backbone": "tiny"},
    "tasks": {"topic": {"kind": "classification"}, "names": {"kind": "tagging"}},
    "data": {
        "own": {
            "format": "jsonl",
            "train": "train.jsonl",
            "validation": "validation.jsonl",
            "tasks": {"topic": {}, "names": {"spans": "entities"}},
        }
    },
    "training": {"epochs": 1, "bf16": False},
}
ROW = '{"text": "Anna went to Oslo.", "topic": "travel", "entities": [{"start": 0, "end": 4, "type": "PERSON"}]}\n'
OTHER = '{"text": "The vote was close.", "topic": "politics", "entities": []}\n'
FILES: Any = {"train__jsonl": ROW + OTHER, "validation__jsonl": ROW + OTHER}


@dataclass(frozen=True)
class Case:
    """What is wrong, the arguments, and what the lines must say. ``files`` are written into an empty folder first."""

    name: str
    arguments: tuple[str, ...]
    says: str
    files: dict[str, str | bytes]
    status: int = 1
    faults: int = 1


CASES: list[Case] = []


def case(name: str, says: str, *arguments: str, status: int = 1, faults: int = 1, **files: str | bytes) -> None:
    renamed = {key.replace("__", "."): content for key, content in files.items()}
    CASES.append(Case(name, arguments, says, renamed, status, faults))


def recipe(name: str, says: str, changes: dict[str, Any], *more: str, faults: int = 1, **files: str | bytes) -> None:
    """A fault in a recipe: ``changes`` maps dotted keys to values; ``None`` takes the key away."""
    document = copy.deepcopy(RECIPE)
    for key, value in changes.items():
        *path, last = key.split(".")
        target = document
        for part in path:
            target = target.setdefault(part, {})
        if value is None:
            target.pop(last, None)
        else:
            target[last] = value
    text = yaml.safe_dump(document, sort_keys=False)
    written: Any = {"recipe__yaml": text, **files}
    case(name, says, "train", "recipe.yaml", "--output", "run", *more, faults=faults, **written)


def below(files: dict[str, str]) -> Any:
    """Files whose names no keyword can have."""
    return files


# The recipe's file
case("no such recipe", r"nowhere\.yaml: no such file", "train", "nowhere.yaml")
case("broken YAML", r"recipe\.yaml:3: no readable YAML", "train", "recipe.yaml", recipe__yaml="tasks:\n  a: [1\nb: }")
case("no mapping", r"a recipe is a mapping with model, tasks", "train", "recipe.yaml", recipe__yaml="- a\n")
case("not UTF-8", r"recipe\.yaml: cannot be read as UTF-8", "train", "recipe.yaml", recipe__yaml=b"\xff\xfe\x00")
case("a key twice", r"r\.yaml:2: the key 'a' stands here twice", "train", "r.yaml", r__yaml="x: {a: 1,\n a: 2}")
case("a folder as recipe", r"cannot be read", "train", ".")
case("an empty recipe", r"a recipe is a mapping", "train", "recipe.yaml", recipe__yaml="")
case("a python object", r"no readable YAML", "train", "r.yaml", r__yaml="tasks: !!python/object/apply:os.getcwd []")
# The recipe's keys
recipe(
    "an unknown section", r"recipe\.yaml:\d+: modle: there is no such key; did you mean model\?", {"modle": {"a": 1}}
)
recipe("an unknown key", r"training\.epoch: there is no such key; did you mean epochs\?", {"training.epoch": 3})
recipe("another library's spelling", r"num_train_epochs is spelled epochs here", {"training.num_train_epochs": 3})
recipe("a text for a number", r"training\.epochs: .*integer.*found 'many'", {"training.epochs": "many"})
recipe("a negative rate", r"training\.learning_rate: .*greater than or equal to 0", {"training.learning_rate": -1})
recipe("no epochs", r"training\.epochs: .*greater than or equal to 1", {"training.epochs": 0})
recipe("an unknown sampling", r"training\.sampling: .*'proportional'", {"training.sampling": "fair"})
recipe("no accumulation", r"gradient_accumulation_steps: .*1; found 0", {"training.gradient_accumulation_steps": 0})
recipe("two precisions", r"give either fp16 or bf16", {"training.fp16": True, "training.bf16": True})
recipe("an unknown tracker", r"training\.report_to.*'tensorboard'", {"training.report_to": ["paper"]})
recipe("no checkpoint kept", r"save_total_limit: .*1; found 0", {"training.save_total_limit": 0})
recipe("fp16 on a CPU", r"training\.fp16: needs a GPU", {"training.fp16": True}, "--device", "cpu", **FILES)
recipe(
    "a score that is none",
    r"training\.score: must be of loss, topic\.accuracy",
    {"training.score": "topic.f2"},
    **FILES,
)
recipe(
    "a plan for nobody",
    r"training\.plan: freeze takes backbone, encoder, topic, names",
    {"training.plan": {"freeze": ["x"]}},
    **FILES,
)
recipe("all frozen", r"everything is frozen", {"training.plan": {"freeze": ["backbone", "topic", "names"]}},
       **FILES)  # fmt: skip
recipe("no tasks", r"tasks: must map task names", {"tasks": None, "data.own.tasks": None})
recipe(
    "a task's name", r"tasks\.Topic: a task's name must match", {"tasks.Topic": {"kind": "classification"}}, faults=1
)
recipe("the reserved name", r"tasks\.embedding: .*not be embedding", {"tasks.embedding": {"kind": "classification"}})
recipe("an unknown kind", r"tasks\.topic\.kind: must be one of classification, multilabel",
       {"tasks.topic.kind": "ner"})  # fmt: skip
recipe("labels twice", r"labels must differ", {"tasks.topic.labels": ["a", "a"]})
recipe("tags as types", r"entity types \(PER\), not tags", {"tasks.names.labels": ["B-PER"]})
recipe("no data", r"data: must map data sets' names", {"data": None})
recipe("an unknown format", r"data\.own\.format: must be one of jsonl, json, csv", {"data.own.format": "xlsx"})
recipe("no split", r"a data set needs at least one of train", {"data.own.train": None, "data.own.validation": None})
recipe("a task that is not declared", r"no such task; declared are: topic, names", {"data.own.tasks.mood": {}})
recipe("a task without data", r"tasks\.mood: no data set has labels", {"tasks.mood": {"kind": "classification"}})
recipe("a share of more than all", r"must be between 0 and 1", {"data.own.validation": 1.5})
recipe(
    "a share of a stream", r"a share is cut off train in memory", {"data.own.stream": True, "data.own.validation": 0.2}
)
recipe(
    "a sample of a stream", r"drawn in memory", {"data.own.train": {"path": "t", "sample": {"rows": 1}, "stream": True}}
)
recipe("two kinds of sample", r"either per_class or rows", {"data.own.train": {"path": "t", "sample": {}}})
recipe("an unknown pooling", r"model\.pooling: .*'mean', 'cls'", {"model.pooling": "sum"})
recipe("faults all at once", r"(?s)training\.epochs.*", {"training.epochs": 0, "model.pooling": "sum"}, faults=2)
# The recipe's files
recipe("no such data", r"train\.jsonl: no such file; paths are relative", {"data.own.validation": None})
recipe("an empty file", r"train\.jsonl: the file has no rows", {"data.own.validation": None}, train__jsonl="")
recipe("no JSON", r"train\.jsonl:2: each line must be one JSON object", {"data.own.validation": None},
       train__jsonl=ROW + "{'text': 1}\n")  # fmt: skip
recipe("no object", r"train\.jsonl:1: each row must be a JSON object, found list", {"data.own.validation": None},
       train__jsonl="[1]\n")  # fmt: skip
recipe("a wrong column", r"train\.jsonl:1: no field 'body' for the text; there are: 'text", faults=2,
       changes={"data.own.text": "body", "data.own.validation": None}, train__jsonl=ROW + ROW)  # fmt: skip
recipe("no such label field", r"no field 'subject' for task topic", {"data.own.validation": None,
       "data.own.tasks.topic": {"label": "subject"}}, train__jsonl=ROW)  # fmt: skip
recipe("a label that no map has", r"task topic maps the labels x; found 'travel'", {"data.own.validation": None,
       "data.own.tasks.topic": {"labels": {"x": "y"}}}, train__jsonl=ROW)  # fmt: skip
recipe("an undeclared label", r"task topic has the labels 'a, politics'; found 'travel'",
       {"data.own.validation": None,
       "tasks.topic.labels": ["a", "politics"]}, train__jsonl=ROW)  # fmt: skip
recipe("a label unseen in training", r"validation\.jsonl:1: task topic has the labels 'tech, travel'; found 'pol", {},
       train__jsonl=ROW + ROW.replace("travel", "tech"), validation__jsonl=OTHER)  # fmt: skip
recipe("a span without a type", r"must have start/start_offset and end/end_offset and type/label",
       {"data.own.validation": None}, train__jsonl=ROW.replace('"type"', '"typ"'))  # fmt: skip
recipe("bad bytes", r"train\.jsonl:2: must be UTF-8 text, found byte 0xe9", {"data.own.validation": None},
       train__jsonl=ROW.encode() + b'{"text": "caf\xe9"}\n')  # fmt: skip
recipe("text that is none", r"the text in text must be a string, found 3", {"data.own.validation": None},
       train__jsonl='{"text": 3, "topic": "a", "entities": []}\n')  # fmt: skip
recipe("a csv of another width", r"t\.csv:3: must have 2 columns \(text, topic\), found 3", {
       "data": {"own": {"format": "csv", "train": "t.csv", "tasks": {"topic": {}}}}, "tasks.names": None},
       t__csv="text,topic\na,b\na,b,c\n")  # fmt: skip
recipe("a streamed fault", r"t\.csv:3: must have 2 columns", {"tasks.names": None,
       "data": {"own": {"format": "csv", "stream": True, "train": "t.csv", "tasks": {"topic": {}}}}},
       t__csv="text,topic\na,b\na,b,c\n")  # fmt: skip
recipe("columns that stop short", r"c\.conll:2: must have 2 columns like the lines above, found 1", {
       "data": {"own": {"format": "conll", "train": "c.conll", "tasks": {"names": {}}}}, "tasks.topic": None},
       c__conll="Anna B-PER\nwent\n")  # fmt: skip
recipe("no labels at all", r"task topic: no row of the training data has a label", {"data.own.validation": None},
       train__jsonl='{"text": "a", "topic": null, "entities": [{"start": 0, "end": 1, "type": "X"}]}\n')  # fmt: skip
recipe("no training data", r"no data set has a train split", {"data.own.train": None}, validation__jsonl=ROW)
recipe("patience without validation", r"early_stopping_patience: needs validation data", {"data.own.validation": None,
       "training.early_stopping_patience": 1}, train__jsonl=ROW + OTHER)  # fmt: skip
# Models and folders
recipe("no such backbone", r"'\./nowhere': no such folder", {"model.backbone": "./nowhere"}, **FILES)
recipe("one class alone", r"task topic: a classification needs two labels or more, found only 'travel'",
       {"data.own.validation": None}, train__jsonl=ROW)  # fmt: skip
recipe(
    "an infinite rate",
    r"training\.learning_rate: input should be a finite number",
    {"training.learning_rate": float("inf")},
)
recipe("a weight that is no number", r"tasks\.topic\.weight: input should be a finite number",
       {"tasks.topic.weight": float("nan")})  # fmt: skip
recipe("a seed beyond all numbers", r"training\.seed: input should be less than", {"training.seed": 2**70})
recipe(
    "a huge projection", r"model\.projection: input should be less than or equal to 65536", {"model.projection": 10**11}
)
recipe(
    "a device that cannot compute",
    r"device: must be one that torch can use here, found 'meta'",
    {},
    "--device",
    "meta",
    **FILES,
)
recipe(
    "a regression without a range", r"tasks\.topic\.range: this key is missing", {"tasks.topic": {"kind": "regression"}}
)
recipe(
    "a range upside down",
    r"tasks\.topic\.range: range must be two numbers",
    {"tasks.topic": {"kind": "regression", "range": [5, 0]}},
)
recipe("a number out of its range", r"train\.jsonl:1: topic must be a number from 0 to 1",
       {"tasks.topic": {"kind": "regression", "range": [0, 1]}, "data.own.validation": None},
       train__jsonl=ROW.replace('"travel"', "7"))  # fmt: skip
recipe("a pair of one text", r"two texts a row are needed for it; name the second one's field: text_pair",
       {"tasks.topic": {"kind": "similarity", "range": [0, 5]}})  # fmt: skip
recipe("labels of what has none", r"tasks\.topic\.labels: a task of this kind has no labels",
       {"tasks.topic": {"kind": "regression", "range": [0, 1], "labels": ["a"]}})  # fmt: skip
recipe("mixed layers of an embedding", r"layers: mix reads token states",
       {"tasks.topic": {"kind": "classification", "layers": "mix", "input": "embedding"}})  # fmt: skip
recipe(
    "a crf with smoothing",
    r"crf has a loss of its own",
    {"tasks.names": {"kind": "tagging", "crf": True, "label_smoothing": 0.1}},
)
recipe("a batch of none", r"data\.own\.batch_size: must be a whole number of at least 1", {"data.own.batch_size": 0})
recipe(
    "where of no field", r"train\.jsonl:1: no field 'part' for where", {"data.own.where": {"part": "train"}}, **FILES
)
recipe("a folder that is taken", r"run: a run needs a new or empty folder", {"data.own.validation": None},
       train__jsonl=ROW + OTHER, **below({"run/notes.txt": "mine"}))  # fmt: skip
recipe("no such model to go on from", r"nowhere", {"data.own.validation": None}, "--from", "./nowhere",
       train__jsonl=ROW + OTHER)  # fmt: skip
case("no run to go on with", r"here: no run to go on with, run\.json is missing", "train", "--resume", "here")
case("a broken run", r"run\.json: no readable JSON", "train", "--resume", "run", **below({"run/run.json": "{"}))
case("no such model", r"nowhere", "predict", "./nowhere", "text")
case("an empty folder as model", r"polyhead: ", "info", "empty", **below({"empty/x": ""}))
case("an unknown device", r"polyhead: .*abacus", "encode", "tiny", "text", "--output", "x.npy", "--device", "abacus")
case("an unknown dtype", r"polyhead: .*int3", "encode", "tiny", "text", "--output", "x.npy", "--dtype", "int3")
case("a model without heads", r"no head to run", "predict", "tiny", "text")
case("nothing to evaluate", r"has no heads to evaluate", "evaluate", "tiny", "--data", "x.jsonl")
case("texts that are not UTF-8", r"texts\.txt:2: must be UTF-8", "encode", "tiny", "texts.txt", "--output", "x.npy",
     texts__txt=b"fine\n\xff\n")  # fmt: skip
case("a file without text", r"empty\.txt: holds no text", "encode", "tiny", "empty.txt", "--output", "x.npy",
     empty__txt="\n \n")  # fmt: skip
case("an unknown ending", r"x\.docx", "encode", "tiny", "text", "--output", "x.docx")
case("a missing folder to write into", r"polyhead: ", "encode", "tiny", "text", "--output", "file/x.npy", file="")
# Arguments
case("no such verb", r"No such command 'trian'", "trian", status=2)
case("no such option", r"--sed", "train", "recipe.yaml", "--sed", "1", status=2)
case("no argument", r"give a recipe, or --resume RUN", "train", "--json", status=2)
case(
    "resume elsewhere", r"--resume goes on in the run's own folder", "train", "--resume", "a", "--output", "b", status=2
)
case("an override without a value", r"needs a value", "train", "recipe.yaml", "--training.epochs", status=2)
case("an override of nothing", r"--training\.epochs\.x: epochs is no mapping", "train", "r.yaml",
     "--training.epochs.x=1", r__yaml=yaml.safe_dump(RECIPE))  # fmt: skip
case("an override that is no YAML", r"--training\.epochs: the value must be YAML", "train", "r.yaml",
     "--training.epochs=[", r__yaml=yaml.safe_dump(RECIPE))  # fmt: skip
case("neither recipe nor data", r"give a recipe, or --data FILE", "evaluate", "tiny", status=2)
case("an unknown split", r"'dev' is not one of", "evaluate", "tiny", "recipe.yaml", "--split", "dev", status=2)
case("check of no recipe", r"nowhere\.yaml: no such file", "check", "nowhere.yaml")


def test_there_are_at_least_sixty_of_them_and_no_two_alike() -> None:
    assert len(CASES) >= 60
    assert len({each.name for each in CASES}) == len(CASES)


@pytest.mark.parametrize("wrong", CASES, ids=lambda each: each.name)
def test_bad_input_ends_in_clear_lines(
    wrong: Case,
    backbones: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "tiny").symlink_to(backbones("bert"))
    for name, content in wrong.files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["polyhead", *wrong.arguments])
    with pytest.raises(SystemExit) as stop:
        main()
    out, err = capfd.readouterr()
    assert stop.value.code == wrong.status, err
    assert re.search(wrong.says, err), err
    assert "Traceback" not in out + err
    assert sorted(tmp_path.rglob("*")) == before, "nothing half-written"
    if wrong.status == 1:
        faults = [line for line in err.splitlines() if line.startswith("polyhead: ")]
        assert len(faults) == wrong.faults, err
        assert all(len(line) < 500 for line in faults)


def test_every_fault_of_a_recipe_has_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    text = "model: {pooling: sum}\ntasks:\n  topic: {kind: ner}\ndata: 3\ntraining:\n  epochs: 0\n  lr: 1\n"
    (tmp_path / "recipe.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["polyhead", "train", "recipe.yaml"])
    with pytest.raises(SystemExit):
        main()
    lines = [line.split(": ")[1] for line in capfd.readouterr().err.splitlines() if line.startswith("polyhead: ")]
    assert sorted(lines) == [f"recipe.yaml:{number}" for number in (1, 3, 4, 6, 7)]


def test_the_rows_of_this_file_are_right(tmp_path: Path) -> None:
    """Or the cases would fail for another reason than the one that they name."""
    assert [json.loads(line)["topic"] for line in (ROW, OTHER)] == ["travel", "politics"]
    assert (FOLDER / "train.jsonl").is_file()
