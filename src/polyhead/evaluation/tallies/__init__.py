"""What counts answers, by kind of task."""

from polyhead.evaluation.tallies.base import Tally
from polyhead.evaluation.tallies.classes import Classes, ClassTally
from polyhead.evaluation.tallies.labels import LabelSets, LabelTally
from polyhead.evaluation.tallies.numbers import Numbers, NumberTally
from polyhead.evaluation.tallies.ranks import Ranks, RankTally
from polyhead.evaluation.tallies.spans import Spans, SpanTally
from polyhead.kinds import Task

TALLIES: dict[str, type[Tally]] = {
    "classification": ClassTally,
    "multilabel": LabelTally,
    "regression": NumberTally,
    "similarity": NumberTally,
    "pairs": RankTally,
    "tagging": SpanTally,
}


def tally_of(task: Task) -> Tally:
    """An empty tally for a task."""
    return TALLIES[task.kind](task)


__all__ = ["Classes", "LabelSets", "Numbers", "Ranks", "Spans", "Tally", "tally_of"]
