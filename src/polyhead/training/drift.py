"""By how much the answers of frozen heads move, because the encoder under them does."""

from collections.abc import Iterator, Sequence
from itertools import chain, islice

import numpy as np
import torch

from polyhead.data.example import DataSet, Example
from polyhead.kinds import MultilabelTask
from polyhead.kinds.base import FloatArray
from polyhead.pretrained.computing import computing_model
from polyhead.training.plans.lora import merged
from polyhead.training.prepare import Prepared
from polyhead.training.result import Moved

_TEXTS, _BATCH = 512, 32


class Drift:
    """Answers of the frozen heads to some validation texts, or pairs of them, taken when it is made.

    A ``pairs`` head has no answers of its own: it is the embedding, whose drift is measured apart.
    """

    def __init__(self, prepared: Prepared, data: Sequence[DataSet], names: Sequence[str]) -> None:
        tasks = prepared.tasks
        self._prepared = prepared
        answering = [name for name in names if name in tasks and tasks[name].kind != "pairs"]
        self._names = {
            pairs: [name for name in answering if (tasks[name].level == "pair") == pairs] for pairs in (False, True)
        }
        self._texts = {
            pairs: list(islice(_texts(data, pairs=pairs), _TEXTS)) for pairs, own in self._names.items() if own
        }
        self._before = self._answers()

    def moved(self) -> dict[str, Moved]:
        """How far each head's answers are from those that were taken."""
        after = self._answers()
        return {
            name: _moved(before, after[name], several=self._prepared.tasks[name].kind == "multilabel")
            for name, before in self._before.items()
            if len(before)
        }

    def _answers(self) -> dict[str, FloatArray]:
        """Each head's probabilities. *Shape:* (texts, pairs or words, outputs)."""
        prepared = self._prepared
        if not self._texts:
            return {}
        model = computing_model(merged(prepared.forward.model), dtype=prepared.forward.dtype or torch.float32)
        model.eval()
        found: dict[str, list[FloatArray]] = {name: [] for pairs in self._texts for name in self._names[pairs]}
        batches = (
            (self._names[pairs], texts[start : start + _BATCH])
            for pairs, texts in self._texts.items()
            for start in range(0, len(texts), _BATCH)
        )
        for names, texts in batches:
            batch = prepared.collate(texts)
            with torch.no_grad():
                outputs = model(batch.inputs.to(prepared.device), tasks=names)
            for name in names:
                head, task = model.heads[name], prepared.tasks[name]
                logits = head.answer(outputs.logits[name], outputs.encoded).float().cpu()
                if isinstance(task, MultilabelTask):
                    values = logits.sigmoid().numpy()
                else:
                    values = (logits.softmax(dim=-1) if logits.shape[-1] > 1 else logits).numpy()
                if task.level == "token":
                    firsts = [document.words[task.splitter or ""].first for document in batch.documents]
                    values = np.concatenate([own[first[first >= 0]] for own, first in zip(values, firsts, strict=True)])
                found[name].append(values)
        return {name: np.concatenate(own) if own else np.empty((0, 1), dtype=np.float32) for name, own in found.items()}


def _texts(data: Sequence[DataSet], *, pairs: bool) -> Iterator[Example]:
    """Those of validation rows, or rows of two where ``pairs``; without their labels."""
    for row in chain.from_iterable(each.validation for each in data):
        if pairs and row.others:
            yield Example(row.text, others=row.others[:1])
        elif not pairs and row.vector is None:
            yield Example(row.text, words=row.words)


def _moved(before: FloatArray, after: FloatArray, *, several: bool) -> Moved:
    difference = np.abs(before - after)
    if several:
        changed = ((before >= 0.5) != (after >= 0.5)).any(axis=1).mean()
        return Moved(float(changed), float(difference.mean()), len(before))
    if before.shape[1] == 1:
        return Moved(float((difference > 0.01).mean()), float(difference.mean()), len(before))
    changed = (before.argmax(axis=1) != after.argmax(axis=1)).mean()
    return Moved(float(changed), float(0.5 * difference.sum(axis=1).mean()), len(before))
