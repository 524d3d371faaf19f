"""Labels of the tasks: inferred from training data, or held against what was declared."""

from collections import Counter
from collections.abc import Iterable, Mapping

from pydantic import ValidationError

from polyhead.data.faults import FaultLog
from polyhead.data.survey import Survey
from polyhead.errors import shown
from polyhead.kinds import ClassificationTask, Task, label_order


def infer_labels(tasks: Mapping[str, Task], surveys: Iterable[Survey], log: FaultLog) -> dict[str, Task]:
    """Each task with its labels: as declared, else those that occur in the splits surveyed."""
    rows = list(surveys)
    known = {}
    for name, task in tasks.items():
        counts = sum((each.labels.get(name, Counter()) for each in rows), Counter[str]())
        labelled = sum(each.labelled[name] for each in rows)
        if not (counts if task.has_labels and not task.labels else labelled or task.labels):
            log.fault(f"task {name}: no row of the training data has a label for it; check its fields")
        if task.has_labels and not task.labels:
            try:  # labels that were found keep the rules of labels that are declared
                task = type(task).model_validate({**task.model_dump(), "labels": label_order(counts)})
            except ValidationError as error:
                reason = error.errors()[0]["msg"].removeprefix("Value error, ")
                log.fault(f"task {name}: {reason}; found {shown(', '.join(sorted(counts)), 120)}")
        if isinstance(task, ClassificationTask) and len(task.labels) == 1:
            log.fault(f"task {name}: a classification needs two labels or more, found only {shown(task.labels[0])}")
        known[name] = task.with_counts(counts, labelled)
    return known


def check_labels(tasks: Mapping[str, Task], survey: Survey, log: FaultLog) -> None:
    """Every label of a split must be known to its task; unknown ones are faults, with the place of the first."""
    for name, labels in survey.labels.items():
        for label in sorted(labels.keys() - set(tasks[name].labels)):
            known = shown(", ".join(tasks[name].labels), 120)
            times = f" ({labels[label]:,} times)" if labels[label] > 1 else ""
            log.fault(f"{survey.first[name][label]}: task {name} has the labels {known}; found {shown(label)}{times}")
