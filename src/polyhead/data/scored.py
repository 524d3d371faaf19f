"""An example with what some engine's heads said of it: what is evaluated."""

from collections.abc import Mapping
from typing import NamedTuple

from polyhead.data.example import Example
from polyhead.documents import Document
from polyhead.kinds.base import FloatArray


class Scored(NamedTuple):
    """An example, its words, and its logits by task."""

    example: Example
    document: Document
    logits: Mapping[str, FloatArray]
