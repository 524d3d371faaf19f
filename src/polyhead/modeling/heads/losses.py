"""The losses of heads that choose: one of several labels, or each label by itself."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from polyhead.kinds import IGNORED


class FairLoss(nn.Module):
    """What cross-entropy and binary cross-entropy have in common: what makes them fairer to rare or hard labels.

    ``weights`` multiply each label's loss. ``label_smoothing`` moves targets that share of the way to all labels alike
    (Szegedy et al., 2016). ``focal_gamma`` γ multiplies the loss with (1 − p)^γ, p the probability of what is right
    (Lin et al., 2017). ``adjustment`` is added to the logits while learning, τ log π for logit adjustment (Menon et
    al., 2021): labels that are rare in training must win by more, and so do not lose when it is gone.
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
        # they follow from the head's config, and are no weights of its own
        self.register_buffer("weights", None if weights is None else torch.tensor(weights), persistent=False)
        self.register_buffer("adjustment", None if adjustment is None else torch.tensor(adjustment), persistent=False)


class ClassLoss(FairLoss):
    """The *sum* of cross-entropies over all labels that are there; the loop divides by their count over the step."""

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """``IGNORED`` targets are passed over. *Shapes:* (…, labels), (…) → ()."""
        flat, wanted = logits.reshape(-1, logits.shape[-1]), targets.reshape(-1)
        if self.adjustment is not None:
            flat = flat + self.adjustment
        losses = functional.cross_entropy(
            flat,
            wanted,
            weight=self.weights,
            ignore_index=IGNORED,
            label_smoothing=self.label_smoothing,
            reduction="none",
        )
        if self.focal_gamma:
            missed = functional.cross_entropy(flat, wanted, ignore_index=IGNORED, reduction="none")
            losses = losses * (1 - torch.exp(-missed)) ** self.focal_gamma
        return losses.sum()


class BinaryLoss(FairLoss):
    """The *sum* of binary cross-entropies over all labels of all rows; ``weights`` are of a label's presence alone."""

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
