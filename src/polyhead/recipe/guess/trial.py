"""A guessed task held against the rows that were looked at: what reading them would give, and what would be wrong."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from polyhead.data.faults import FaultLog
from polyhead.data.gold import GOLD_READERS
from polyhead.data.readers import Binding, Record
from polyhead.data.row import Row
from polyhead.kinds import KINDS, EntitySpan, Task, label_order
from polyhead.recipe.guess.base import Layout, TaskGuess, as_list
from polyhead.recipe.guess.columns import without_blanks
from polyhead.recipe.guess.kinds import rounded_outwards
from polyhead.text.words import SPLITTERS, join_words

_FAR = 1e300
_NUMBERS = ("regression", "similarity")
_CUT = 0.05  # a share of spans that cut a word from which on another word splitter is tried


def tried(guess: TaskGuess, layout: Layout, records: Sequence[Record]) -> TaskGuess | str:
    """The task with its labels, its range or its word splitter as the rows have them; or what is wrong with it."""
    numbers = guess.kind in _NUMBERS
    bounds = {"range": [-_FAR, _FAR]} if numbers else {}
    log = FaultLog()
    try:
        declared = KINDS[guess.kind].model_validate({"kind": guess.kind, **guess.settings, **bounds})
        rows = [_row(record, layout, log) for record in records]
        golds = _golds(rows, guess, declared, log)
        if log.faults():
            return log.faults()[0]
        if not golds:
            return "no row has a label"
        settings = dict(guess.settings)
        if numbers:
            low, high = min(golds), max(golds)
            if low == high:
                return f"each row has the same number, {low:g}"
            settings["range"] = rounded_outwards(low, high)
        counts = Counter(label for gold in golds for label in declared.labels_of(gold))
        if declared.has_labels and not counts:
            return "no row has a label"
        if guess.kind == "tagging" and not any(row.words for row in rows) and (words := _splitter(rows, guess, log)):
            settings["words"] = words
        labels = guess.binding["label"] if isinstance(guess.binding.get("label"), list) else label_order(counts)
        checked = {"labels": labels} if declared.has_labels else {}
        KINDS[guess.kind].model_validate({"kind": guess.kind, **settings, **checked})
    except ValidationError as error:
        return error.errors()[0]["msg"].removeprefix("Value error, ")
    without = sum(1 for row in rows if row.text.strip()) - len(golds)
    why = f"{guess.why}; {without:,} of {len(rows):,} rows have none" if without else guess.why
    return replace(guess, why=why, settings=settings, labels=tuple(labels) if declared.has_labels else ())


def _golds(rows: Sequence[Row], guess: TaskGuess, declared: Task, log: FaultLog) -> list[Any]:
    binding = Binding.model_validate(guess.binding)
    read = GOLD_READERS[guess.kind]
    golds = [read(row, guess.name, declared, binding) for row in rows if row.text.strip()]
    return [gold for gold in golds if gold is not None]


def _row(record: Record, layout: Layout, log: FaultLog) -> Row:
    if record.words is not None:
        text, words = join_words(record.words)
    else:
        fields = as_list(layout, "text") or ["text"]
        text, words = " ".join(filter(None, (record.fields.get(name) for name in fields))), None
    others: list[str] = []
    for name in as_list(layout, "text_pair"):
        value = record.fields[name] or ""
        others += value if isinstance(value, list) else [value]
    return Row(record, text, words, tuple(filter(None, others)), log)


def _splitter(rows: Sequence[Row], guess: TaskGuess, log: FaultLog) -> str | None:
    """The word splitter that spans fit better than the usual one, if there is one that is worth it."""
    declared, binding = KINDS["tagging"](kind="tagging"), Binding.model_validate(guess.binding)
    spans = [(row.text, GOLD_READERS["tagging"](row, guess.name, declared, binding) or ()) for row in rows]
    total = sum(len(each) for _, each in spans)
    solid = 2 * sum(without_blanks(text) for text, _ in spans) > len(spans)
    names = [name for name in SPLITTERS if solid or name != "characters"]  # into which all spans fit, whatever they are
    cut = {name: sum(_cut(text, each, name) for text, each in spans if each) for name in names}
    usual = names[0]
    best = min(cut, key=lambda name: cut[name])
    return best if cut[usual] > _CUT * total and 2 * cut[best] < cut[usual] else None


def _cut(text: str, spans: Sequence[EntitySpan], splitter: str) -> int:
    """How many spans begin or end inside of a word."""
    words = SPLITTERS[splitter](text)
    starts, ends = {start for start, _ in words}, {end for _, end in words}
    return sum(span.start not in starts or span.end not in ends for span in spans)
