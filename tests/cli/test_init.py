"""``polyhead init``: a recipe from data files, what it says, when it asks, and what it refuses."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

from polyhead.cli import app, init
from polyhead.errors import UserError
from polyhead.recipe import load_recipe
from polyhead.recipe.data import prepare

SENTENCES = ["the ferry left at noon", "a violin was played", "our bread rose well", "the vote was very close"] * 6
ROWS = [{"text": f"{text} {place}", "topic": "ab"[place % 2], "n": place} for place, text in enumerate(SENTENCES)]
UNSURE = [{"c": f"{text} {place}", "d": f"and {text} {place}", "e": "uv"[place % 2]} for place, text in
          enumerate(SENTENCES)]  # fmt: skip


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def polyhead(*arguments: object) -> str:
    """What the verb prints; its faults are raised."""
    result = CliRunner().invoke(app, ["init", *map(str, arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_a_recipe_is_written_that_says_why_and_what_to_do_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    jsonl(tmp_path / "train.jsonl", ROWS)
    jsonl(tmp_path / "test.jsonl", ROWS)
    said = polyhead("train.jsonl", "test.jsonl")
    content = (tmp_path / "recipe.yaml").read_text(encoding="utf-8")
    for line in ("format: jsonl  # one JSON object a line", "train: train.jsonl  # its name says so",
                 "labels: [a, b]  # all 2 that occur in the files", "#   polyhead check recipe.yaml",
                 "# left out: 'n': all different and never blank: it looks like an id"):  # fmt: skip
        assert line in content
    assert said.endswith("  polyhead check recipe.yaml\n  polyhead train recipe.yaml\n")
    assert "task topic: classification from 'topic', 2 labels; 2 different strings in 24 rows are classes" in said
    data = prepare(load_recipe("recipe.yaml"))
    assert data.tasks["topic"].labels == ("a", "b")
    assert sum(survey.rows for survey in data.surveys.values()) == 24


def test_paths_are_relative_to_the_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    jsonl(tmp_path / "data" / "train.jsonl", ROWS)
    monkeypatch.chdir(tmp_path / "data")
    output = tmp_path / "recipes" / "deep" / "own.yaml"
    polyhead("train.jsonl", "--output", output)
    monkeypatch.chdir(tmp_path)
    assert yaml.safe_load(output.read_text())["data"]["data"]["train"] == "../../data/train.jsonl"
    assert prepare(load_recipe(output)).sets


def test_nothing_is_asked_where_nobody_can_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*arguments: Any, **options: Any) -> None:
        raise AssertionError(arguments)

    monkeypatch.setattr(typer, "prompt", asked)
    path = jsonl(tmp_path / "f.jsonl", UNSURE)
    polyhead(path, "--output", tmp_path / "one.yaml")
    for number, streams in enumerate([{"stdin": Terminal()}, {"stdout": Terminal()}]):
        with monkeypatch.context() as patched:
            for name, stream in streams.items():
                patched.setattr(sys, name, stream)
            init.init([path], tmp_path / f"{number}.yaml")
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdin", Terminal())
        patched.setattr(sys, "stdout", Terminal())
        init.init([path], tmp_path / "yes.yaml", yes=True)
        with pytest.raises(AssertionError):
            init.init([path], tmp_path / "asked.yaml")
    written = {made.read_text().replace(made.name, "") for made in tmp_path.glob("*.yaml")}
    assert len(written) == 1
    assert not (tmp_path / "asked.yaml").exists()


def test_on_a_terminal_it_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = jsonl(tmp_path / "f.jsonl", UNSURE)
    screen = Terminal()
    monkeypatch.setattr(sys, "stdin", Terminal("7\nnone\n2\n\n"))
    monkeypatch.setattr(sys, "stdout", screen)
    init.init([path], tmp_path / "own.yaml")
    said = screen.getvalue()
    assert "which field is the text?" in said
    assert "is 'e' to be learned? 2 different strings in 24 rows are classes\n  1  yes\n  2  no" in said
    assert said.count("Which, 1 to 3") == 3  # a number that is none of these, and what is no number, are asked again
    assert yaml.safe_load((tmp_path / "own.yaml").read_text())["data"]["f"]["text"] == "d"


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "train.jsonl", ROWS)
    output = tmp_path / "recipe.yaml"
    output.write_text("mine\n")
    with pytest.raises(UserError, match=r"recipe\.yaml: is there already; move it away, or choose another --output"):
        polyhead(path, "--output", output)
    assert output.read_text() == "mine\n"
    with pytest.raises(UserError, match="is there already"):
        polyhead(path, "--output", tmp_path)
    with pytest.raises(UserError, match="cannot be written"):
        polyhead(path, "--output", path / "recipe.yaml")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["recipe.yaml", "train.jsonl"]


def test_faults_leave_no_file(tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text('{"text": "a"}\n{"text"\n')
    with pytest.raises(UserError, match=r"bad\.jsonl:2: each line must be one JSON object"):
        polyhead(tmp_path / "bad.jsonl", "--output", tmp_path / "recipe.yaml")
    with pytest.raises(UserError, match=r"nowhere\.csv: no such file or folder"):
        polyhead(tmp_path / "nowhere.csv", "--output", tmp_path / "recipe.yaml")
    assert [each.name for each in tmp_path.iterdir()] == ["bad.jsonl"]


def test_hostile_names_are_only_ever_text(tmp_path: Path) -> None:
    name = "\x1b[31m[bold]red[/]: #\n- x"
    rows = [{"text": row["text"], name: row["topic"]} for row in ROWS]
    path = jsonl(tmp_path / "a [b]\n.jsonl", rows)
    said = polyhead(path, "--output", tmp_path / "recipe.yaml")
    assert "\x1b" not in said
    assert "[bold]red[/]" in said
    data = yaml.safe_load((tmp_path / "recipe.yaml").read_text())["data"]
    assert [list(own["tasks"].values()) for own in data.values()] == [[{"label": name}]]
    assert prepare(load_recipe(tmp_path / "recipe.yaml")).sets
