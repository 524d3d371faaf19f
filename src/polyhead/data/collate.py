"""Examples to batches: tokens, words and targets side by side, ready for the model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from polyhead.data.example import Example
from polyhead.documents import Document, IntArray
from polyhead.kinds import IGNORED, Task
from polyhead.modeling.encoded import Inputs, WordInputs
from polyhead.text.batches import Padded, pad, pad_rows
from polyhead.text.encoding import document
from polyhead.text.tokenizer import TextTokenizer


@dataclass(frozen=True, slots=True)
class Batch:
    """Examples on their way through the model.

    ``targets`` has an array for each task of which some row has a label: *shape* (batch,) at sentence level,
    (batch, tokens) at token level; ``counts`` says how many labels each holds.
    """

    inputs: Inputs
    targets: Mapping[str, Tensor]
    counts: Mapping[str, int]
    documents: Sequence[Document]


def splitters(tasks: Mapping[str, Task]) -> list[str]:
    """The word splitters that ``tasks`` need, each once."""
    return sorted({task.splitter for task in tasks.values() if task.splitter is not None})


def to_inputs(padded: Padded) -> Inputs:
    """The model's inputs, sharing the arrays' memory."""
    words = {
        name: WordInputs(torch.from_numpy(each.index), torch.from_numpy(each.shapes))
        for name, each in padded.words.items()
    }
    return Inputs(
        torch.from_numpy(padded.input_ids),
        torch.from_numpy(padded.attention_mask),
        torch.from_numpy(padded.pooling_mask),
        words,
    )


class Collator:
    """Puts examples into a batch; made once, used for every step. ``prompt`` stands before every text."""

    def __init__(
        self, tokenizer: TextTokenizer, tasks: Mapping[str, Task], *, prompt: str = "", pool_prompt: bool = True
    ) -> None:
        self.tokenizer = tokenizer
        self.tasks = tasks
        self._prompt = prompt
        self._pool_prompt = pool_prompt
        self._splitters = splitters(tasks)

    def lengths(self, examples: Sequence[Example]) -> IntArray:
        """Tokens of each example, as far as the length limit lets them be read. *Shape:* (examples,)."""
        encodings = self.tokenizer([example.text for example in examples], prompt=self._prompt, offsets=False)
        return np.asarray([len(encoding) for encoding in encodings], dtype=np.int64)

    def __call__(self, examples: Sequence[Example]) -> Batch:
        """Tokenize, find words, look up targets, pad."""
        texts = [example.text for example in examples]
        encodings = self.tokenizer(texts, prompt=self._prompt, offsets=bool(self._splitters))
        documents = [
            document(example.text, encoding, splitters=self._splitters, words=example.words)
            for example, encoding in zip(examples, encodings, strict=True)
        ]
        padded = pad(encodings, documents, pad_id=self.tokenizer.pad_id, pool_prompt=self._pool_prompt)
        targets = {
            name: self._targets(name, task, examples, documents, padded.input_ids.shape[1])
            for name, task in self.tasks.items()
            if any(name in example.labels for example in examples)
        }
        counts = {name: int((target != IGNORED).sum()) for name, target in targets.items()}
        tensors = {name: torch.from_numpy(target) for name, target in targets.items()}
        return Batch(to_inputs(padded), tensors, counts, documents)

    def _targets(
        self, name: str, task: Task, examples: Sequence[Example], documents: Sequence[Document], width: int
    ) -> IntArray:
        rows = [
            task.target(example.labels[name], doc) if name in example.labels else task.missing_target(doc)
            for example, doc in zip(examples, documents, strict=True)
        ]
        return np.stack(rows) if task.level == "sentence" else pad_rows(rows, width, IGNORED)
