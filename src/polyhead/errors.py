"""The errors that Polyhead raises on purpose.

A ``UserError`` is something the user can mend: the command line prints its faults, one line each, and exits with
status 1. Everything else that escapes is a defect of ours and shows its traceback.
"""

from collections.abc import Sequence


class PolyheadError(Exception):
    """Base of every error that Polyhead raises on purpose."""


class UserError(PolyheadError):
    """One or several faults in what the user gave; each is one line: the rule, what was found, where, what to do."""

    def __init__(self, *faults: str) -> None:
        self.faults: Sequence[str] = tuple(" ".join(fault.split()) for fault in faults)
        super().__init__("\n".join(self.faults))


class MissingExtra(UserError):
    """A part of Polyhead was used whose optional libraries are not installed."""

    def __init__(self, library: str, extra: str) -> None:
        super().__init__(f"{library} is needed for this and not installed; run: pip install 'polyhead[{extra}]'")


class NotAvailableError(UserError):
    """A model that is neither here nor given by the Hub."""


def shown(value: object, limit: int = 60) -> str:
    """``value`` as an error message quotes it: one line, control characters escaped, at most ``limit`` characters."""
    text = ascii(value) if not isinstance(value, str) or not value.isprintable() else repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


EXTRAS = {
    "accelerate": "train",
    "datasketch": "train",
    "fastapi": "serve",
    "matplotlib": "train",
    "orjson": "serve",
    "peft": "lora",
    "prometheus_client": "serve",
    "pyarrow": "train",
    "scipy": "train",
    "sklearn": "train",
    "torch": "train",
    "starlette": "serve",
    "transformers": "train",
    "umap": "umap",
    "uvicorn": "serve",
    "zstandard": "train",
}
"""Optional libraries, and the extra of the package that brings each."""


def missing_extra(error: ModuleNotFoundError) -> ModuleNotFoundError | MissingExtra:
    """The error that names the extra, where a known optional library is what is missing."""
    library = (error.name or "").partition(".")[0]
    return MissingExtra(library, EXTRAS[library]) if library in EXTRAS else error
