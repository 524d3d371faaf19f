"""Forward passes of training: batches to losses, and examples to answers for an evaluation."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

import torch
from torch import Tensor

from polyhead.data.collate import Batch, Collator
from polyhead.data.example import Example
from polyhead.evaluation import Scored
from polyhead.modeling.model import MultiTaskModel
from polyhead.text.batches import token_budget_batches

_CHUNK = 4096
"""Examples that are sorted by length together, so that memory does not grow with the data."""
_TOKENS = 4096


class Forward:
    """One forward pass of the heads that have labels in a batch, under autocast if a ``dtype`` is given."""

    def __init__(self, model: MultiTaskModel, device: torch.device, *, dtype: torch.dtype | None) -> None:
        self.model = model
        self.device = device
        self.dtype = dtype

    def __call__(self, batch: Batch) -> tuple[Mapping[str, Tensor], dict[str, Tensor]]:
        """Logits, and the *sum* of each task's losses."""
        with self.autocast():
            logits = self.model(batch.inputs.to(self.device), tasks=batch.targets.keys()).logits
        losses = {
            name: self.model.heads[name].loss(logits[name], target.to(self.device))
            for name, target in batch.targets.items()
        }
        return logits, losses

    def autocast(self) -> torch.autocast:
        """The context of a forward pass; around several of them it casts the weights once."""
        return torch.autocast(self.device.type, dtype=self.dtype, enabled=self.dtype is not None)


class Answers:
    """Answers to examples, in their order, for ``evaluate``; the losses are summed as they pass."""

    def __init__(self, forward: Forward, collate: Collator, examples: Iterable[Example]) -> None:
        self._forward = forward
        self._collate = collate
        self._examples = examples
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}

    def __iter__(self) -> Iterator[Scored]:
        examples = iter(self._examples)
        while chunk := list(islice(examples, _CHUNK)):
            with torch.no_grad(), self._forward.autocast():
                answers = self._answer(chunk)
            yield from answers

    def _answer(self, examples: Sequence[Example]) -> list[Scored]:
        answers: list[Scored | None] = [None] * len(examples)
        lengths = self._collate.lengths(examples).tolist()
        for rows in token_budget_batches(lengths, max_tokens=_TOKENS):
            batch = self._collate([examples[row] for row in rows])
            logits, losses = self._forward(batch)
            for name, loss in losses.items():
                self._sums[name] = self._sums.get(name, 0.0) + float(loss)
                self._counts[name] = self._counts.get(name, 0) + batch.counts[name]
            arrays = {name: values.float().cpu().numpy() for name, values in logits.items()}
            for position, (row, document) in enumerate(zip(rows, batch.documents, strict=True)):
                own = {
                    name: values[position, : document.tokens] if values.ndim == 3 else values[position]
                    for name, values in arrays.items()
                }
                answers[row] = Scored(examples[row], document, own)
        return [answer for answer in answers if answer is not None]

    def losses(self) -> dict[str, float]:
        """Each task's mean loss over all its labels."""
        return {name: total / max(1, self._counts[name]) for name, total in self._sums.items()}
