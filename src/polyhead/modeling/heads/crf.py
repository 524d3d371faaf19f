"""A linear-chain conditional random field over the words of each text (Lafferty et al., 2001), in fp32."""

import torch
from torch import Tensor, nn


class Crf(nn.Module):
    """Scores of what follows what. Sequences are compacted: ``mask`` is true for the words of each row, then false.

    All transitions are allowed while learning; the decoder forbids those that are invalid.
    """

    def __init__(self, *, tags: int) -> None:
        super().__init__()
        self.transitions = nn.Parameter(torch.zeros(tags, tags))
        """*Shape:* (tags before, tags after)."""
        self.start = nn.Parameter(torch.zeros(tags))
        self.end = nn.Parameter(torch.zeros(tags))

    def negative_log_likelihood(self, emissions: Tensor, tags: Tensor, mask: Tensor) -> Tensor:
        """Of each row's tags. *Shapes:* (rows, words, tags), (rows, words), (rows, words) → (rows,)."""
        return self.log_partition(emissions, mask) - self._score(emissions, tags, mask)

    def log_partition(self, emissions: Tensor, mask: Tensor) -> Tensor:
        """The log of the sum over all sequences, by the forward algorithm. *Shapes:* as above → (rows,)."""
        forward = self._forward(emissions, mask)[-1]
        return torch.logsumexp(forward + self.end, dim=-1)

    def log_marginals(self, emissions: Tensor, mask: Tensor) -> Tensor:
        """The log-probability of each tag at each word, given the whole text (forward–backward).

        *Shapes:* (rows, words, tags), (rows, words) → (rows, words, tags).
        """
        forward = torch.stack(self._forward(emissions, mask), dim=1)
        backward = [self.end.expand_as(emissions[:, 0])]
        for word in range(emissions.shape[1] - 1, 0, -1):
            step = torch.logsumexp(self.transitions + (emissions[:, word] + backward[-1]).unsqueeze(1), dim=-1)
            backward.append(torch.where(mask[:, word].unsqueeze(1), step, backward[-1]))
        joint = forward + torch.stack(backward[::-1], dim=1)
        return joint - torch.logsumexp(joint, dim=-1, keepdim=True)

    def _forward(self, emissions: Tensor, mask: Tensor) -> list[Tensor]:
        """The forward scores at each word; behind a row's last word they stay. *Shape:* (rows, tags) each."""
        scores = [self.start + emissions[:, 0]]
        for word in range(1, emissions.shape[1]):
            step = torch.logsumexp(scores[-1].unsqueeze(2) + self.transitions, dim=1) + emissions[:, word]
            scores.append(torch.where(mask[:, word].unsqueeze(1), step, scores[-1]))
        return scores

    def _score(self, emissions: Tensor, tags: Tensor, mask: Tensor) -> Tensor:
        """The score of the given sequence. *Shapes:* as above → (rows,)."""
        own = emissions.gather(2, tags.unsqueeze(2)).squeeze(2)
        moves = self.transitions[tags[:, :-1], tags[:, 1:]]
        last = tags.gather(1, (mask.sum(dim=1, keepdim=True) - 1)).squeeze(1)
        inner = (own * mask).sum(dim=1) + (moves * mask[:, 1:]).sum(dim=1)
        return self.start[tags[:, 0]] + inner + self.end[last]


def compact(values: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor]:
    """The chosen positions of each row, moved to its beginning, and where there is one.

    *Shapes:* (rows, tokens[, width]), (rows, tokens) → (rows, most[, width]), (rows, most).
    """
    counts = chosen.sum(dim=1)
    most = int(counts.max())
    order = torch.argsort(chosen.int(), dim=1, descending=True, stable=True)[:, :most]
    mask = torch.arange(most, device=values.device) < counts[:, None]
    index = order if values.ndim == 2 else order.unsqueeze(2).expand(-1, -1, values.shape[2])
    return values.gather(1, index), mask
