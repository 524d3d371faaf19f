"""A model in memory with all that belongs to it: what ``load`` returns and ``save`` takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from polyhead.folder.hashing import joint_hash, tensors_hash
from polyhead.folder.manifest import Origin
from polyhead.folder.settings import EncoderSettings
from polyhead.kinds import Task
from polyhead.modeling.build import build_head
from polyhead.modeling.heads import Head as HeadModule
from polyhead.modeling.model import MultiTaskModel
from polyhead.text.shapes import SHAPES
from polyhead.text.tokenizer import TextTokenizer


@dataclass(frozen=True, slots=True)
class Head:
    """A head's declaration, and where it comes from.

    ``encoder_hash`` is None where the head belongs to the encoder as it is now, else the hash of the encoder that it
    was trained on; ``trained`` is False where the encoder moved in a training that the head took no part in.
    ``branch`` is the branch that it stands on, None for the encoder itself.
    """

    task: Task
    encoder_hash: str | None = None
    trained: bool = True
    branch: str | None = None
    evaluation: Mapping[str, Any] | None = None
    """``rows`` and ``metrics`` of the validation data of its training; None once the encoder moved without it."""


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
    origin: Origin | None = None
    """The model that the last training started from."""
    embedding: dict[str, Any] | None = None
    """What the embedding was measured to be after that training."""
    datasets: Sequence[str] = ()
    """The data sets of the Hub that it was trained on."""

    @property
    def tasks(self) -> dict[str, Task]:
        """Every head's task."""
        return {name: head.task for name, head in self.heads.items()}

    def add_head(self, name: str, task: Task, *, branch: str | None = None) -> None:
        """Put a new, untrained head on the encoder, or on one of its branches."""
        self.put_head(name, Head(task, trained=False, branch=branch), self.new_head(task))

    def new_head(self, task: Task) -> HeadModule:
        """A new network for ``task``; it is not put on."""
        return build_head(task, self.model.encoder, shapes=len(SHAPES))

    def put_head(self, name: str, head: Head, module: HeadModule) -> None:
        """Put a head on the place that it was made for."""
        self.model.heads[name] = module
        self.heads[name] = head
        self.model.stands_on.pop(name, None)
        if head.branch is not None:
            self.model.stands_on[name] = head.branch

    def remove_head(self, name: str) -> None:
        """Take a head off, and the branch that it alone stood on."""
        del self.model.heads[name]
        del self.heads[name]
        branch = self.model.stands_on.pop(name, None)
        if branch is not None and branch not in self.model.stands_on.values():
            self.model.remove_branch(branch)

    def encoder_hash(self) -> str:
        """The hash of the encoder's weights as they are now."""
        return tensors_hash(arrays(self.model.encoder))

    def branch_hash(self, name: str, encoder_hash: str) -> str:
        """The hash of all that a head on this branch reads: the encoder, and the branch's own weights."""
        return joint_hash(encoder_hash, tensors_hash(arrays(self.model.branches[name])))


def arrays(module: nn.Module) -> dict[str, NDArray[Any]]:
    """A module's weights as numpy arrays that share their memory where they can."""
    return {name: np.asarray(tensor.detach().cpu().contiguous()) for name, tensor in module.state_dict().items()}
