import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from polyhead.data.faults import FaultLog
from polyhead.data.readers import Binding, Sample
from polyhead.data.readers.csv import CsvSource
from polyhead.errors import UserError
from polyhead.kinds import ClassificationTask, TaggingTask
from polyhead.recipe import Recipe, load_recipe
from polyhead.recipe.data import prepare, read_data
from polyhead.training import TrainingSettings

EXAMPLE = Path(__file__).parents[2] / "benchmarks" / "recipes" / "agnews-conll.yaml"

GOOD = """\
model:
  max_length: 16
tasks:
  topic:
    kind: classification
  ner:
    kind: tagging
data:
  news:
    format: csv
    text: text
    train: news.csv
    test:
      path: test.csv
      sample: {rows: 1}
    tasks:
      topic:
        label: label
  people:
    format: conll
    train: people.conll
    tasks: {ner: {}}
training:
  epochs: 2
  seed: 7
"""


def line_of(text: str, part: str) -> int:
    """The number of the one line with this part."""
    [number] = [number for number, line in enumerate(text.split("\n"), start=1) if part in line]
    return number


def load(folder: Path, text: str = GOOD, overrides: Mapping[str, str] | None = None) -> Recipe:
    path = folder / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return load_recipe(path, overrides=overrides)


def faults(folder: Path, text: str, overrides: Mapping[str, str] | None = None) -> list[str]:
    """Every fault, without the folder's name."""
    with pytest.raises(UserError) as caught:
        load(folder, text, overrides)
    return [fault.replace(f"{folder}{os.sep}", "") for fault in caught.value.faults]


def changed(*changes: tuple[str, str]) -> str:
    """The good recipe with parts replaced."""
    text = GOOD
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} must stand once in the good recipe"
        text = text.replace(old, new)
    return text


def csv_source(recipe: Recipe, split: str, name: str = "news") -> CsvSource:
    source = recipe.data[name].sources[split]
    assert isinstance(source, CsvSource)
    return source


def test_a_good_recipe(tmp_path: Path) -> None:
    recipe = load(tmp_path)
    assert (recipe.name, recipe.root) == ("recipe", tmp_path)
    assert recipe.model.max_length == 16
    assert recipe.tasks == {"topic": ClassificationTask(), "ner": TaggingTask()}
    assert recipe.training == TrainingSettings(epochs=2, seed=7)
    assert list(recipe.data) == ["news", "people"]
    assert set(recipe.data["news"].sources) == {"train", "test"}
    assert csv_source(recipe, "train").tasks == {"topic": Binding(label="label")}


def test_the_example_is_a_good_recipe() -> None:
    recipe = load_recipe(EXAMPLE, data_root="/elsewhere")
    assert recipe.root == Path("/elsewhere")
    assert recipe.model.pooling == "mean"
    assert {name: task.kind for name, task in recipe.tasks.items()} == {
        "topic": "classification",
        "entities": "tagging",
    }
    assert recipe.data["news"].shares == {"validation": 0.2}
    train, test = csv_source(recipe, "train"), csv_source(recipe, "test")
    assert train.sample == Sample(per_class=3000)
    assert (train.text, test.text) == (("text",), ("title", "description"))
    assert test.columns == ("label", "title", "description")
    assert train.tasks["topic"].labels == {"0": "World", "1": "Sports", "2": "Business", "3": "Sci/Tech"}
    assert test.tasks["topic"].labels == {"1": "World", "2": "Sports", "3": "Business", "4": "Sci/Tech"}
    assert recipe.data["conll"].sources["test"].path == ("conll2003/test.txt",)
    assert recipe.training.learning_rate == float(recipe.raw["training"]["learning_rate"])


def test_sections_that_need_nothing_may_be_left_out(tmp_path: Path) -> None:
    text = changed(("model:\n  max_length: 16\n", ""), ("training:\n  epochs: 2\n  seed: 7\n", "training:\n"))
    assert load(tmp_path, text).training == TrainingSettings()


