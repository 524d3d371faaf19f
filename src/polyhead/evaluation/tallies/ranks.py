"""Where each anchor's own positive stands among all positives and negatives of the split."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from polyhead.data.example import Example
from polyhead.documents import Document, IntArray
from polyhead.evaluation.tallies.base import AnswerTally, Totals
from polyhead.kinds.base import FloatArray
from polyhead.predictions import Similarity

_BLOCK = 1024


@dataclass(frozen=True, slots=True)
class Ranks:
    """The rank of each anchor's positive, from 1. *Shape:* (rows,)."""

    ranks: IntArray


class RankTally(AnswerTally):
    """Keeps the embeddings of all texts, since each anchor is held against all of them."""

    def add(self, example: Example, gold: int, prediction: Similarity, document: Document, logits: FloatArray) -> None:
        """Keep one row's texts and embeddings. *Shape:* (texts, width)."""
        self.answers.append((example, np.array(logits[:gold], dtype=np.float32)))

    def totals(self) -> Totals:
        """Each rank as often as its row counts; the candidates stay those of the whole split."""
        ranks = self._ranked[0]

        def total(counts: IntArray) -> Ranks:
            return Ranks(np.repeat(ranks, counts))

        return total

    def mistakes(self, name: str) -> Iterator[dict[str, Any]]:
        """Anchors that found another text first."""
        texts = [text for example, _ in self.answers for text in example.others]
        for (example, _), rank, best, cosine in zip(self.answers, *self._ranked, strict=True):
            if rank > 1:
                yield {
                    "task": name,
                    "source": example.source,
                    "text": example.text,
                    "gold": example.others[0],
                    "predicted": texts[best],
                    "rank": int(rank),
                    "confidence": float(cosine),
                }

    @cached_property
    def _ranked(self) -> tuple[IntArray, IntArray, FloatArray]:
        """The rank of each anchor's positive, its best candidate, and the cosine of that. *Shapes:* (rows,)."""
        anchors = np.stack([vectors[0] for _, vectors in self.answers])
        candidates = np.concatenate([vectors[1:] for _, vectors in self.answers])
        sizes = [len(vectors) - 1 for _, vectors in self.answers]
        own = np.cumsum([0, *sizes[:-1]])
        ranks, best, cosines = [], [], []
        for start in range(0, len(anchors), _BLOCK):
            scores = anchors[start : start + _BLOCK] @ candidates.T
            mine = scores[np.arange(len(scores)), own[start : start + _BLOCK]]
            ranks.append(1 + (scores > mine[:, None]).sum(axis=1))
            best.append(scores.argmax(axis=1))
            cosines.append(scores.max(axis=1))
        return np.concatenate(ranks), np.concatenate(best), np.concatenate(cosines)
