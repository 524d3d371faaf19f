"""What is odd about a recipe's data, told before training: all by ``polyhead check``, the quick part by ``train``."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from polyhead.data.collate import splitters
from polyhead.data.example import DataSet, Example
from polyhead.data.leaks import Leak, exact_leaks, near_leaks
from polyhead.data.stream import StreamedExamples
from polyhead.documents import IntArray
from polyhead.errors import shown
from polyhead.kinds import Task
from polyhead.kinds.tagging import TaggingTask
from polyhead.printing import printable
from polyhead.recipe.data import Data
from polyhead.recipe.schema import SPLITS
from polyhead.text.encoding import document
from polyhead.text.tokenizer import TextTokenizer

RARE = 5
"""Rows below which a label can hardly be learned."""
PERCENTILES = (50, 90, 95, 99, 100)
_QUICK_ROWS = 1000
_NEAR_ROWS = 50_000

Advance = Callable[[int], None]


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


@dataclass(frozen=True, slots=True)
class Checked:
    """Everything that was found; ``warnings`` are lines for people, in the order in which they matter."""

    labels: Mapping[str, Mapping[str, Mapping[str, int]]]
    """By task, label and split: how often it occurs."""
    lengths: Mapping[str, Lengths]
    leaks: Sequence[Leak]
    warnings: Sequence[str] = field(default_factory=list)


def check(data: Data, tokenizer: TextTokenizer, *, advance: Advance = lambda count: None) -> Checked:
    """Look at all rows. ``advance`` is told of rows that are done: each twice."""
    lengths = {
        f"{each.name}.{split}": _lengths(each.split(split), data.tasks, tokenizer, advance)
        for each, split in _splits(data.sets)
    }
    by_split = [(f"{each.name}.{split}", each.split(split)) for each, split in _splits(data.sets)]
    leaks = exact_leaks(by_split)
    leaks += near_leaks([(name, _some(rows, _NEAR_ROWS)) for name, rows in by_split], advance=advance)
    warnings = [*_label_warnings(data), *_length_warnings(lengths), *map(_leak_warning, leaks)]
    return Checked(label_counts(data), lengths, leaks, [*warnings, *data.log.lines()])


def quick_findings(data: Data, tokenizer: TextTokenizer) -> list[str]:
    """What can be seen without looking at every text: labels, exact leaks, a sample of lengths."""
    lines = list(_label_warnings(data))
    for each in (each for each in data.sets if len(each.train)):
        lengths = _lengths(list(islice(each.train, _QUICK_ROWS)), {}, tokenizer, lambda count: None)
        if lengths.cut_texts:
            share = lengths.cut_texts / len(lengths.tokens)
            lines.append(
                f"{each.name}: about {share:.1%} of the texts are longer than {lengths.limit} tokens and are cut"
            )
    kept = [(each, split) for each, split in _splits(data.sets) if not isinstance(each.split(split), StreamedExamples)]
    leaks = exact_leaks([(f"{each.name}.{split}", each.split(split)) for each, split in kept])
    lines += map(_leak_warning, leaks)
    hint = ["all of it: polyhead check RECIPE"] if lines else []
    return [f"! {line}" for line in (*lines, *hint)]


def label_counts(data: Data) -> dict[str, dict[str, dict[str, int]]]:
    """By task, label and split: how often it occurs, labels in the order of their ids."""
    counts: dict[str, dict[str, dict[str, int]]] = {}
    for name, task in data.tasks.items():
        found = {label for survey in data.surveys.values() for label in survey.labels.get(name, ())}
        counts[name] = {
            label: {
                split: sum(
                    survey.labels[name][label]
                    for (_, own), survey in data.surveys.items()
                    if own == split and name in survey.labels
                )
                for split in SPLITS
                if any(own == split for _, own in data.surveys)
            }
            for label in (*task.labels, *sorted(found - set(task.labels)))
        }
    return counts


def _label_warnings(data: Data) -> Iterator[str]:
    for name, labels in label_counts(data).items():
        for label, counts in labels.items():
            quoted, train = shown(label), counts.get("train", 0)
            if not train:
                yield f"{name}: no training row has {quoted}, so it cannot be learned"
            elif train < RARE:
                yield f"{name}: {quoted} occurs only {train} times in training data"
            unseen = [split for split in SPLITS[1:] if counts.get(split) == 0]
            if train and unseen:
                yield f"{name}: {quoted} does not occur in {' and '.join(unseen)}, so nothing will be known of it there"


def _length_warnings(lengths: Mapping[str, Lengths]) -> Iterator[str]:
    for name, each in lengths.items():
        if each.cut_texts:
            line = f"{name}: {each.cut_texts:,} of {len(each.tokens):,} texts are longer than {each.limit} tokens"
            spans = f" and {each.entities:,} of {each.entities_in_all:,} entities" if each.entities_in_all else ""
            yield f"{line}; {each.cut_share:.1%} of all tokens{spans} are cut off; model.max_length sets the limit"


def _leak_warning(leak: Leak) -> str:
    alike = "the same text as" if leak.exact else "nearly the same text as"
    rows = "1 row has" if leak.rows == 1 else f"{leak.rows:,} rows have"
    pairs = ", ".join(
        f"{later} = {earlier}" if leak.exact else f"{later} ≈ {earlier}" for earlier, later in leak.places
    )
    more = " …" if leak.rows > len(leak.places) else ""
    return f"{leak.later}: {rows} {alike} a row of {leak.earlier}: {printable(pairs)}{more}"


def _lengths(
    examples: Sequence[Example], tasks: Mapping[str, Task], tokenizer: TextTokenizer, advance: Advance
) -> Lengths:
    tagging = {name: task for name, task in tasks.items() if isinstance(task, TaggingTask)}
    parts, beyond, spans = [], 0, 0
    rows = iter(examples)
    while chunk := list(islice(rows, 4096)):
        found = tokenizer.lengths([example.text for example in chunk])
        parts.append(found)
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


def _splits(sets: Sequence[DataSet]) -> Iterator[tuple[DataSet, str]]:
    """Split by split, so that training data comes first."""
    for split in SPLITS:
        yield from ((each, split) for each in sets if len(each.split(split)))


def _some(rows: Sequence[Example], most: int) -> Sequence[Example]:
    return rows if len(rows) <= most else list(islice(rows, most))
