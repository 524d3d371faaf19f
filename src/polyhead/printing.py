"""Users' text on a terminal: only ever text."""


def printable(text: str, limit: int = 200) -> str:
    """``text`` on one line, control characters escaped, at most ``limit`` characters."""
    clean = "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"
