"""A data set's rows as arrays: everything of a batch but the encoder's work, ready to be gathered."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from polyhead.data.collate import Batch, Collator, label_counts, row_target
from polyhead.data.example import Example, labelled_tasks
from polyhead.documents import IntArray
from polyhead.kinds import IGNORED
from polyhead.kinds.base import TargetArray
from polyhead.modeling.encoded import Inputs, Known, WordInputs
from polyhead.text.batches import spread
from polyhead.training.activations.lower import Boundary
from polyhead.training.activations.ragged import Ragged

_CHUNK = 4096


class Texts:
    """Which texts are a row's, and what is kept of them."""

    def __init__(self, examples: Sequence[Example], states: Ragged, boundary: Boundary) -> None:
        counts = torch.tensor([1 + len(example.others) for example in examples], dtype=torch.int64)
        self._first = counts.cumsum(0) - counts
        self._counts = counts
        self._single = bool((counts == 1).all())
        self._states = states
        self._boundary = boundary

    def numbers(self, rows: Sequence[int] | Tensor) -> tuple[Tensor, Tensor | None]:
        """The rows' texts, first texts first, and which of them are a row's, as ``Inputs.parts`` says it."""
        chosen = torch.as_tensor(rows)
        if self._single:
            return self._first[chosen], None
        first, count = self._first[chosen].tolist(), self._counts[chosen].tolist()
        flat, parts = spread([range(start, start + size) for start, size in zip(first, count, strict=True)])
        return torch.tensor(flat), None if parts is None else torch.from_numpy(parts)

    def known(self, texts: Tensor, width: int) -> Known:
        """What is kept of texts, padded to ``width`` tokens."""
        if self._boundary.level == "pooled":
            return Known(self._states.values.index_select(0, texts), "pooled")
        return Known(self._states.padded(texts, width), "tokens", self._boundary.depth)


@dataclass(frozen=True, slots=True)
class Source:
    """Rows to be answered, and what is kept of their texts."""

    examples: Iterable[Example]
    texts: Texts | None = None

    def known(self, rows: Sequence[int], inputs: Inputs) -> Inputs:
        """The inputs of the rows with these numbers, with what is kept of them."""
        if self.texts is None:
            return inputs
        numbers, _ = self.texts.numbers(rows)
        return replace(inputs, known=self.texts.known(numbers, inputs.input_ids.shape[1]))


@dataclass(frozen=True, slots=True)
class Rows:
    """The labels and words of a data set, without its texts.

    ``lengths`` are tokens by text; ``words`` an index and shapes by splitter, of rows' first texts; ``targets`` are by
    row, or by token of its first text; ``cut`` (rows, 2) as ``Batch.cut``.
    """

    lengths: Tensor
    words: Mapping[str, tuple[Ragged, Ragged]]
    targets: Mapping[str, Tensor | Ragged]
    cut: Tensor
    prompt_tokens: int

    @classmethod
    def of(cls, examples: Sequence[Example], collate: Collator) -> "Rows":
        """Tokenize every row once."""
        names = sorted(labelled_tasks(examples))
        lengths: list[int] = []
        words: dict[str, tuple[list[IntArray], list[IntArray]]] = {}
        targets: dict[str, list[TargetArray]] = {name: [] for name in names}
        cut: list[tuple[int, int]] = []
        prompt_tokens = 0
        for start in range(0, len(examples), _CHUNK):
            chunk = examples[start : start + _CHUNK]
            encodings = collate.tokenize(chunk)
            documents = collate.documents(chunk, encodings)
            lengths += [len(each) for own in encodings for each in own]
            prompt_tokens = max((each.prompt_tokens for own in encodings for each in own), default=0)
            for example, document in zip(chunk, documents, strict=True):
                cut.append((document.cut_texts, document.cut_words))
                for splitter, own in document.words.items():
                    index, shapes = words.setdefault(splitter, ([], []))
                    index.append(own.index)
                    shapes.append(own.token_shapes)
                for name in names:
                    targets[name].append(row_target(name, collate.tasks[name], example, document))
        return cls(
            torch.tensor(lengths, dtype=torch.int64),
            {splitter: (Ragged.of(index), Ragged.of(shapes)) for splitter, (index, shapes) in words.items()},
            {
                name: Ragged.of(own) if collate.tasks[name].level == "token" else torch.from_numpy(np.stack(own))
                for name, own in targets.items()
            },
            torch.tensor(cut, dtype=torch.int64).reshape(-1, 2),
            prompt_tokens,
        )

    def batch(self, rows: Tensor, texts: Texts, *, pool_prompt: bool) -> Batch:
        """The batch of these rows, with what is kept in place of their texts."""
        numbers, parts = texts.numbers(rows)
        lengths = self.lengths[numbers]
        width = int(lengths.max())
        mask = (torch.arange(width) < lengths[:, None]).long()
        pooling_mask = mask if pool_prompt else mask * (torch.arange(width) >= self.prompt_tokens)
        padded = {
            splitter: WordInputs(
                _of_first_texts(index.padded(rows, width, -1), len(numbers), -1),
                _of_first_texts(shapes.padded(rows, width, 0), len(numbers), 0),
            )
            for splitter, (index, shapes) in self.words.items()
        }
        inputs = Inputs(mask, mask, pooling_mask, padded, parts, texts.known(numbers, width))
        targets = {
            name: own.padded(rows, width, IGNORED) if isinstance(own, Ragged) else own.index_select(0, rows)
            for name, own in self.targets.items()
        }
        counts = label_counts(targets)
        there = {name: target for name, target in targets.items() if counts[name]}
        some = {name: counts[name] for name in there}
        return Batch(inputs, there, some, tuple(self.cut[rows].sum(dim=0).tolist()))


def _of_first_texts(values: Tensor, texts: int, fill: int) -> Tensor:
    """Rows' values as texts': other texts than the first have none."""
    if len(values) == texts:
        return values
    rest = values.new_full((texts - len(values), values.shape[1]), fill)
    return torch.cat([values, rest])
