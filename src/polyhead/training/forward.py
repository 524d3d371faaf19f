"""Forward passes of training: batches to losses, and examples to answers for the evaluation of an epoch."""

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from polyhead.data.collate import Batch, Collator
from polyhead.data.example import Example
from polyhead.evaluation import Scored
from polyhead.modeling.model import MultiTaskModel
from polyhead.text.batches import token_budget_batches

_EVALUATION_TOKENS = 8192


class Forward:
    """One forward pass of the heads that have labels in a batch, under bf16 autocast if so set."""

    def __init__(self, model: MultiTaskModel, device: torch.device, *, bf16: bool) -> None:
        self.model = model
        self.device = device
        self.bf16 = bf16

    def __call__(self, batch: Batch) -> tuple[Mapping[str, Tensor], dict[str, Tensor]]:
        """Logits, and the *sum* of each task's losses."""
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.bf16):
            logits = self.model(batch.inputs.to(self.device), tasks=batch.targets.keys()).logits
        losses = {
            name: self.model.heads[name].loss(logits[name], target.to(self.device))
            for name, target in batch.targets.items()
        }
        return logits, losses


class Answers:
    """Answers to examples, in their order, for ``evaluate``; the losses are summed as they pass."""

    def __init__(self, forward: Forward, collate: Collator, examples: Sequence[Example]) -> None:
        self._forward = forward
        self._collate = collate
        self._examples = examples
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}

    @torch.no_grad()
    def _run(self) -> list[Scored]:
        answers: list[Scored | None] = [None] * len(self._examples)
        lengths = self._collate.lengths(self._examples).tolist()
        for rows in token_budget_batches(lengths, max_tokens=_EVALUATION_TOKENS):
            batch = self._collate([self._examples[row] for row in rows])
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
                answers[row] = Scored(document, own)
        return [answer for answer in answers if answer is not None]

    def __iter__(self) -> Iterator[Scored]:
        return iter(self._run())

    def losses(self) -> dict[str, float]:
        """Each task's mean loss over all its labels."""
        return {name: total / max(1, self._counts[name]) for name, total in self._sums.items()}
