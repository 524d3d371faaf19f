"""What a predictor asks of an engine."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from polyhead.kinds.base import FloatArray
from polyhead.text.batches import Padded


@dataclass(frozen=True, slots=True)
class EngineOutput:
    """One batch's answers, in fp32.

    *Shapes:* ``embedding`` (texts, width); ``tokens`` (texts, tokens, hidden), if asked for; ``logits`` (texts,
    outputs) of heads that answer a text, (texts, tokens, outputs) at token level; ``features`` (texts, width) of heads
    that answer several texts together, which go into ``classify``.
    """

    embedding: FloatArray
    logits: Mapping[str, FloatArray]
    features: Mapping[str, FloatArray]
    tokens: FloatArray | None = None


class Engine(Protocol):
    """Runs one forward pass."""

    max_tokens: int
    """Tokens of a batch, padding included unless it ``unpads``, at which this engine is fast."""
    max_width: int
    """Tokens of the longest text that it could take, whatever the model's own limit is."""

    @property
    def unpads(self) -> bool:
        """Whether a batch's padding costs it little."""
        ...

    @property
    def lanes(self) -> int:
        """Batches that it computes faster side by side, each in a thread of its own, than one after the other."""
        ...

    def __call__(
        self, padded: Padded, *, tasks: Collection[str], pairs: Collection[str] = (), token_states: bool = False
    ) -> EngineOutput:
        """Encode the batch, run the heads of ``tasks``, and read what the heads of ``pairs`` need of each text."""
        ...

    def enter_lane(self) -> None:
        """Called once in a thread that will compute beside others: it takes a lane's share of the processor."""
        ...

    def classify(self, task: str, features: Sequence[FloatArray]) -> FloatArray:
        """The logits of rows, from features of their texts. *Shapes:* (rows, width) a text → (rows, …)."""
        ...
