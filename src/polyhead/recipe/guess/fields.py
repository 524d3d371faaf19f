"""What the fields of a file's rows are for: texts, tasks, splits; and what is left out, with why."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from polyhead.data.readers import Record
from polyhead.data.readers.markup import unmarked
from polyhead.errors import shown
from polyhead.recipe.guess.base import Choose, Fields, Layout, Look, TaskGuess, as_list
from polyhead.recipe.guess.columns import Column, columns
from polyhead.recipe.guess.kinds import Kind, kind_of
from polyhead.recipe.guess.names import is_made_up, is_main_label, is_split_field, plain_name, split_in
from polyhead.recipe.guess.tags import guess_tags
from polyhead.recipe.guess.texts import guess_texts
from polyhead.recipe.guess.trial import tried

_HEADS = 20  # words with which all lines begin, up to which they may be labels
_TOOLS = {
    "prodigy": {"tokens", "answer", "options", "config", "meta", "version", "accept"},
    "doccano": {"labels", "entities", "Comments", "comments", "relations"},
    "gliner": {"tokenized_text"},
}
"""Fields that a tool writes for itself, or that its reader gives under another name."""


def guess_fields(look: Look, choose: Choose) -> Fields | str:
    """The text, the tasks and the rest of a file's fields; or why nothing can be learned from it."""
    found, lacking = columns(look.records)
    own = _TOOLS.get(look.form.format.value, set())
    hidden = {name for name in found if name in own or (own and name.startswith("_"))}
    if look.form.format.value == "doccano" and "spans" in found:
        hidden.add("label")
    open_ = {name: each for name, each in found.items() if name not in hidden}
    whole = {name: each for name, each in open_.items() if name not in lacking}  # as a text must be
    left_out: dict[str, str] = {}
    given = "words" if look.records[0].words is not None else "markup" if "markup" in look.form.layout else ""
    layout: Layout = {}
    if not given:
        texts = guess_texts(whole, choose, where=str(look.path))
        if texts is None:
            return f"no field looks like a text; there are: {shown(', '.join(found), 120)}"
        layout = texts.layout
        left_out.update(texts.left_out)
    look_layout = {**look.form.layout, **layout}
    records = read_with(look_layout, look.records)
    splits = _splits(whole)
    read = {name for key in ("text", "text_pair", "words", "markup") for name in as_list(look_layout, key)}
    rest = {name: each for name, each in open_.items() if name not in read | left_out.keys()}
    if splits:
        del rest[splits[0]]
    tasks = _held(_tasks(rest, look, look_layout, records, left_out, choose), look_layout, records, left_out)
    if not tasks:
        reasons = "; ".join(f"{shown(name)}: {why}" for name, why in left_out.items())
        return f"no field has labels ({reasons})" if reasons else _unlabelled(records)
    return Fields(layout, tasks, left_out, splits)


def _unlabelled(records: Sequence[Record]) -> str:
    """Why a file of texts teaches nothing; and what to do where labels stand before the texts."""
    lines = [text.split(maxsplit=1) for record in records if isinstance(text := record.fields.get("text"), str)]
    heads = {line[0] for line in lines}
    if lines and all(len(line) > 1 for line in lines) and len(heads) <= _HEADS and 5 * len(heads) <= len(lines):
        some = shown(", ".join(sorted(heads)), 40)
        return f"a line holds a text alone; if {some} are labels, put a tab behind them and end the file's name in .tsv"
    return "it holds texts without labels"


def read_with(layout: Layout, records: Sequence[Record]) -> list[Record]:
    """The records as they are read with this layout: with their words, or without their markup."""
    if "words" in layout:
        return [replace(record, words=record.fields[layout["words"].value]) for record in records]
    if "markup" not in layout:
        return list(records)
    parts = [(record, *unmarked(record.fields[layout["markup"].value])) for record in records]
    return [replace(record, fields={**record.fields, "text": text, "spans": spans}) for record, text, spans in parts]


