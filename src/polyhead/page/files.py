"""The parts that pages are made of: markup, style, scripts, the icon."""

from importlib.resources import files

TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def ending(name: str) -> str:
    """A file name's ending, with its dot."""
    return name[name.rfind(".") :]


PARTS = {each.name: each.read_bytes() for each in files("polyhead.page").iterdir() if ending(each.name) in TYPES}
"""Each part by its name."""
