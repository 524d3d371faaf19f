"""A model in memory with all that belongs to it: what ``load`` returns and ``save`` takes."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from polyhead.folder.hashing import tensors_hash
from polyhead.folder.settings import EncoderSettings
from polyhead.kinds import Task
from polyhead.modeling.build import build_head
from polyhead.modeling.model import MultiTaskModel
from polyhead.text.shapes import SHAPES
from polyhead.text.tokenizer import TextTokenizer


@dataclass(frozen=True, slots=True)
class Head:
    """A head's declaration, and where it comes from.

    ``encoder_hash`` is None where the head belongs to the encoder as it is now, else the hash of the encoder that it
    was trained on; ``trained`` is False where the encoder moved in a training that the head took no part in.
    """

    task: Task
    encoder_hash: str | None = None
    trained: bool = True


@dataclass(slots=True)
class Pretrained:
    """The networks in fp32, the tokenizer, the encoder's settings, the declaration of every head."""

    model: MultiTaskModel
    tokenizer: TextTokenizer
    settings: EncoderSettings
    files: Any
    """The transformers tokenizer, for saving."""
    heads: dict[str, Head] = field(default_factory=dict)
    as_recorded: bool = True
    """Whether the encoder is the one that the folder says it is."""

    @property
    def tasks(self) -> dict[str, Task]:
        """Every head's task."""
        return {name: head.task for name, head in self.heads.items()}

    def add_head(self, name: str, task: Task) -> None:
        """Put a new, untrained head on the encoder."""
        self.model.heads[name] = build_head(task, self.model.encoder, shapes=len(SHAPES))
        self.heads[name] = Head(task, trained=False)

    def remove_head(self, name: str) -> None:
        """Take a head off."""
        del self.model.heads[name]
        del self.heads[name]

    def encoder_hash(self) -> str:
        """The hash of the encoder's weights as they are now."""
        return tensors_hash(arrays(self.model.encoder))


def arrays(module: nn.Module) -> dict[str, NDArray[Any]]:
    """A module's weights as numpy arrays that share their memory where they can."""
    return {name: np.asarray(tensor.detach().cpu().contiguous()) for name, tensor in module.state_dict().items()}