def _tasks(
    rest: Mapping[str, Column],
    look: Look,
    layout: Layout,
    records: Sequence[Record],
    left_out: dict[str, str],
    choose: Choose,
) -> list[TaskGuess]:
    """What can be taught, before it is tried; what cannot is added to ``left_out``."""
    tasks, pair = [], "text_pair" in layout
    if "markup" in layout:
        why = "the types that stand in brackets"
        tasks.append(TaskGuess("entities", "tagging", (), why, binding={"spans": "spans"}))
    tags, rest = guess_tags(rest, look.form.format.value, records, left_out)
    tasks += tags
    flags = [name for name, each in rest.items() if each.binary and not is_main_label(name)]
    if sum(rest[name].distinct > 1 for name in flags) > 1:
        names = shown(", ".join(flags), 80)
        options = ["one task with several labels", f"{len(flags)} tasks with two classes each"]
        if choose(f"{look.path}: the fields {names} say 1 or 0; what are they?", options) == 0:
            why = f"{len(flags)} fields that say 1 or 0: each is a label"
            settings = {"pair": True} if pair else {}
            tasks.append(TaskGuess("labels", "multilabel", tuple(flags), why, settings, {"label": flags}, sure=False))
            rest = {name: each for name, each in rest.items() if name not in flags}
    kinds = {name: kind_of(each, pair=pair) for name, each in rest.items()}
    if not tasks and all(isinstance(kind, str) for kind in kinds.values()):  # then names are no reason
        kinds = {name: kind_of(each, pair=pair, by_name=False) for name, each in rest.items()}
    left_out.update({name: kind for name, kind in kinds.items() if isinstance(kind, str)})
    good = {name: kind for name, kind in kinds.items() if isinstance(kind, Kind)}
    for name in _twins(good, rest):
        left_out[name] = "its classes are those of another field, under other names"
        del good[name]
    sure = bool(tasks) or any(kind.sure for kind in good.values())
    for name, kind in good.items():
        if kind.kind in ("regression", "similarity") and not kind.sure and sure:
            left_out[name] = f"{kind.why}, but nothing says that they are to be learned; kind: {kind.kind} would do it"
            continue
        if not kind.sure and choose(f"{look.path}: is {shown(name)} to be learned? {kind.why}", ["yes", "no"]):
            left_out[name] = "you said so"
            continue
        settings = {"pair": True} if pair and kind.kind not in ("similarity", "tagging") else {}
        called = "" if is_made_up(name) else "entities" if name == "spans" else name
        task = plain_name(called, "label")
        tasks.append(TaskGuess(task, kind.kind, (name,), kind.why, settings, kind.binding, kind.sure))
    return tasks


def _twins(good: Mapping[str, Kind], rest: Mapping[str, Column]) -> list[str]:
    """Class fields that only say in numbers, or once more, what another one says."""
    names = [name for name, kind in good.items() if kind.kind == "classification" and rest[name].distinct > 1]
    names.sort(key=lambda name: rest[name].shape != "string")
    double = []
    for place, name in enumerate(names):
        for other in names[:place]:
            both = set(zip(rest[other].values, rest[name].values, strict=False))
            if rest[name].filled and rest[other].filled and len(both) == rest[name].distinct == rest[other].distinct:
                double.append(name)
                break
    return double


def _held(
    guesses: Sequence[TaskGuess], layout: Layout, records: Sequence[Record], left_out: dict[str, str]
) -> list[TaskGuess]:
    """The tasks that rows can be read for; pairs, where two texts have no label."""
    kept: list[TaskGuess] = []
    for guess in guesses:
        named = replace(guess, name=plain_name(guess.name, "label", [each.name for each in kept]))
        result = tried(named, layout, records)
        if isinstance(result, str):
            left_out.update(dict.fromkeys(guess.fields, result))
        else:
            kept.append(result)
    if "text_pair" in layout and not kept:
        pairs = TaskGuess("pairs", "pairs", (), "two texts a row and no label: they belong together")
        result = tried(pairs, layout, records)
        kept += [] if isinstance(result, str) else [result]
    return kept


def _splits(found: Mapping[str, Column]) -> tuple[str, dict[str, str]] | None:
    """The field that says which split a row is of, and its value for each split."""
    for name, each in found.items():
        if is_split_field(name) and each.shape == "string" and all(map(split_in, each.counts)):
            values = {str(split_in(value)): value for value in each.counts}
            if "train" in values and len(values) == each.distinct:
                return name, values
    return None
