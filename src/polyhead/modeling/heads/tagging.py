"""The head of a tagging task: logits on every token state, with word shapes beside it and a CRF behind it if asked."""

from typing import Any

import torch
from torch import Tensor, nn

from polyhead.kinds import IGNORED
from polyhead.modeling.encoded import Encoded
from polyhead.modeling.heads.base import LayeredHead
from polyhead.modeling.heads.crf import Crf, compact


class TaggingHead(LayeredHead):
    """Logits at every token; the loss and the decoder look at each word's first token."""

    def __init__(
        self,
        *,
        width: int,
        outputs: int,
        splitter: str,
        shapes: int = 0,
        shape_width: int = 0,
        crf: bool = False,
        **layers: Any,
    ) -> None:
        super().__init__(width=width + shape_width, outputs=outputs, **layers)
        self.splitter = splitter
        self.shape_embedding = nn.Embedding(shapes, shape_width) if shape_width else None
        self.crf = Crf(tags=outputs) if crf else None

    def features(self, encoded: Encoded) -> Tensor:
        """*Shape:* (texts, tokens, width + shape width)."""
        tokens = self.states(encoded)
        if self.shape_embedding is None:
            return tokens
        return torch.cat([tokens, self.shape_embedding(encoded.words[self.splitter].shapes)], dim=-1)

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy of each word's tag, or of each text's whole sequence.

        With a CRF, words whose tag is unknown are left out of the sequence. *Shapes:* (rows, tokens, tags), (rows,
        tokens) → ().
        """
        known = targets != IGNORED
        if self.crf is None or not known.any():
            return super().loss(logits, targets)
        some = known.any(dim=1)
        with torch.autocast(logits.device.type, enabled=False):
            emissions, mask = compact(logits[some].float(), known[some])
            tags, _ = compact(targets[some], known[some])
            return self.crf.negative_log_likelihood(emissions, tags.clamp(min=0), mask).sum()

    def answer(self, logits: Tensor, encoded: Encoded) -> Tensor:
        """With a CRF, the log-marginals of each word at its first token: a score of each tag that knows its neighbours.

        *Shape:* (rows, tokens, tags), both.
        """
        if self.crf is None:
            return logits
        first = _first_tokens(encoded.words[self.splitter].index[: len(logits)])
        some = first.any(dim=1)
        if not some.any():
            return logits
        with torch.autocast(logits.device.type, enabled=False):
            emissions, mask = compact(logits[some].float(), first[some])
            marginals = self.crf.log_marginals(emissions, mask)
        answers = logits.float().clone()
        answers[first] = marginals[mask]
        return answers


def _first_tokens(index: Tensor) -> Tensor:
    """Where a word begins, from the word that each token belongs to. *Shape:* (rows, tokens)."""
    seen = torch.cummax(index, dim=1).values
    before = torch.cat([torch.full_like(seen[:, :1], -1), seen[:, :-1]], dim=1)
    return (index >= 0) & (index > before)
