"""What is odd about a recipe's data, told before training: all by ``polyhead check``, the quick part by ``train``."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from polyhead.data.example import DataSet, Example
from polyhead.data.leaks import Leak, exact_leaks, near_leaks
from polyhead.data.lengths import Lengths, measure_lengths
from polyhead.data.stream import StreamedExamples
from polyhead.errors import shown
from polyhead.printing import printable
from polyhead.recipe.data import Data
from polyhead.recipe.schema import SPLITS
from polyhead.text.tokenizer import TextTokenizer

RARE = 5
"""Rows below which a label can hardly be learned."""
_QUICK_ROWS = 1000
_QUICK_LINES = 12
_NEAR_ROWS = 50_000

Advance = Callable[[int], None]


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
        f"{each.name}.{split}": measure_lengths(each.split(split), data.tasks, tokenizer, advance)
        for each, split in _splits(data.sets)
    }
    by_split = [(f"{each.name}.{split}", each.split(split)) for each, split in _splits(data.sets)]
    leaks = exact_leaks(by_split)
    leaks += near_leaks([(name, _some(rows, _NEAR_ROWS)) for name, rows in by_split], advance=advance)
    warnings = [*_label_warnings(data), *_length_warnings(lengths), *map(_leak_warning, leaks)]
    warnings += [
        f"{name}: near-duplicates were looked for among the first {_NEAR_ROWS:,} of {len(rows):,} rows only"
        for name, rows in by_split
        if len(rows) > _NEAR_ROWS
    ]
    return Checked(label_counts(data), lengths, leaks, [*warnings, *data.log.lines()])


def quick_findings(data: Data, tokenizer: TextTokenizer) -> list[str]:
    """What can be seen without looking at every text: labels, exact leaks, a sample of lengths."""
    lines = list(_label_warnings(data))
    for each in (each for each in data.sets if len(each.train)):
        lengths = measure_lengths(islice(each.train, _QUICK_ROWS), {}, tokenizer)
        if lengths.cut_texts:
            share = lengths.cut_texts / len(lengths.tokens)
            lines.append(
                f"{each.name}: about {share:.1%} of the texts are longer than {lengths.limit} tokens and are cut"
            )
    streamed = [
        f"{each.name}.{split}" for each, split in _splits(data.sets) if isinstance(each.split(split), StreamedExamples)
    ]
    if streamed:
        lines.append(f"{', '.join(streamed)}: streams, so leaks between splits were not looked for")
    kept = [(each, split) for each, split in _splits(data.sets) if not isinstance(each.split(split), StreamedExamples)]
    leaks = exact_leaks([(f"{each.name}.{split}", each.split(split)) for each, split in kept])
    lines += map(_leak_warning, leaks)
    hidden = len(lines) - _QUICK_LINES
    more = [f"and {hidden} more"] if hidden > 0 else []
    hint = ["all of it: polyhead check RECIPE"] if lines else []
    return [f"! {line}" for line in (*lines[:_QUICK_LINES], *more, *hint)]


def label_counts(data: Data) -> dict[str, dict[str, dict[str, int]]]:
    """By task, label and split: how often it occurs, labels in the order of their ids; of tasks that have labels."""
    counts: dict[str, dict[str, dict[str, int]]] = {}
    for name, task in data.tasks.items():
        if not task.has_labels:
            continue
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
    labels = label_counts(data)
    for name, task in data.tasks.items():
        labelled = {
            own
            for (_, own), found in data.surveys.items()
            if (found.labels.get(name) if task.has_labels else found.labelled[name])
        }
        empty = set(SPLITS[1:]) - labelled
        for split in sorted(empty & {own for _, own in data.surveys}):
            yield f"{name}: no row of {split} has a label of it"
        for label, counts in labels.get(name, {}).items():
            quoted, train = shown(label), counts.get("train", 0)
            if not train:
                yield f"{name}: no training row has {quoted}, so it cannot be learned"
            elif train < RARE:
                yield f"{name}: {quoted} occurs only {train} time{'s' if train > 1 else ''} in training data"
            unseen = [split for split in SPLITS[1:] if split not in empty and counts.get(split) == 0]
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


def _splits(sets: Sequence[DataSet]) -> Iterator[tuple[DataSet, str]]:
    """Split by split, so that training data comes first."""
    for split in SPLITS:
        yield from ((each, split) for each in sets if len(each.split(split)))


def _some(rows: Sequence[Example], most: int) -> Sequence[Example]:
    return rows if len(rows) <= most else list(islice(rows, most))
