"""Users' text on a terminal: only ever text."""

_JOINERS = "\u200c\u200d"
"""Which spelling needs in Persian and in scripts of India, and emoji of several parts."""


def printable(text: str, limit: int = 200) -> str:
    """``text`` on one line, control characters escaped, at most ``limit`` characters."""
    clean = "".join(
        each if each.isprintable() or each in _JOINERS else each.encode("unicode_escape").decode() for each in text
    )
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def size(count: float) -> str:
    """Bytes as people say them."""
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:,.0f} {unit}"
        count /= 1000
    return f"{count:,.1f} GB"


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    for unit, most, length in (("s", 100, 1), ("min", 100, 60), ("h", 48, 3600)):
        if seconds / length < most:
            return f"{seconds / length:,.0f} {unit}"
    return f"{seconds / 86400:,.1f} days"