def test_yaml_anchors_and_merges_are_read(tmp_path: Path) -> None:
    text = changed(("    tasks: {ner: {}}", "    tasks: &both {ner: {column: 1}}\n  more:\n    <<: {format: conll}"))
    text = text.replace("training:\n", "    train: more.conll\n    tasks: *both\ntraining:\n")
    assert load(tmp_path, text).data["more"].sources["train"].tasks == {"ner": Binding(column=1)}


SINGLE: list[tuple[str, str, str, str]] = [
    # what stands in the good recipe, what stands there instead, a part of the line that is to blame, of the message
    ("model:\n", "modle:\n", "modle:", "modle: there is no such key; did you mean model?"),
    ("max_length: 16", "max_lenght: 16", "max_lenght", "model.max_lenght: .* did you mean max_length?"),
    ("max_length: 16", "foo: 16", "foo: 16", "model.foo: .* known are: backbone, fallback, pooling"),
    ("max_length: 16", "max_length: 2", "max_length: 2", "model.max_length: .* greater than or equal to 3; found 2"),
    ("max_length: 16", "max_length: many", "max_length: many", "model.max_length: .* valid integer.*; found 'many'"),
    ("max_length: 16", "pooling: avg", "pooling: avg", "model.pooling: .*'mean', 'cls', 'max'.*; found 'avg'"),
    ("model:\n  max_length: 16", "model: mini", "model: mini", "model: .* valid dictionary.*; found 'mini'"),
    ("model:\n  max_length: 16", "model: [mini]", "model: [mini]", "model: "),
    ("model:\n  max_length: 16", "model: 0", "model: 0", "model: .*found 0"),
    (
        "    kind: tagging",
        "    kind: tagging\n  NER: {}",
        "  NER:",
        r"tasks.NER: a task's name must match \[a-z0-9_-\]\+",
    ),
    ("    kind: tagging", "    kind: tagging\n  embedding: {}", "embedding:", "tasks.embedding: .* not be embedding"),
    ("    kind: tagging", "    kind: tagging\n  7: {}", "  7:", "tasks.7: a task's name must match"),
    ("kind: tagging", "kind: regresion", "kind: regresion", "tasks.ner.kind: .*pairs, tagging; found 'regr"),
    ("kind: tagging", "labels: [PER]", "  ner:", "tasks.ner.kind: .*; found None"),
    ("    kind: tagging", "    - tagging", "  ner:", "tasks.ner.kind: must be one of"),
    ("kind: tagging", "kind: tagging\n    labels: [B-X]", "labels: [B-X]", "tasks.ner.labels: .* types .*, not tags"),
    ("kind: tagging", "kind: tagging\n    labels: [X, X]", "labels: [X, X]", "tasks.ner.labels: labels must differ"),
    ("kind: tagging", "kind: tagging\n    labels: [X, yes]", "labels: [X, yes]", "tasks.ner.labels.1: .*found True"),
    ("kind: tagging", "kind: tagging\n    weight: 0", "weight: 0", "tasks.ner.weight: .* greater than 0; found 0"),
    ("kind: tagging", "kind: tagging\n    scheme: bioes", "scheme: bioes", "tasks.ner.scheme: .*'iob2' or 'io'"),
    ("kind: tagging", "kind: tagging\n    wieght: 1", "wieght: 1", "tasks.ner.wieght: .* did you mean weight?"),
    ("format: csv", "format: excel", "format: excel", "data.news.format: .* jsonl, json, csv.*; found 'excel'"),
    ("    format: conll\n", "", "    train: people", "data.people.*format: must be one of .*; found None"),
    ("train: news.csv", "train: 3", "train: 3", "data.news.train: must be a path, paths, .*; found 3"),
    ("train: news.csv", "train:", "    train:$", "data.news.train: must be a path.*; found None"),
    ("train: news.csv", "train: []", "train: []", "data.news.train"),
    ("train: news.csv", "train: 0.5", "train: 0.5", "data.news.train: .*found 0.5"),
    ("sample: {rows: 1}", "sampel: {}", "sampel:", "data.news.test.sampel: .* did you mean sample?"),
    ("path: test.csv\n      ", "", "    test:", "data.news.test.path: this key is missing"),
    ("{rows: 1}", "{rows: 0}", "{rows: 0}", "data.news.test.sample.rows: .*; found 0"),
    ("{rows: 1}", "{rows: 1, perclass: 1}", "{rows", "data.news.test.sample.perclass: .* did you mean per_class?"),
    ("{rows: 1}", "{}", "sample: {}", "data.news.test.sample: .*rows"),
    ("{rows: 1}", "{rows: 1, per_class: 1}", "per_class", "data.news.test.sample.*: .*per_class"),
    (
        "    train: news.csv",
        "    sample: {rows: 3}\n    train: news.csv",
        "{rows: 3}",
        "data.news.sample: belongs below",
    ),
    ("    train: news.csv", "    valid: v.csv\n    train: news.csv", "valid:", "data.news.valid: there is no such key"),
    ("    train: news.csv", "    delimiter: tab\n    train: news.csv", "tab", "data.news.delimiter: .*at most 1 char"),
    ("    train: people.conll\n", "", "  people:", "data.people: a data set needs at least one of train, valid"),
    ("    train: people.conll", "    validation: 0.2", "validation: 0.2", "data.people.validation: .*train be there"),
    (
        "    train: news.csv",
        "    train: news.csv\n    validation: 1.5",
        "validation: 1.5",
        "between 0 and 1.*found 1.5",
    ),
    ("        label: label", "        lable: label", "lable", "data.news.tasks.topic.lable: .* did you mean label?"),
    ("        label: label", "        labels: [a, b]", "labels: [a", "data.news.tasks.topic.labels: .*dictionary"),
    ("      topic:\n", "      topics:\n", "      topics:", "topics: no such task; declared are: topic, ner"),
    ("      topic:\n        label: label", "      topic: label", "topic: label", "data.news.tasks.topic: .*'label'"),
    ("tasks: {ner: {}}", "tasks: [ner]", "tasks: [ner]", "data.people.tasks: .*found \\['ner'\\]"),
    ("tasks: {ner: {}}", "tasks: {}", "  ner:", "tasks.ner: no data set has labels for this task"),
    ("tasks: {ner: {}}", "tasks: {ner: {column: B}}", "column: B", "data.people.tasks.ner.column: .*found 'B'"),
    ("format: conll", "format: conll\n    columns: [a]", "columns: [a]", "data.people.columns: there is no such key"),
    ("epochs: 2", "epochs: 0", "epochs: 0", "training.epochs: .* greater than or equal to 1; found 0"),
    ("epochs: 2", "epochs: 1.5", "epochs: 1.5", "training.epochs: .* fractional part; found 1.5"),
    ("epochs: 2", "epoch: 2", "epoch: 2", "training.epoch: .* did you mean epochs?"),
    ("epochs: 2", "sampling: random", "sampling: random", "training.sampling: .*'round_robin'"),
    ("epochs: 2", "bf16: maybe", "bf16: maybe", "training.bf16: .*'auto'.*; found 'maybe'"),
    ("epochs: 2", "plan: half", "plan: half", "training.plan: .*'full', .*'probe'.*; found 'half'"),
    ("epochs: 2", "score: 3", "score: 3", "training.score: .*found 3"),
    ("epochs: 2", "learning_rate: -1", "learning_rate: -1", "training.learning_rate: .*found -1"),
    ("training:\n  epochs: 2\n  seed: 7", "training: []", "training: []", "training: .*found"),
    ("epochs: 2", "num_train_epochs: 2", "num_train_epochs", "training.*num_train_epochs is spelled epochs here"),
    ("epochs: 2", "lr: 2", "lr: 2", "training.*lr is spelled learning_rate here"),
    ("epochs: 2", "per_device_train_batch_size: 2", "per_device", "training.*is spelled batch_size here"),
    ("epochs: 2", "metric_for_best_model: loss", "metric_for", "training.*metric_for_best_model is spelled score here"),
    ("epochs: 2", "freeze: [backbone]", "freeze:", r"training.*freeze is spelled plan: \{freeze: \[…\]\} here"),
]


