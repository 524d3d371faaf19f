"""Batches without their padding: the texts' tokens one after the other, as if they were one text.

Most of a transformer's work is products of single tokens with weights, and those over padding are lost. Only attention
has to know where a text ends: it puts texts of like length side by side (``polyhead.pretrained.attention``). The number
of tokens is a round one, since matrix libraries compile a kernel a shape.

Source: Zeng et al., 2022, "Boosting Distributed Training Performance of the Unpadded BERT Model".
"""

from functools import cached_property
from itertools import groupby

import torch
from torch import Tensor

_MULTIPLE = 32
_WORTH = 0.9
"""The share of a batch's places up to which its tokens are worth the moving; of texts alike in length they are more."""
_VECTOR = 16
"""Attention's widths are multiples of the numbers that a processor takes at a time: the rest it takes one by one."""


class Unpadding:
    """Where the tokens of a batch that is padded on the right stand. *Shape:* of its mask, (texts, width)."""

    def __init__(self, attention_mask: Tensor, *, multiple: int = _MULTIPLE) -> None:
        self._present = attention_mask.bool()
        places = self._present.flatten().nonzero().squeeze(1)
        self.tokens = len(places)
        """Tokens without padding."""
        self.spare = -self.tokens % multiple
        """Tokens that fill up to a round number; what comes of them is of no use."""
        self._places = torch.cat([places, places.new_zeros(self.spare)])

    @property
    def worth(self) -> bool:
        """Whether there are tokens, and enough is saved."""
        return 0 < len(self._places) <= _WORTH * self._present.numel()

    @cached_property
    def _numbers(self) -> Tensor:
        """Of each place of the padded batch the number of its token; the first one's where there is none."""
        numbers = self._places.new_zeros(self._present.numel())
        numbers[self._places[: self.tokens]] = torch.arange(self.tokens, device=numbers.device)
        return numbers

    @cached_property
    def attention_mask(self) -> Tensor:
        """What a token of the padded batch may look at. *Shape:* (texts, 1, 1, width), bool."""
        return self._present[:, None, None, :]

    @cached_property
    def groups(self) -> list["Unpadding"]:
        """The texts, one after the other, those that need the same width in a group; no spare tokens.

        Of texts sorted by length there are few groups, of others up to as many as texts.
        """
        widths = [-(-length // _VECTOR) * _VECTOR for length in self._present.sum(dim=1).tolist()]
        found: list[Unpadding] = []
        start = 0
        for width, texts in groupby(widths):
            own = slice(start, start := start + len(list(texts)))
            found += [Unpadding(self._present[own, :width], multiple=1)] if width else []
        return found

    def remove(self, padded: Tensor) -> Tensor:
        """*Shapes:* (texts, width, …) → (1, tokens, …)."""
        return padded.flatten(0, 1).index_select(0, self._places)[None]

    def restore(self, tokens: Tensor) -> Tensor:
        """What stands where there is no token is of no use. *Shapes:* (1, tokens, …) → (texts, width, …)."""
        return tokens[0].index_select(0, self._numbers).reshape(*self._present.shape, *tokens.shape[2:])
