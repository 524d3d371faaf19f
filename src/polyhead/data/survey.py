"""What one pass over a split finds: rows, labels and how often they occur, spans that fit no words."""

from collections import Counter
from collections.abc import Iterable, Mapping

from polyhead.data.example import Example
from polyhead.data.faults import FaultLog
from polyhead.errors import shown
from polyhead.kinds import Task
from polyhead.kinds.schemes import OUTSIDE, tags_from_spans
from polyhead.kinds.tagging import TaggingTask
from polyhead.text.words import SPLITTERS


class Survey:
    """Counts of one split.

    ``labelled`` are rows with a label, by task; ``labels`` how often each label occurs, by task; ``first`` the place
    where it occurs first.
    """

    def __init__(self) -> None:
        self.rows = 0
        self.labelled: Counter[str] = Counter()
        self.labels: dict[str, Counter[str]] = {}
        self.first: dict[str, dict[str, str]] = {}

    def add(self, example: Example, tasks: Mapping[str, Task]) -> None:
        """Count one row."""
        self.rows += 1
        for name, gold in example.labels.items():
            self.labelled[name] += 1
            labels = tasks[name].labels_of(gold)
            self.labels.setdefault(name, Counter()).update(labels)
            places = self.first.setdefault(name, {})
            for label in labels:
                places.setdefault(label, example.source)


def survey(examples: Iterable[Example], tasks: Mapping[str, Task], log: FaultLog) -> Survey:
    """Look at every row once; spans that do not fit words are counted in ``log``."""
    found = Survey()
    tagging = {name: task for name, task in tasks.items() if isinstance(task, TaggingTask)}
    for example in examples:
        found.add(example, tasks)
        for name, task in tagging.items():
            if example.labels.get(name):
                _count_misaligned(example, name, task, log)
    return found


def _count_misaligned(example: Example, name: str, task: TaggingTask, log: FaultLog) -> None:
    """Count spans that do not begin and end with a word; the words that they touch have no label."""
    words = SPLITTERS[task.splitter](example.text) if example.words is None else example.words
    for span in example.labels[name]:
        tags = tags_from_spans([span], words, task.scheme)
        if None in tags or set(tags) <= {OUTSIDE}:
            quoted = shown(example.text[max(0, span.start - 8) : span.end + 8])
            place = f"{example.source}: {span.type} {span.start}-{span.end} in {quoted}"
            log.oddity(f"{name}: spans that cut a word, its label unknown", place)
