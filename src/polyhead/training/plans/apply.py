"""What a stage does to the model: what learns has gradients, what is frozen is in eval mode."""

from collections.abc import Collection, Sequence

from polyhead.modeling.components import Component


def apply(parts: Sequence[Component], learns: Collection[str]) -> None:
    """Let the parameters with these names learn.

    A component of which nothing learns is put into eval mode: without dropout it is a constant.
    """
    for part in parts:
        learning = False
        for name, parameter in part.parameters.items():
            parameter.requires_grad_(name in learns)
            learning |= name in learns
            if name not in learns:
                parameter.grad = None
        for module in part.modules:
            module.training = learning
