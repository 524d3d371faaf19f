"""Labels of the tasks: inferred from training data, or held against what was declared; spans held against words."""

from collections.abc import Iterable, Mapping, Sequence

from pydantic import ValidationError

from polyhead.data.example import Example
from polyhead.data.faults import FaultLog
from polyhead.errors import shown
from polyhead.kinds import Task, label_order
from polyhead.kinds.schemes import OUTSIDE, tags_from_spans
from polyhead.kinds.tagging import TaggingTask
from polyhead.text.words import SPLITTERS


def infer_labels(tasks: Mapping[str, Task], examples: Iterable[Example], log: FaultLog) -> dict[str, Task]:
    """Each task with its labels: as declared, else those that occur in ``examples``."""
    rows = list(examples)
    known = {}
    for name, task in tasks.items():
        if not task.labels:
            found = task.label_names(example.labels[name] for example in rows if name in example.labels)
            if not found:
                log.fault(f"task {name}: no row of the training data has a label for it; check its fields")
            try:  # labels that were found keep the rules of labels that are declared
                task = type(task).model_validate({**task.model_dump(), "labels": label_order(found)})
            except ValidationError as error:
                reason = error.errors()[0]["msg"].removeprefix("Value error, ")
                log.fault(f"task {name}: {reason}; found {shown(', '.join(sorted(found)), 120)}")
        known[name] = task
    return known


def check_labels(tasks: Mapping[str, Task], examples: Sequence[Example], log: FaultLog) -> None:
    """Every label of ``examples`` must be known to its task; unknown ones are faults, with file and line."""
    for example in examples:
        for name, gold in example.labels.items():
            for label in sorted(tasks[name].unseen([gold])):
                known = shown(", ".join(tasks[name].labels), 120)
                log.fault(f"{example.source}: task {name} has the labels {known}; found {shown(label)}")


def count_misaligned(tasks: Mapping[str, Task], examples: Sequence[Example], log: FaultLog) -> None:
    """Count spans that do not begin and end with a word; the words that they touch have no label."""
    tagging = {name: task for name, task in tasks.items() if isinstance(task, TaggingTask)}
    for example in examples:
        for name, task in tagging.items():
            spans = example.labels.get(name, ())
            if not spans:
                continue
            words = SPLITTERS[task.splitter](example.text) if example.words is None else example.words
            for span in spans:
                tags = tags_from_spans([span], words, task.scheme)
                if None in tags or set(tags) <= {OUTSIDE}:
                    quoted = shown(example.text[max(0, span.start - 8) : span.end + 8])
                    kind = f"{name}: spans that cut a word, its label unknown"
                    log.oddity(kind, f"{example.source}: {span.type} {span.start}-{span.end} in {quoted}")