@pytest.mark.parametrize(("old", "new", "blamed", "says"), SINGLE, ids=[new.strip() for _, new, _, _ in SINGLE])
def test_one_fault(tmp_path: Path, old: str, new: str, blamed: str, says: str) -> None:
    text = changed((old, new))
    [fault] = faults(tmp_path, text)
    places = [number for number, line in enumerate(text.split("\n"), start=1) if re.search(blamed_as(blamed), line)]
    place, _, message = fault.partition(": ")
    assert re.search(says.replace("?", r"\?"), message), fault
    assert place == f"recipe.yaml:{places[0]}", fault


def blamed_as(part: str) -> str:
    """A pattern for a part of a line; a closing $ keeps its meaning."""
    return re.escape(part.removesuffix("$")) + ("$" if part.endswith("$") else "")


@pytest.mark.parametrize(
    ("plan", "place"),
    [
        ("{layers: []}", "layers"),
        ("{layers: [true]}", "layers"),
        ("{thaw: {epochs: []}}", "thaw.epochs"),
        ("{thaw: {layers: true}}", "thaw.layers"),
        ("{top: true}", "top"),
        ("{rates: {topic: false}}", "rates.topic"),
    ],
)
def test_a_plan_of_nothing_or_of_truths_is_one_fault(tmp_path: Path, plan: str, place: str) -> None:
    [fault] = faults(tmp_path, changed(("epochs: 2", f"plan: {plan}")))
    assert f": training.plan.{place}: " in fault
    assert "takes no true or false; found" in fault or "at least 1 item" in fault


