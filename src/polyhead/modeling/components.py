"""A model's components, from the bottom up: what learns, or is frozen, as a whole."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from torch import nn

from polyhead.modeling.backbone import POOLER, Backbone
from polyhead.modeling.model import MultiTaskModel


@dataclass(frozen=True, slots=True)
class Component:
    """``embeddings``, ``layers.0`` …, ``pooler`` in the backbone; on it ``pooling``, ``projection``, ``heads.NAME``.

    ``depth`` is 0 for the embeddings, 1 … L for the backbone's layers, L + 1 for all that stands on them. Parameters
    have the names that a plan's patterns are held against; ``modules`` are those with a training mode of their own.
    What is ``fixed`` learns by no plan.
    """

    name: str
    depth: int
    parameters: Mapping[str, nn.Parameter]
    modules: Sequence[nn.Module]
    fixed: bool = False

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        return sum(parameter.numel() for parameter in self.parameters.values())


def size_of(parts: Sequence[Component], names: Collection[str]) -> int:
    """How many numbers the parameters with these names hold."""
    return sum(value.numel() for part in parts for name, value in part.parameters.items() if name in names)


def components(model: MultiTaskModel) -> list[Component]:
    """The model's components. A parameter that several modules share belongs to the lowest of them."""
    encoder = model.encoder
    found = [replace(each, fixed=each.fixed or each.depth <= encoder.fixed) for each in _backbone(encoder.backbone)]
    top = encoder.backbone.layers + 1
    above: dict[str, nn.Module | None] = {"pooling": encoder.pooling, "projection": encoder.projection}
    above |= {f"heads.{name}": model.heads[name] for name in model.heads}
    for name, module in above.items():
        if module is not None:
            parameters = {f"{name}.{key}": value for key, value in module.named_parameters()}
            found.append(Component(name, top, parameters, list(module.modules())))
    return found


def _backbone(backbone: Backbone) -> Iterator[Component]:
    """The embeddings, with everything that all layers use; then the layers, the topmost with the norm behind it.

    What is not sure to come after the layers counts as below them, so that nothing above depends on it unseen. A pooler
    reads the first token's state, and nobody reads the pooler: it learns by no plan.
    """
    layers = backbone.layer_list()
    pooler = len(layers) + 1
    owner = {id(module): number for number, layer in enumerate(layers, 1) for module in layer.modules()}
    if isinstance(unread := getattr(backbone.network, POOLER, None), nn.Module):
        owner |= {id(module): pooler for module in unread.modules()}
    parameters: list[dict[str, nn.Parameter]] = [{} for _ in range(pooler + 1)]
    modules: list[list[nn.Module]] = [[] for _ in parameters]
    seen: set[int] = set()
    passed = 0  # layers that came before, in the order in which the network lists its modules
    for prefix, module in backbone.network.named_modules():
        number = owner.get(id(module), 0)
        passed = max(passed, 0 if number == pooler else number)
        modules[number].append(module)
        own_child = prefix and "." not in prefix and not isinstance(module, nn.Embedding)
        behind = number == 0 and passed == len(layers) and own_child
        for key, parameter in module.named_parameters(recurse=False):
            if id(parameter) not in seen:
                seen.add(id(parameter))
                name = ".".join(filter(None, ("backbone", prefix, key)))
                parameters[len(layers) if behind else number][name] = parameter
    names = ["embeddings", *(f"layers.{number}" for number in range(len(layers)))] if layers else ["backbone"]
    for depth, (name, own, flagged) in enumerate(zip(names, parameters[:-1], modules[:-1], strict=True)):
        yield Component(name, depth, own, flagged)
    if parameters[pooler]:
        yield Component(POOLER, len(layers), parameters[pooler], modules[pooler], fixed=True)
