"""What a predictor asks of an engine."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from polyhead.kinds.base import FloatArray
from polyhead.text.batches import Padded


@dataclass(frozen=True, slots=True)
class EngineOutput:
    """One batch's answers, in fp32.

    *Shapes:* ``embedding`` (batch, width); ``tokens`` (batch, tokens, hidden), if asked for; ``logits`` (batch, labels)
    at sentence level, (batch, tokens, labels) at token level.
    """

    embedding: FloatArray
    logits: Mapping[str, FloatArray]
    tokens: FloatArray | None = None


class Engine(Protocol):
    """Runs one forward pass."""

    max_tokens: int
    """Tokens of a batch, padding included, at which this engine is fast."""

    def __call__(self, padded: Padded, *, tasks: Collection[str], token_states: bool = False) -> EngineOutput:
        """Encode the batch and run the heads of ``tasks``."""
        ...
