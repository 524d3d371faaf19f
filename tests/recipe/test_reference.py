"""The recipe's pages are current, and every example on them can be read."""

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from polyhead import load_recipe
from polyhead.data.readers import SOURCES
from polyhead.kinds import KINDS
from polyhead.recipe.data import prepare
from polyhead.recipe.pages import FORMATS, HEADS
from polyhead.recipe.reference import pages

DOCS = Path(__file__).parents[2] / "docs"
TASKS = "tasks:\n  topic: {kind: classification, labels: [x, y]}\n  ner: {kind: tagging}\n"


@pytest.mark.parametrize("place", pages())
def test_the_pages_are_current(place: str) -> None:
    made = (DOCS / place).read_text(encoding="utf-8")
    assert made == pages()[place], "run: python -m polyhead.recipe.reference docs"


def test_every_head_and_every_format_has_a_page() -> None:
    assert set(HEADS) == set(KINDS)
    assert set(FORMATS) == set(SOURCES)


@pytest.mark.parametrize("kind", HEADS)
def test_the_example_of_a_head_can_be_read(kind: str, tmp_path: Path) -> None:
    example = HEADS[kind]
    assert f"kind: {kind}" in example.tasks
    (tmp_path / "rows.jsonl").write_text(example.rows, encoding="utf-8")
    (tmp_path / "recipe.yaml").write_text(f"tasks:\n  {example.tasks}\ndata:\n  own: {example.data}\n")
    data = prepare(load_recipe(tmp_path / "recipe.yaml"), ["train"])
    assert sum(data.surveys["own", "train"].labelled.values()) == 2


def written(name: str, folder: Path) -> None:
    """The example's file, of the formats whose files are no text."""
    if name == "datasets":
        saved = pytest.importorskip("datasets").Dataset.from_dict({"tokens": [["Ada"]], "ner_tags": [["B-PER"]]})
        saved.save_to_disk(folder / "someone/names")
        return
    rows = pa.table({"text": ["Ada went."], "topic": ["x"]})
    if name == "parquet":
        pq.write_table(rows, folder / "f.parquet")
    else:
        with pa.OSFile(str(folder / "f.arrow"), "wb") as sink, pa.ipc.new_stream(sink, rows.schema) as writer:
            writer.write_table(rows)


@pytest.mark.parametrize("name", FORMATS)
def test_the_example_of_a_format_can_be_read(name: str, tmp_path: Path) -> None:
    example = FORMATS[name]
    if not example.files:
        written(name, tmp_path)
    for file, content in example.files.items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(content, encoding="utf-8")
    used = [line for line in TASKS.splitlines(keepends=True)[1:] if line.split(":")[0].strip() in example.data]
    (tmp_path / "recipe.yaml").write_text(f"tasks:\n{''.join(used)}data:\n  own: {example.data}\n")
    data = prepare(load_recipe(tmp_path / "recipe.yaml"), ["train"])
    found = data.surveys["own", "train"]
    assert found.rows
    assert not data.log.counts
    for task in data.tasks:
        assert found.labelled[task], f"{task} in {name}"


def test_links_between_pages_lead_somewhere() -> None:
    for place in pages():
        for link in re.findall(r"\]\(([^)#]+)", (DOCS / place).read_text(encoding="utf-8")):
            assert ((DOCS / place).parent / link).exists(), (place, link)
