"""The model: one encoder and any number of named heads, one forward pass for all of them."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from polyhead.modeling.backbone import Backbone
from polyhead.modeling.encoded import Encoded, Inputs
from polyhead.modeling.encoder import Encoder
from polyhead.modeling.heads import Head

# nn.ModuleDict refuses names such as "type" or "train", which are good names for tasks; behind this they are free.
_SUFFIX = "-head"


@dataclass(frozen=True, slots=True)
class Outputs:
    """What one forward pass gives: the encoder's view, and each head's logits under its task's name."""

    encoded: Encoded
    logits: Mapping[str, Tensor]


class Heads(nn.Module):
    """Named heads, in the order in which they were added."""

    def __init__(self) -> None:
        super().__init__()
        self.modules_by_task = nn.ModuleDict()

    def __getitem__(self, task: str) -> Head:
        head = self.modules_by_task[task + _SUFFIX]
        assert isinstance(head, Head)
        return head

    def __setitem__(self, task: str, head: Head) -> None:
        self.modules_by_task[task + _SUFFIX] = head

    def __delitem__(self, task: str) -> None:
        del self.modules_by_task[task + _SUFFIX]

    def __contains__(self, task: str) -> bool:
        return task + _SUFFIX in self.modules_by_task

    def __iter__(self) -> Iterator[str]:
        return (name.removesuffix(_SUFFIX) for name in self.modules_by_task)

    def __len__(self) -> int:
        return len(self.modules_by_task)


class MultiTaskModel(nn.Module):
    """An encoder and its heads."""

    def __init__(self, *, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.heads = Heads()

    def with_backbone(self, backbone: Backbone) -> "MultiTaskModel":
        """The same on another backbone: everything else is shared, not copied."""
        own = MultiTaskModel(encoder=self.encoder.with_backbone(backbone))
        own.heads, own.training = self.heads, self.training
        return own

    def forward(self, inputs: Inputs, tasks: Collection[str] | None = None) -> Outputs:
        """Encode once and run the heads of ``tasks``, every head if ``None``."""
        wanted = [name for name in self.heads if tasks is None or name in tasks]
        layers = any(self.heads[name].reads_layers for name in wanted)
        encoded: Encoded = self.encoder(inputs, layers=layers)
        return Outputs(encoded, {name: self.heads[name](encoded) for name in wanted})
