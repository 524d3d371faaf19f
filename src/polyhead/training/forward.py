"""Forward passes of training: batches to losses, and examples to answers for an evaluation."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

import torch
from torch import Tensor

from polyhead.data.collate import Batch, Collator
from polyhead.data.example import Example
from polyhead.evaluation import Scored
from polyhead.kinds import EMBEDDING
from polyhead.modeling.encoded import Encoded
from polyhead.modeling.model import MultiTaskModel, Outputs
from polyhead.pretrained.computing import computing_model
from polyhead.pretrained.hardware import batch_tokens
from polyhead.text.batches import token_budget_batches
from polyhead.training.activations.rows import Source
from polyhead.training.embedding.loss import anchor_loss
from polyhead.training.plans.lora import merged

_CHUNK = 4096
"""Examples that are sorted by length together, so that memory does not grow with the data."""


class Forward:
    """One forward pass of the heads that have labels in a batch, under autocast if a ``dtype`` is given."""

    def __init__(self, model: MultiTaskModel, device: torch.device, *, dtype: torch.dtype | None) -> None:
        self.model = model
        self.device = device
        self.dtype = dtype

    def __call__(self, batch: Batch) -> tuple[Outputs, dict[str, Tensor]]:
        """What the model gives, and the *sum* of each task's losses."""
        with self.autocast():
            outputs: Outputs = self.model(batch.inputs.to(self.device), tasks=batch.targets.keys())
        return outputs, self.losses(outputs.logits, batch) | self._anchor(outputs.encoded, batch)

    def heads(self, encoded: Encoded, batch: Batch) -> dict[str, Tensor]:
        """The *sum* of each task's losses, of texts that are encoded already."""
        with self.autocast():
            logits = {name: self.model.heads[name](encoded) for name in batch.targets}
        return self.losses(logits, batch) | self._anchor(encoded, batch)

    def losses(self, logits: Mapping[str, Tensor], batch: Batch) -> dict[str, Tensor]:
        """The *sum* of each task's losses."""
        return {
            name: self.model.heads[name].loss(logits[name], target.to(self.device))
            for name, target in batch.targets.items()
        }

    def _anchor(self, encoded: Encoded, batch: Batch) -> dict[str, Tensor]:
        """The *sum* of the texts' anchor losses, where originals are there and the embedding can move."""
        if batch.originals is None or not encoded.embedding.requires_grad:
            return {}
        return {EMBEDDING: anchor_loss(encoded.embedding, batch.originals.to(self.device))}

    def autocast(self) -> torch.autocast:
        """The context of a forward pass; around several of them it casts the weights once."""
        return torch.autocast(self.device.type, dtype=self.dtype, enabled=self.dtype is not None)


class Answers:
    """Answers to examples, in their order, for ``evaluate``; the losses are summed as they pass.

    The model computes as it does for predictions, in the dtype of the training's autocast. Examples without a label are
    passed over: there is nothing to hold an answer against.
    """

    def __init__(self, forward: Forward, collate: Collator, sources: Iterable[Source]) -> None:
        self._forward = forward
        self._collate = collate
        self._sources = sources
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}

    def __iter__(self) -> Iterator[Scored]:
        model = computing_model(merged(self._forward.model), dtype=self._forward.dtype or torch.float32)
        for source in self._sources:
            labelled = ((row, each) for row, each in enumerate(source.examples) if each.labels)
            while chunk := list(islice(labelled, _CHUNK)):
                with torch.no_grad():
                    answers = self._answer(model, source, chunk)
                yield from answers

    def _answer(self, model: MultiTaskModel, source: Source, chunk: Sequence[tuple[int, Example]]) -> list[Scored]:
        examples = [example for _, example in chunk]
        answers: list[Scored | None] = [None] * len(examples)
        encodings = self._collate.tokenize(examples)
        lengths = [max(1, sum(map(len, each))) for each in encodings]
        most = batch_tokens(self._forward.device)
        for rows in _alike(examples, lengths, most):
            batch = self._collate.batch([examples[row] for row in rows], [encodings[row] for row in rows])
            inputs = source.known([chunk[row][0] for row in rows], batch.inputs)
            outputs: Outputs = model(inputs.to(self._forward.device), tasks=batch.targets.keys())
            for name, loss in self._forward.losses(outputs.logits, batch).items():
                self._sums[name] = self._sums.get(name, 0.0) + float(loss)
                self._counts[name] = self._counts.get(name, 0) + batch.counts[name]
            arrays = {
                name: model.heads[name].answer(logits, outputs.encoded).float().cpu().numpy()
                for name, logits in outputs.logits.items()
            }
            for position, (row, document) in enumerate(zip(rows, batch.documents, strict=True)):
                own = {
                    name: values[position, : document.tokens]
                    if self._collate.tasks[name].level == "token"
                    else values[position]
                    for name, values in arrays.items()
                }
                answers[row] = Scored(examples[row], document, own)
        return [answer for answer in answers if answer is not None]

    def losses(self) -> dict[str, float]:
        """Each task's mean loss over all its labels."""
        return {name: total / max(1, self._counts[name]) for name, total in self._sums.items()}


def _alike(examples: Sequence[Example], lengths: Sequence[int], most: int) -> Iterator[Sequence[int]]:
    """Row numbers in batches of like length, each of rows with the same number of texts, or of stored vectors."""
    groups: dict[tuple[int, bool], list[int]] = {}
    for row, example in enumerate(examples):
        groups.setdefault((len(example.others), example.vector is not None), []).append(row)
    for group in groups.values():
        for batch in token_budget_batches([lengths[row] for row in group], max_tokens=most):
            yield [group[index] for index in batch]
