from pathlib import Path

from polyhead.cli import app
from polyhead.cli.reference import reference

PAGE = Path(__file__).parents[2] / "docs/cli.md"


def test_the_page_of_the_command_line_is_current() -> None:
    found = PAGE.read_text(encoding="utf-8")
    assert found == reference(), "run: python -m polyhead.cli.reference > docs/cli.md"


def test_it_names_every_verb_and_its_options() -> None:
    page = reference()
    for command in app.registered_commands:
        assert command.callback is not None
        assert f"## `polyhead {command.name or command.callback.__name__}`" in page
    assert "`--resume`" in page
    assert "`train`, `validation`, `test`" in page
    assert "[bold]" not in page
