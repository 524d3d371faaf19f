"""The encoder's settings, as a folder keeps them."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class ProjectionSettings:
    """A linear layer from the pooled vector to an embedding of ``width``."""

    width: int
    bias: bool = True
    activation: Literal["identity", "tanh"] = "identity"


@dataclass(frozen=True, slots=True)
class EncoderSettings:
    """All of an encoder that is not in its weights.

    ``max_length`` counts tokens, special ones included. ``pool_prompt`` says whether the prompt's tokens are pooled;
    ``lower_case`` that texts are lower-cased before they are tokenized.
    """

    pooling: Literal["mean", "cls", "max", "last", "attention"] = "mean"
    pool_prompt: bool = True
    projection: ProjectionSettings | None = None
    normalize: bool = False
    max_length: int | None = None
    lower_case: bool = False
    prompts: dict[str, str] = field(default_factory=dict)
    default_prompt_name: str | None = None
    similarity: str = "cosine"

    @property
    def default_prompt(self) -> str:
        """The prompt that stands before a text unless another is asked for."""
        return self.prompts.get(self.default_prompt_name or "", "")