@pytest.mark.parametrize(
    ("new", "says"),
    [
        ("plan: {freez: [backbone]}", "freez"),
        ("plan: {freeze: []}", "freeze"),
        ("plan: {freeze: backbone}", "freeze"),
        ("score: {topic.accuracy: high}", "topic.accuracy"),
    ],
)
def test_faults_within_a_choice_of_shapes_speak_of_the_recipe(tmp_path: Path, new: str, says: str) -> None:
    """Not of the classes that pydantic tried."""
    text = changed(("epochs: 2", new))
    found = faults(tmp_path, text)
    places = {tuple(fault.split(": ")[:2]) for fault in found}
    key = new.partition(":")[0]
    allowed = {f"training.{key}", f"training.{key}.{says}", f"training.{key}.freeze"}
    assert {line for line, _ in places} == {f"recipe.yaml:{line_of(text, new)}"}
    assert {place for _, place in places} <= allowed, found
    assert any(says in fault for fault in found)


def test_all_faults_come_at_once_with_their_lines(tmp_path: Path) -> None:
    text = changed(
        ("max_length: 16", "max_length: 16\n  poling: mean\n  projection: 0"),
        ("kind: classification", "kind: classification\n    dropout: 2"),
        ("kind: tagging", "kind: taging"),
        ("train: news.csv", "train: 3"),
        ("{rows: 1}", "{rows: none}"),
        ("format: conll", "format: conl"),
        ("epochs: 2", "epochs: -1"),
        ("seed: 7", "seed: x\nextra: 1"),
    )
    found = {tuple(fault.split(": ")[:2]) for fault in faults(tmp_path, text)}
    wanted = {
        ("poling: mean", "model.poling"),
        ("projection: 0", "model.projection"),
        ("dropout: 2", "tasks.topic.dropout"),
        ("kind: taging", "tasks.ner.kind"),
        ("train: 3", "data.news.train"),
        ("rows: none", "data.news.test.sample.rows"),
        ("format: conl", "data.people.format"),
        ("epochs: -1", "training.epochs"),
        ("seed: x", "training.seed"),
        ("extra: 1", "extra"),
    }
    assert found == {(f"recipe.yaml:{line_of(text, part)}", place) for part, place in wanted}


def test_every_foreign_spelling_is_told_beside_other_faults(tmp_path: Path) -> None:
    found = faults(tmp_path, changed(("epochs: 2", "num_train_epochs: 2\n  lr: 1"), ("seed: 7", "seed: -7")))
    assert [next((part for part in ("num_train", "lr ", "seed") if part in fault), "") for fault in sorted(found)] == [
        "num_train",
        "lr ",
        "seed",
    ]


def test_a_fault_that_splits_share_is_told_once(tmp_path: Path) -> None:
    [fault] = faults(tmp_path, changed(("    text: text\n", "    text: []\n")))
    assert fault.startswith("recipe.yaml:11: data.news.text: ")


