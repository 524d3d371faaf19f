"""The encoder's settings, as a folder keeps them."""

from dataclasses import dataclass, field
from typing import Literal

from polyhead.errors import UserError, shown


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

    def prompt_text(self, prompt: str | None = None, name: str | None = None) -> str:
        """``prompt`` itself, or the one of that name, or the default one; empty where there is none.

        Raises:
            UserError: there is no prompt of that name.
        """
        if prompt is not None:
            return prompt
        name = name if name is not None else self.default_prompt_name
        if name is None:
            return ""
        if name not in self.prompts:
            there = ", ".join(self.prompts) or "none"
            raise UserError(f"prompt_name: this model's prompts are: {there}; found {shown(name)}")
        return self.prompts[name]
