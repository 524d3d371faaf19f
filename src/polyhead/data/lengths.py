"""How long texts are against the limit, and what it cuts off."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from polyhead.data.collate import splitters
from polyhead.data.example import Example
from polyhead.documents import IntArray
from polyhead.kinds import Task
from polyhead.kinds.tagging import TaggingTask
from polyhead.text.encoding import document
from polyhead.text.tokenizer import TextTokenizer

PERCENTILES = (50, 90, 95, 99, 100)


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long the texts of a data set's split are, in tokens, and what the ``limit`` cuts off.

    ``entities`` is how many gold spans of tagging tasks lie beyond it, of ``entities_in_all``.
    """

    tokens: IntArray
    limit: int
    entities: int
    entities_in_all: int

    @property
    def cut_texts(self) -> int:
        """Texts that are longer than the limit."""
        return int((self.tokens > self.limit).sum())

    @property
    def cut_share(self) -> float:
        """The share of all tokens that is cut off."""
        return float(np.maximum(self.tokens - self.limit, 0).sum() / self.tokens.sum())

    def as_dict(self) -> dict[str, Any]:
        """A JSON-ready form."""
        percentiles = np.percentile(self.tokens, PERCENTILES, method="higher").astype(int).tolist()
        return {
            "percentiles": dict(zip(map(str, PERCENTILES), percentiles, strict=True)),
            "limit": self.limit,
            "cut_texts": self.cut_texts,
            "cut_share_of_tokens": self.cut_share,
            "cut_entities": self.entities,
            "entities": self.entities_in_all,
        }


def measure_lengths(
    examples: Iterable[Example],
    tasks: Mapping[str, Task],
    tokenizer: TextTokenizer,
    advance: Callable[[int], None] = lambda count: None,
) -> Lengths:
    """Look at every text once; ``advance`` is told of those that are done."""
    tagging = {name: task for name, task in tasks.items() if isinstance(task, TaggingTask)}
    parts, beyond, spans = [], 0, 0
    rows = iter(examples)
    while chunk := list(islice(rows, 4096)):
        found = tokenizer.lengths([example.text for example in chunk])
        parts.append(found)
        others = [text for example in chunk for text in example.others]
        if others:
            parts.append(tokenizer.lengths(others))
        for example, length in zip(chunk, found.tolist(), strict=True):
            gold = [span for name in tagging for span in example.labels.get(name, ())]
            spans += len(gold)
            if gold and length > tokenizer.max_length:
                [encoding] = tokenizer([example.text])
                words = document(example.text, encoding, splitters=splitters(tagging), words=example.words).words
                read = max((each.spans[each.read - 1][1] for each in words.values() if each.read), default=0)
                beyond += sum(span.end > read for span in gold)
        advance(len(chunk))
    return Lengths(np.concatenate(parts), tokenizer.max_length, beyond, spans)
