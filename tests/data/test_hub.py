"""HF ``datasets`` by name: as the library gives it from the Hub, here from a folder that it loads in the same way."""

import json
from pathlib import Path
from typing import Any

import pytest

from polyhead.data.faults import FaultLog
from polyhead.data.read import read
from polyhead.data.readers import SOURCES
from polyhead.errors import UserError
from polyhead.kinds import ClassificationTask, EntitySpan, TaggingTask

TASKS = {"ner": TaggingTask(), "topic": ClassificationTask()}


def source(**settings: Any) -> Any:
    tasks = {"ner": {"tags": "ner_tags"}, "topic": {"label": "label"}}
    return SOURCES["datasets"].model_validate(
        {"format": "datasets", "path": "someone/names", "words": "tokens", "tasks": tasks, **settings}
    )


def test_a_data_set_on_the_hub_is_read_with_its_feature_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    features = datasets.Features({
        "tokens": datasets.Sequence(datasets.Value("string")),
        "ner_tags": datasets.Sequence(datasets.ClassLabel(names=["O", "B-PER", "I-PER"])),
        "label": datasets.ClassLabel(names=["calm", "loud"]),
    })  # fmt: skip
    rows = {"tokens": [["Ada", "Lee", "met"], ["Bo"]], "ner_tags": [[1, 2, 0], [1]], "label": [1, 0]}
    asked: list[Any] = []

    def load_dataset(name: str, config: str | None, *, split: str) -> Any:
        asked.append((name, config, split))
        return datasets.Dataset.from_dict(rows, features=features)

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    found = read(source(split="validation", config="en"), TASKS, root=tmp_path, log=FaultLog())
    assert asked == [("someone/names", "en", "validation")]
    assert [(each.text, dict(each.labels)) for each in found] == [
        ("Ada Lee met", {"ner": (EntitySpan(0, 7, "PER"),), "topic": "loud"}),
        ("Bo", {"ner": (EntitySpan(0, 2, "PER"),), "topic": "calm"}),
    ]


def test_the_library_loads_what_the_reader_gives_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real ``load_dataset``, on a folder: the same call that goes to the Hub."""
    import datasets

    (tmp_path / "rows").mkdir()
    row = {"tokens": ["Ada"], "ner_tags": ["B-PER"], "label": "calm"}
    (tmp_path / "rows" / "train.jsonl").write_text(json.dumps(row) + "\n")
    real, cache = datasets.load_dataset, str(tmp_path / "cache")
    monkeypatch.setattr(
        datasets,
        "load_dataset",
        lambda name, config, split: real(str(tmp_path / "rows"), config, split=split, cache_dir=cache),
    )
    [found] = read(source(), TASKS, root=tmp_path, log=FaultLog())
    assert found.labels == {"ner": (EntitySpan(0, 3, "PER"),), "topic": "calm"}


def test_what_is_nowhere_is_said_in_one_line(tmp_path: Path) -> None:
    assert source().missing(tmp_path) == []
    assert source(path="../no such folder").missing(tmp_path) == [tmp_path / "../no such folder"]
    with pytest.raises(UserError, match=r"^someone/names: no such folder here, and the Hub did not give it \("):
        read(source(), TASKS, root=tmp_path, log=FaultLog())
