"""The anchor: a loss that holds embeddings where they were."""

from torch import Tensor
from torch.nn import functional

_SIMILARITIES = 16.0
"""What the squared differences of similarities are multiplied with: about as large, then, as the cosines' part."""


def anchor_loss(embedding: Tensor, original: Tensor) -> Tensor:
    """1 − cos(z, z₀), and 16 times the mean squared difference of cosines within the batch; *summed* over texts.

    *Shapes:* (texts, width) twice.
    """
    now, before = functional.normalize(embedding.float(), dim=-1), functional.normalize(original.float(), dim=-1)
    moved = 1 - (now * before).sum(dim=-1)
    if len(now) == 1:
        return moved.sum()
    difference = now @ now.T - before @ before.T
    others = difference.square().sum(dim=-1) / (len(now) - 1)
    return (moved + _SIMILARITIES * others).sum()
