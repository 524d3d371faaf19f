"""The command line's reference in Markdown, written from the commands themselves.

``python -m polyhead.cli.reference > docs/cli.md`` brings the docs up to date.
"""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import typer

from polyhead.cli import app

_INTRO = """# The command line, verb by verb

`polyhead VERB …`, or `python -m polyhead VERB …`. Answers go to standard output, progress and notes to standard error;
`--json` prints what a machine can read. Exit status: 0; 1 for what you can mend (a line a fault, on standard error); 2
for a wrong command line. MODEL is a model folder, a run's folder (its best model), or a name on the Hugging Face Hub.
This page is made from the code: `python -m polyhead.cli.reference > docs/cli.md`.
"""

_KINDS: dict[Any, str] = {Path: "PATH", int: "NUMBER", float: "NUMBER"}


def reference() -> str:
    """The whole page, in Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _INTRO
    commands: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for name, command in _leaves(commands):
        arguments = [each for each in command.params if each.param_type_name == "argument"]
        options = [each for each in command.params if each.param_type_name == "option" and not each.hidden]
        usage = " ".join(_shape(each) for each in arguments)
        yield f"## `polyhead {name}`\n"
        yield f"    polyhead {name} {usage + ' ' if usage else ''}[OPTIONS]\n"
        yield _plain(inspect.cleandoc(command.help or "")) + "\n"
        yield "| | meaning | if left out |"
        yield "|---|---|---|"
        for each in arguments:
            yield f"| `{_metavar(each)}` | {_plain(each.help or '')} | {'needed' if each.required else '–'} |"
        for each in options:
            yield f"| {_names(each)} | {_plain(each.help or '')} | {_default(each)} |"
        yield ""


def _leaves(commands: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Every command that does something, groups' commands behind the group's name."""
    for name, command in commands.items():
        if hasattr(command, "commands"):
            yield from _leaves(command.commands, f"{above}{name} ")
        else:
            yield f"{above}{name}", command


def _shape(argument: Any) -> str:
    name = _metavar(argument)
    return name if argument.required or "|" in name else f"[{name}]"


def _metavar(parameter: Any) -> str:
    return str(parameter.metavar or parameter.name.upper()).strip("[]")


def _names(option: Any) -> str:
    names = ", ".join(f"`{name}`" for name in option.opts)
    if option.is_flag:
        return names
    annotation = option.type_descriptor.annotation
    choices = get_args(annotation) if get_origin(annotation) is Literal else ()
    value = ", ".join(f"`{choice}`" for choice in choices) if choices else _KINDS.get(annotation, "TEXT")
    several = ", may be repeated" if option.multiple else ""
    return f"{names} {value}{several}"


def _default(option: Any) -> str:
    return "–" if option.is_flag or option.default in (None, (), [], "") else f"`{option.default}`"


def _plain(text: str) -> str:
    """Help without rich's markup, safe inside of a table."""
    return re.sub(r"\[/?[a-z]*\]", "", text).replace("|", "\\|")


if __name__ == "__main__":
    print(reference(), end="")
