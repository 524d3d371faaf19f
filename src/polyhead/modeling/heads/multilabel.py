"""The head of a multilabel task: one logit a label, each decided by itself."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from polyhead.kinds import IGNORED
from polyhead.modeling.heads.sentence import SentenceHead


class MultilabelHead(SentenceHead):
    """A ``SentenceHead`` with a ``BinaryLoss`` for each label."""


class BinaryLoss(nn.Module):
    """The *sum* of binary cross-entropies over all labels of all rows; the loop divides by their count.

    ``weights`` multiply what a label's presence costs (torch's ``pos_weight``). ``label_smoothing`` moves targets that
    share of the way to ½. ``focal_gamma`` γ multiplies with (1 − p)^γ, p the probability of what is right (Lin et al.,
    2017). ``adjustment``, τ times the log-odds of a label's share, is added to logits while learning (Menon et al.,
    2021, for binary choices).
    """

    weights: Tensor | None
    adjustment: Tensor | None

    def __init__(
        self,
        *,
        weights: Sequence[float] | None = None,
        label_smoothing: float = 0.0,
        focal_gamma: float = 0.0,
        adjustment: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing
        self.focal_gamma = focal_gamma
        self.register_buffer("weights", None if weights is None else torch.tensor(weights), persistent=False)
        self.register_buffer("adjustment", None if adjustment is None else torch.tensor(adjustment), persistent=False)

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Rows of ``IGNORED`` targets are passed over. *Shapes:* (rows, labels), (rows, labels) → ()."""
        known = (targets != IGNORED).all(dim=-1)
        logits, wanted = logits[known], targets[known].to(logits.dtype)
        if self.adjustment is not None:
            logits = logits + self.adjustment
        smooth = wanted * (1 - self.label_smoothing) + 0.5 * self.label_smoothing
        losses = functional.binary_cross_entropy_with_logits(logits, smooth, pos_weight=self.weights, reduction="none")
        if self.focal_gamma:
            missed = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
            losses = losses * (1 - torch.exp(-missed)) ** self.focal_gamma
        return losses.sum()
