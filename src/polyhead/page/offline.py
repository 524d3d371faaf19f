"""One HTML file that needs nothing else: style, scripts and data are in it. Text from users is data, never markup."""

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from html import escape
from typing import Any

from polyhead.page.files import PARTS

_IMPORT = re.compile(r'^import (?:.* from )?"\./([\w.]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const))", re.MULTILINE)


def offline(title: str, script: str, data: Any, body: str = "") -> str:
    """A page whose ``script``, one of the parts, draws ``data`` into ``<main>``, which begins with ``body``.

    Scripts are let run by their hash alone (Content-Security-Policy), so that no text on the page could be one.
    """
    code = bundle(script)
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{digest}'"
    icon = "data:image/svg+xml;base64," + base64.b64encode(PARTS["icon.svg"]).decode()
    name = escape(title.encode("utf-8", "replace").decode())
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{name}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'<link rel="icon" href="{icon}">\n<style>{_text("style.css")}</style>\n</head>\n<body>\n'
        f'<header class="bar"><div class="brand"><img src="{icon}" alt="" width="28" height="28"><h1>{name}</h1></div>'
        '<div class="tools"></div></header>\n'
        f'<main id="main">{body}</main>\n<script type="application/json" id="data">{embedded(data)}</script>\n'
        f'<script type="module">{code}</script>\n</body>\n</html>\n'
    )


def embedded(data: Any) -> str:
    """JSON that can stand in a page: no ``<`` that could end the script, no line end that a script must not have."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    text = text.encode("utf-8", "replace").decode()
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def bundle(script: str) -> str:
    """A script and all that it imports, as one: each part once, before those that use it."""
    done: list[str] = []
    _collect(script, done)
    return "".join(_EXPORT.sub("", _IMPORT.sub("", _text(name))) for name in done)


def _collect(name: str, done: list[str]) -> None:
    needed: Sequence[str] = _IMPORT.findall(_text(name))
    for each in needed:
        if each not in done:
            _collect(each, done)
    if name not in done:
        done.append(name)


def _text(name: str) -> str:
    return PARTS[name].decode()
