"""The model: one encoder and any number of named heads, one forward pass for all of them."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from polyhead.modeling.backbone import Backbone
from polyhead.modeling.branch import Branch
from polyhead.modeling.encoded import Encoded, Inputs
from polyhead.modeling.encoder import Encoder
from polyhead.modeling.heads import Head

# nn.ModuleDict refuses names such as "type" or "train", which are good names for tasks; behind these they are free.
_SUFFIX, _BRANCH_SUFFIX = "-head", "-branch"


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
    """An encoder and its heads, each on the encoder itself or on one of its branches."""

    def __init__(self, *, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.heads = Heads()
        self.branches_by_name = nn.ModuleDict()
        self.stands_on: dict[str, str] = {}
        """The branch of each head that stands on one."""

    @property
    def branches(self) -> dict[str, Branch]:
        """The branches, by name."""
        found = {name.removesuffix(_BRANCH_SUFFIX): module for name, module in self.branches_by_name.items()}
        return {name: module for name, module in found.items() if isinstance(module, Branch)}

    def set_branch(self, name: str, branch: Branch) -> None:
        """Put a branch beside the encoder."""
        self.branches_by_name[name + _BRANCH_SUFFIX] = branch

    def with_branch(self, name: str, branch: Branch) -> "MultiTaskModel":
        """The same with another branch of that name: everything else is shared."""
        own = MultiTaskModel(encoder=self.encoder)
        own.heads, own.stands_on, own.training = self.heads, self.stands_on, self.training
        for each, other in self.branches.items():
            own.set_branch(each, branch if each == name else other)
        return own

    def remove_branch(self, name: str) -> None:
        """Take a branch away on which no head stands."""
        del self.branches_by_name[name + _BRANCH_SUFFIX]

    def with_backbone(self, backbone: Backbone) -> "MultiTaskModel":
        """The same on another backbone: heads, pooling and projection are shared, branches' layers are copied."""
        own = MultiTaskModel(encoder=self.encoder.with_backbone(backbone))
        own.heads, own.stands_on, own.training = self.heads, self.stands_on, self.training
        for name, branch in self.branches.items():
            own.set_branch(name, branch.standing_on(backbone))
        return own

    def through(self, branch: str) -> "MultiTaskModel":
        """What the heads on ``branch`` see of the model, as a model of its own: all of it is shared."""
        own = MultiTaskModel(encoder=self.branches[branch].encoder())
        for name in self.heads:
            if self.stands_on.get(name) == branch:
                own.heads[name] = self.heads[name]
        return own

    def views(self, inputs: Inputs, tasks: Collection[str]) -> tuple[Encoded, dict[str, Encoded]]:
        """Encode once: what the encoder gives, and what each head of ``tasks`` reads."""
        used = {self.stands_on[name] for name in tasks if name in self.stands_on}
        layers = bool(used) or any(self.heads[name].reads_layers for name in tasks)
        encoded: Encoded = self.encoder(inputs, layers=layers)
        branched = {name: self.branches[name](encoded) for name in sorted(used)}
        return encoded, {name: branched.get(self.stands_on.get(name, ""), encoded) for name in tasks}

    def forward(self, inputs: Inputs, tasks: Collection[str] | None = None) -> Outputs:
        """Encode once and run the heads of ``tasks``, every head if ``None``."""
        wanted = [name for name in self.heads if tasks is None or name in tasks]
        encoded, views = self.views(inputs, wanted)
        return Outputs(encoded, {name: self.heads[name](views[name]) for name in wanted})
