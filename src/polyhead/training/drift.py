"""By how much the answers of frozen heads move, because the encoder under them does."""

from collections.abc import Sequence
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
    """Answers of the frozen heads to some validation texts, taken when it is made."""

    def __init__(self, prepared: Prepared, data: Sequence[DataSet], names: Sequence[str]) -> None:
        tasks = prepared.tasks
        self._prepared = prepared
        self._names = [name for name in names if name in tasks and tasks[name].level != "pair"]
        rows = chain.from_iterable(each.validation for each in data)
        texts = (Example(row.text, words=row.words) for row in rows if row.vector is None)
        self._texts = list(islice(texts, _TEXTS)) if self._names else []
        self._before = self._answers()

    def moved(self) -> dict[str, Moved]:
        """How far each head's answers are from those that were taken."""
        after = self._answers()
        return {
            name: _moved(self._before[name], after[name], several=self._prepared.tasks[name].kind == "multilabel")
            for name in self._names
            if len(self._before[name])
        }

    def _answers(self) -> dict[str, FloatArray]:
        """Each head's probabilities. *Shape:* (texts or words, outputs)."""
        prepared = self._prepared
        if not self._names:
            return {}
        model = computing_model(merged(prepared.forward.model), dtype=prepared.forward.dtype or torch.float32)
        model.eval()
        found: dict[str, list[FloatArray]] = {name: [] for name in self._names}
        for start in range(0, len(self._texts), _BATCH):
            batch = prepared.collate(self._texts[start : start + _BATCH])
            with torch.no_grad():
                outputs = model(batch.inputs.to(prepared.device), tasks=self._names)
            for name in self._names:
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


def _moved(before: FloatArray, after: FloatArray, *, several: bool) -> Moved:
    difference = np.abs(before - after)
    if several:
        changed = ((before >= 0.5) != (after >= 0.5)).any(axis=1).mean()
        return Moved(float(changed), float(difference.mean()), len(before))
    if before.shape[1] == 1:
        return Moved(float((difference > 0.01).mean()), float(difference.mean()), len(before))
    changed = (before.argmax(axis=1) != after.argmax(axis=1)).mean()
    return Moved(float(changed), float(0.5 * difference.sum(axis=1).mean()), len(before))
