"""A backbone in two parts: the layers below a depth, whose states can be kept, and those above it."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from polyhead.modeling.backbone import POOLER, Backbone


class _ReachedError(Exception):
    """The states that were wanted are there; no layer above them needs to run."""


def below(backbone: Backbone, input_ids: Tensor, attention_mask: Tensor, *, depth: int) -> Tensor:
    """The token states after the first ``depth`` layers; no other layer is run.

    *Shapes:* (texts, tokens) twice → (texts, tokens, hidden).
    """
    if depth == backbone.layers:
        return backbone(input_ids, attention_mask)[-1]  # type: ignore[no-any-return]
    found: list[Tensor] = []

    def reached(module: nn.Module, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
        found.append(arguments[0] if arguments else options["hidden_states"])
        raise _ReachedError

    handle = backbone.layer_list()[depth].register_forward_pre_hook(reached, with_kwargs=True)
    try:
        backbone(input_ids, attention_mask)
    except _ReachedError:
        unpadding = backbone.unpadding(attention_mask)
        return found[0] if unpadding is None else unpadding.restore(found[0])
    finally:
        handle.remove()
    raise AssertionError("a layer was passed by")


class Above:
    """Runs the layers above ``depth`` on states that were kept, in the network that they belong to.

    The network's own forward pass is used, so masks and positions are what they always are: in a copy of its outer
    modules the lower layers hand on what they are given, and the first of them gives the kept states instead. The
    upper layers are the backbone's own.
    """

    def __init__(self, backbone: Backbone, *, depth: int) -> None:
        self.depth = depth
        self._whole = depth == backbone.layers
        if not self._whole:
            as_tuple = _gives_tuples(backbone)
            self._upper = backbone.layer_list()[depth:]
            lowest, *others = backbone.layer_list()
            self._first = (_Kept if depth else _Fed)(lowest, as_tuple=as_tuple)
            passing = [_Passed(layer, as_tuple=as_tuple) for layer in others[: max(0, depth - 1)]]
            self._backbone = Backbone(network=with_layers(backbone, [self._first, *passing, *self._upper[not depth :]]))

    def __call__(self, states: Tensor, attention_mask: Tensor) -> Tensor:
        """*Shapes:* (texts, tokens, hidden), (texts, tokens) → (texts, tokens, hidden)."""
        if self._whole:
            return states
        with self._first.keeping(states):
            last: Tensor = self._backbone(torch.zeros_like(attention_mask), attention_mask)[-1]
        return last

    def layers(self, states: Tensor, attention_mask: Tensor) -> list[Tensor]:
        """The states after each layer above ``depth``; the last are those that the network gives."""
        found: list[Tensor] = []

        def ran(module: nn.Module, given: Any, output: Any) -> None:
            found.append(output[0] if isinstance(output, tuple) else output)

        handles = [layer.register_forward_hook(ran) for layer in self._upper]
        try:
            last = self(states, attention_mask)
        finally:
            for handle in handles:
                handle.remove()
        return [*found[:-1], last]


class _Passed(nn.Module):
    """Stands in a layer's place and hands on what it is given; in all else it is asked, the layer answers."""

    def __init__(self, layer: nn.Module, *, as_tuple: bool) -> None:
        super().__init__()
        self.__dict__["layer"] = layer  # not registered: it is not run
        self._as_tuple = as_tuple

    def forward(self, *arguments: Any, **options: Any) -> Any:
        states = arguments[0] if arguments else options["hidden_states"]
        return (states,) if self._as_tuple else states

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(self.__dict__["layer"], name)


class _Kept(_Passed):
    """Hands on kept states instead of what it is given."""

    states: Tensor | None = None

    @contextmanager
    def keeping(self, states: Tensor) -> Iterator[None]:
        self.__dict__["states"] = states
        try:
            yield
        finally:
            self.__dict__["states"] = None

    def forward(self, *arguments: Any, **options: Any) -> Any:
        return super().forward(self.states)


class _Fed(_Kept):
    """Runs the layer on kept states instead of what it is given."""

    def forward(self, *arguments: Any, **options: Any) -> Any:
        if arguments:
            arguments = (self.states, *arguments[1:])
        else:
            options["hidden_states"] = self.states
        return self.layer(*arguments, **options)


def _gives_tuples(backbone: Backbone) -> bool:
    """Whether a layer of this network returns its states in a tuple, as older ones do; no randomness is used up."""
    found: list[bool] = []
    layer, device = backbone.layer_list()[0], next(backbone.parameters()).device
    handle = layer.register_forward_hook(lambda module, given, output: found.append(isinstance(output, tuple)))
    try:
        with torch.no_grad(), torch.random.fork_rng([device] if device.type == "cuda" else []):
            one = torch.ones((1, 1), dtype=torch.int64, device=device)
            backbone(one, one)
    finally:
        handle.remove()
    return found[0]


def with_layers(backbone: Backbone, layers: list[nn.Module]) -> nn.Module:
    """The network with other layers in the places of its own; everything around them is shared."""
    return _replaced(backbone.network, layers, backbone.layer_list())


def behind_layers(backbone: Backbone) -> list[str]:
    """The names of the network's modules that token states pass after all of its layers, such as a last norm."""
    names = [name for name, _ in backbone.network.named_children()]
    own = set(backbone.layer_list())
    last = max(place for place, name in enumerate(names) if own & set(getattr(backbone.network, name).modules()))
    after = [name for name in names[last + 1 :] if name != POOLER]
    return [name for name in after if not isinstance(getattr(backbone.network, name), nn.Embedding)]


def _replaced(network: nn.Module, layers: list[nn.Module], own: list[nn.Module]) -> nn.Module:
    """The network with other layers: the modules around them are copied, all that is in those is shared."""
    if isinstance(network, nn.ModuleList) and list(network) == own:
        return nn.ModuleList(layers)
    inside = [name for name, module in network.named_children() if own[0] in set(module.modules())]
    if not inside:
        return network
    copied = copy.copy(network)
    copied._modules = dict(network._modules)
    for name in inside:
        child = network._modules[name]
        assert child is not None
        copied._modules[name] = _replaced(child, layers, own)
    return copied