def test_a_task_is_only_called_unused_where_nothing_else_is_wrong(tmp_path: Path) -> None:
    found = faults(tmp_path, changed(("tasks: {ner: {}}", "tasks: {nr: {}}")))
    assert len(found) == 1
    assert "no such task" in found[0]


@pytest.mark.parametrize(("validation", "test"), [("0.6", "0.6"), ("0.5", "0.5")])
def test_shares_must_leave_something_to_train_on(tmp_path: Path, validation: str, test: str) -> None:
    text = changed(("    train: people.conll", f"    train: p.conll\n    validation: {validation}\n    test: {test}"))
    [fault] = faults(tmp_path, text)
    assert re.match(r"recipe\.yaml:(19|2[0-3]): data\.people", fault)
    assert "share" in fault


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", r"recipe\.yaml: a recipe is a mapping with model, tasks, data, training, embedding; found None"),
        ("- a\n", r"recipe\.yaml: a recipe is a mapping .*; found \['a'\]"),
        ("model: {}\n", r"recipe\.yaml:1: tasks: must map task names"),
        (GOOD + "training:\n  epochs: 3\n", r"recipe\.yaml:26: the key 'training' stands here twice"),
        (GOOD.replace("seed: 7", "epochs: 3"), r"recipe\.yaml:25: the key 'epochs' stands here twice"),
        (GOOD.replace("kind: tagging", "kind: [tagging"), r"recipe\.yaml:8: no readable YAML"),
        (GOOD.replace("  max_length", "\tmax_length"), r"recipe\.yaml:2: no readable YAML"),
        (GOOD.replace("seed: 7", "seed: *seven"), r"recipe\.yaml:25: no readable YAML.*seven"),
        (GOOD.replace("seed: 7", "seed: !!python/name:os.system ''"), r"recipe\.yaml:25: no readable YAML"),
        (GOOD + "---\na: 1\n", r"recipe\.yaml:26: no readable YAML"),
        (GOOD + "? [a]\n: b\n", r"recipe\.yaml:26: no readable YAML"),
        (GOOD + "x: &a [*a]\n", r"recipe\.yaml: no readable YAML"),
        ("x: " + "[" * 5000, r"recipe\.yaml: no readable YAML"),
        ("x: " + "{a: " * 2000 + "}" * 2000, r"recipe\.yaml: no readable YAML"),
        (GOOD + "x: \x01\n", r"recipe\.yaml.*: no readable YAML"),
        (GOOD.replace("seed: 7", "seed: 2024-13-45"), r"recipe\.yaml.*: no readable YAML.*month"),
    ],
    ids=range(16),
)
def test_broken_files(tmp_path: Path, text: str, says: str) -> None:
    assert re.match(says, faults(tmp_path, text)[0])


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.yaml: no such file"):
        load_recipe(tmp_path / "none.yaml")
    with pytest.raises(UserError, match="cannot be read"):
        load_recipe(tmp_path)
    (tmp_path / "latin.yaml").write_bytes(b"model: caf\xe9\n")
    with pytest.raises(UserError, match=r"latin\.yaml: cannot be read as UTF-8 text"):
        load_recipe(tmp_path / "latin.yaml")


def test_a_byte_order_mark_is_nothing(tmp_path: Path) -> None:
    assert load(tmp_path, "\ufeff" + GOOD).training.epochs == 2


def test_overrides_replace_add_and_are_kept(tmp_path: Path) -> None:
    overrides = {
        "training.epochs": "5",
        "training.plan": "{freeze: [backbone]}",
        "training.score": "topic.accuracy",
        "model.normalize": "true",
        "data.news.train": "[a.csv, b.csv]",
        "tasks.ner.labels": "[PER, LOC]",
    }
    recipe = load(tmp_path, overrides=overrides)
    assert recipe.training.epochs == 5
    assert recipe.training.seed == 7
    assert recipe.training.plan.freeze == ("backbone",)
    assert recipe.training.score == "topic.accuracy"
    assert recipe.model.normalize is True
    assert csv_source(recipe, "train").path == ("a.csv", "b.csv")
    assert recipe.tasks["ner"].labels == ("PER", "LOC")
    assert recipe.raw["training"]["epochs"] == 5


