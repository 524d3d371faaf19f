"""Examples to batches: tokens, words and targets side by side, ready for the model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
import torch
from torch import Tensor

from polyhead.data.example import Example
from polyhead.documents import Document, IntArray
from polyhead.kinds import IGNORED, Task
from polyhead.kinds.base import TargetArray
from polyhead.modeling.encoded import Inputs, Known, WordInputs
from polyhead.text.batches import Padded, pad, pad_rows, spread
from polyhead.text.encoding import Encoding, document
from polyhead.text.tokenizer import TextTokenizer


@dataclass(frozen=True, slots=True)
class Batch:
    """Examples on their way through the model.

    ``targets`` has an array for each task of which some row has a label: *shape* (rows,) or (rows, labels) for texts
    and pairs, (rows, tokens) at token level; ``counts`` says how many labels each holds. ``cut`` counts texts that
    were longer than the limit, and their words beyond it.
    """

    inputs: Inputs
    targets: Mapping[str, Tensor]
    counts: Mapping[str, int]
    cut: tuple[int, int]
    documents: Sequence[Document] = ()
    """The rows' first texts; of a batch whose texts were not looked at again, none."""
    originals: Tensor | None = None
    """What the embeddings of the texts were before training, where they are held there. *Shape:* (texts, width)."""


def splitters(tasks: Mapping[str, Task]) -> list[str]:
    """The word splitters that ``tasks`` need, each once."""
    return sorted({task.splitter for task in tasks.values() if task.splitter is not None})


def to_inputs(padded: Padded, parts: IntArray | None = None) -> Inputs:
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
        None if parts is None else torch.from_numpy(parts),
    )


def vector_inputs(vectors: TargetArray) -> Inputs:
    """Embeddings that were computed earlier as the model's inputs. *Shape:* (texts, width)."""
    nothing = torch.zeros((len(vectors), 0), dtype=torch.int64)
    values = torch.from_numpy(np.require(vectors, np.float32, ["C", "W"]))
    return Inputs(nothing, nothing, nothing, known=Known(values, "embedding"))


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
        """Tokens of each example, all its texts together, as far as the length limit lets them be read.

        *Shape:* (examples,).
        """
        encodings = self._tokenize(examples, offsets=False)
        return np.asarray([max(1, sum(map(len, each))) for each in encodings], dtype=np.int64)

    def tokenize(self, examples: Sequence[Example]) -> list[Sequence[Encoding]]:
        """Each example's texts as tokens; none of an example that is a stored embedding."""
        return self._tokenize(examples, offsets=bool(self._splitters))

    def _tokenize(self, examples: Sequence[Example], *, offsets: bool) -> list[Sequence[Encoding]]:
        texts = [() if example.vector is not None else example.texts for example in examples]
        encodings = iter(self.tokenizer(list(chain.from_iterable(texts)), prompt=self._prompt, offsets=offsets))
        return [[next(encodings) for _ in own] for own in texts]

    def __call__(self, examples: Sequence[Example]) -> Batch:
        """Tokenize, find words, look up targets, pad."""
        return self.batch(examples, self.tokenize(examples))

    def batch(self, examples: Sequence[Example], encodings: Sequence[Sequence[Encoding]]) -> Batch:
        """A batch of examples that are tokenized already."""
        tasks = {name: task for name, task in self.tasks.items() if any(name in each.labels for each in examples)}
        if any(example.vector is not None for example in examples):
            return self._stored(examples, tasks)
        texts, parts = spread([example.texts for example in examples])
        tokens, _ = spread(encodings)
        words = [example.words for example in examples] + [None] * (len(texts) - len(examples))
        documents = [
            document(text, encoding, splitters=self._splitters, words=given)
            for text, encoding, given in zip(texts, tokens, words, strict=True)
        ]
        padded = pad(tokens, documents, pad_id=self.tokenizer.pad_id, pool_prompt=self._pool_prompt)
        rows = documents[: len(examples)] if parts is None else [_whole(documents, own) for own in parts]
        return self._batch(to_inputs(padded, parts), examples, tasks, rows, padded.input_ids.shape[1])

    def documents(self, examples: Sequence[Example], encodings: Sequence[Sequence[Encoding]]) -> list[Document]:
        """Each row's first text with its words, and how many of the row's other texts were cut."""
        return [
            replace(
                document(example.text, first, splitters=self._splitters, words=example.words),
                others_truncated=sum(other.truncated for other in others),
            )
            for example, (first, *others) in zip(examples, encodings, strict=True)
        ]

    def _stored(self, examples: Sequence[Example], tasks: Mapping[str, Task]) -> Batch:
        documents = [Document(example.text, {}, tokens=0) for example in examples]
        vectors = np.stack([np.asarray(example.vector) for example in examples])
        return self._batch(vector_inputs(vectors), examples, tasks, documents, 0)

    def _batch(
        self,
        inputs: Inputs,
        examples: Sequence[Example],
        tasks: Mapping[str, Task],
        documents: Sequence[Document],
        width: int,
    ) -> Batch:
        targets = {name: _targets(name, task, examples, documents, width) for name, task in tasks.items()}
        tensors = {name: torch.from_numpy(target) for name, target in targets.items()}
        cut = (sum(each.cut_texts for each in documents), sum(each.cut_words for each in documents))
        return Batch(inputs, tensors, label_counts(tensors), cut, documents)


def label_counts(targets: Mapping[str, Tensor]) -> dict[str, int]:
    """How many labels there are of each task."""
    return {name: int((target != IGNORED).sum()) for name, target in targets.items()}


def _whole(documents: Sequence[Document], parts: IntArray) -> Document:
    """A row's first document, with how many of its other texts were cut."""
    first, *others = [documents[int(part)] for part in parts if part >= 0]
    return replace(first, others_truncated=sum(other.truncated for other in others))


def _targets(
    name: str, task: Task, examples: Sequence[Example], documents: Sequence[Document], width: int
) -> TargetArray:
    rows = [row_target(name, task, example, doc) for example, doc in zip(examples, documents, strict=True)]
    return pad_rows(rows, width, IGNORED) if task.level == "token" else np.stack(rows)


def row_target(name: str, task: Task, example: Example, document: Document) -> TargetArray:
    """What the loss of a task compares one row with, or what tells it that there is no label."""
    if name in example.labels:
        return task.target(example.labels[name], document)
    return task.missing_target(document)