def test_overrides_may_begin_a_section(tmp_path: Path) -> None:
    text = changed(("model:\n  max_length: 16\n", ""))
    assert load(tmp_path, text, {"model.max_length": "32"}).model.max_length == 32


def test_overrides_may_fill_an_empty_section(tmp_path: Path) -> None:
    """``training:`` with nothing below it is a good section, and so is one with an override below it."""
    text = changed(("training:\n  epochs: 2\n  seed: 7\n", "training:\n"))
    assert load(tmp_path, text, {"training.epochs": "4"}).training.epochs == 4


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        ({"training.epochs": "0"}, r"^--training\.epochs: .* greater than or equal to 1; found 0$"),
        ({"training.epoch": "2"}, r"^--training\.epoch: there is no such key; did you mean epochs\?$"),
        ({"trainig.epochs": "2"}, r"^--trainig: there is no such key; did you mean training\?$"),
        ({"training.epochs.x": "2"}, r"^--training\.epochs\.x: epochs is no mapping in the recipe$"),
        ({"training.seed": "["}, r"^--training\.seed: the value must be YAML, found '\['$"),
        ({"training.seed": "2024-13-45"}, r"^--training\.seed: the value must be YAML, found '2024-13-45'$"),
        ({"training.seed": "[" * 5000}, r"^--training\.seed: the value must be YAML"),
        ({"data.news.tasks.topc": "{}"}, r"^--data\.news\.tasks\.topc: no such task; declared are: topic, ner$"),
        ({"tasks.ner.kind": "tags"}, r"^--tasks\.ner\.kind: must be one of classification, .*, tagging; found 'tags'$"),
    ],
    ids=range(9),
)
def test_faults_of_overrides_name_the_option(tmp_path: Path, overrides: dict[str, str], says: str) -> None:
    [fault] = faults(tmp_path, GOOD, overrides)
    assert re.search(says, fault), fault


def test_a_splits_settings_stand_over_those_of_its_data_set(tmp_path: Path) -> None:
    test = """\
    test:
      path: [a.csv, b.csv]
      columns: [label, head, body]
      text: [head, body]
      delimiter: ";"
      tasks: {topic: {labels: {1: one}}}
"""
    old = "    test:\n      path: test.csv\n      sample: {rows: 1}\n"
    recipe = load(
        tmp_path, changed((old, test), ("        label: label", "        label: label\n        labels: {0: one}"))
    )
    train, merged = csv_source(recipe, "train"), csv_source(recipe, "test")
    assert (train.path, train.text, train.columns, train.delimiter) == (("news.csv",), ("text",), None, None)
    assert train.tasks == {"topic": Binding(label="label", labels={"0": "one"})}
    assert (merged.path, merged.text, merged.delimiter) == (("a.csv", "b.csv"), ("head", "body"), ";")
    assert merged.columns == ("label", "head", "body")
    assert merged.tasks == {"topic": Binding(label="label", labels={"1": "one"})}


def test_a_split_may_have_another_format_and_other_tasks(tmp_path: Path) -> None:
    old = "    test:\n      path: test.csv\n      sample: {rows: 1}\n"
    new = "    test: {path: test.jsonl, format: jsonl, tasks: {ner: {spans: marks}}}\n"
    test = load(tmp_path, changed((old, new))).data["news"].sources["test"]
    assert test.format == "jsonl"
    assert test.tasks == {"topic": Binding(label="label"), "ner": Binding(spans="marks")}


def test_a_binding_that_is_no_mapping_is_a_fault_where_splits_are_merged_too(tmp_path: Path) -> None:
    text = changed(
        ("      topic:\n        label: label", "      topic: label"),
        ("      path: test.csv\n", "      path: test.csv\n      tasks: {topic: {label: other}}\n"),
    )
    [fault] = faults(tmp_path, text)
    assert fault.startswith(f"recipe.yaml:{line_of(text, 'topic: label')}: data.news.tasks.topic: ")


def write_data(folder: Path) -> None:
    lines = [f"text {number},{'abc'[number % 3]}" for number in range(60)]
    (folder / "news.csv").write_text("text,label\n" + "\n".join(lines) + "\n", encoding="utf-8")
    (folder / "test.csv").write_text("text,label\nx,a\ny,b\nz,c\n", encoding="utf-8")
    (folder / "people.conll").write_text("Ada B-PER\nsang O\n\nBo B-PER\n", encoding="utf-8")


SHARES = changed(
    ("    train: news.csv\n", "    train: news.csv\n    validation: 0.2\n"),
    ("    test:\n      path: test.csv\n      sample: {rows: 1}\n", "    test: 0.1\n"),
)


def test_shares_are_parts_of_the_whole_train_split(tmp_path: Path) -> None:
    write_data(tmp_path)
    recipe = load(tmp_path, SHARES)
    assert recipe.data["news"].shares == {"validation": 0.2, "test": 0.1}
    [news, _] = read_data(recipe, recipe.tasks, FaultLog(), ("train", "validation", "test"))
    assert [len(news.split(name)) for name in ("train", "validation", "test")] == [42, 12, 6]
    texts = [example.text for name in ("train", "validation", "test") for example in news.split(name)]
    assert sorted(texts) == sorted(f"text {number}" for number in range(60))
    assert {label: sum(example.labels["topic"] == label for example in news.validation) for label in "abc"} == {
        "a": 4,
        "b": 4,
        "c": 4,
    }


@pytest.mark.parametrize("wanted", [("train",), ("validation",), ("test",), ("train", "validation")])
def test_a_share_is_the_same_whatever_else_is_read(tmp_path: Path, wanted: tuple[str, ...]) -> None:
    write_data(tmp_path)
    recipe = load(tmp_path, SHARES)
    [whole, _] = read_data(recipe, recipe.tasks, FaultLog(), ("train", "validation", "test"))
    [part, _] = read_data(recipe, recipe.tasks, FaultLog(), wanted)
    for name in ("train", "validation", "test"):
        assert list(part.split(name)) == (list(whole.split(name)) if name in wanted else [])


def test_a_split_is_sampled_by_the_recipes_seed(tmp_path: Path) -> None:
    write_data(tmp_path)
    text = changed(("train: news.csv", "train: {path: news.csv, sample: {per_class: 5}}"))
    seen: list[Any] = []
    for seed in ("7", "7", "8"):
        recipe = load(tmp_path, text, {"training.seed": seed})
        [news, _] = read_data(recipe, recipe.tasks, FaultLog(), ("train", "test"))
        assert (len(news.train), len(news.test)) == (15, 1)
        seen.append([example.text for example in news.train])
    assert seen[0] == seen[1] != seen[2]


def test_a_sample_that_is_too_large_names_its_split(tmp_path: Path) -> None:
    write_data(tmp_path)
    recipe = load(tmp_path, changed(("{rows: 1}", "{rows: 4}")))
    with pytest.raises(UserError, match=r"data\.news\.test: sample asks for 4 rows, but there are 3"):
        read_data(recipe, recipe.tasks, FaultLog(), ("test",))


def test_paths_are_relative_to_the_recipe_or_the_data_root(tmp_path: Path) -> None:
    data = tmp_path / "elsewhere"
    data.mkdir()
    write_data(data)
    here = load(tmp_path)
    with pytest.raises(UserError, match="no such file"):
        read_data(here, here.tasks, FaultLog(), ("train",))
    there = load_recipe(tmp_path / "recipe.yaml", data_root=data)
    assert len(read_data(there, there.tasks, FaultLog(), ("train",))[0].train) == 60


def test_labels_are_inferred_from_training_data_and_validation_held_against_them(tmp_path: Path) -> None:
    write_data(tmp_path)
    recipe = load(tmp_path, changed(("    train: news.csv\n", "    train: news.csv\n    validation: odd.csv\n")))
    (tmp_path / "odd.csv").write_text("text,label\nx,a\ny,q\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"^odd\.csv:3: task topic has the labels 'a, b, c'; found 'q'$"):
        prepare(recipe)
    (tmp_path / "odd.csv").write_text("text,label\nx,a\n", encoding="utf-8")
    tasks = prepare(recipe).tasks
    assert {name: task.labels for name, task in tasks.items()} == {"topic": ("a", "b", "c"), "ner": ("PER",)}
