"""Whether data and heads fit each other, found out before anything is trained."""

from collections.abc import Mapping, Sequence
from itertools import chain

from polyhead.data.example import DataSet, labelled_tasks
from polyhead.data.stream import StreamedExamples
from polyhead.errors import UserError
from polyhead.kinds import PairsTask, SentenceOptions, Task
from polyhead.pretrained import Pretrained


def check_vectors(pretrained: Pretrained, data: Sequence[DataSet], *, frozen: bool) -> None:
    """Stored embeddings serve only heads that read nothing else, on an encoder that stays as it is.

    Raises:
        UserError: they do not.
    """
    width = pretrained.model.encoder.width
    for each in data:
        rows = [] if isinstance(each.train, StreamedExamples) else [each.train, each.validation, each.test]
        for example in chain.from_iterable(rows):
            if example.vector is None:
                continue
            if not frozen:
                raise UserError(f"data.{each.name}.vectors: the encoder must stay as it is; set training.plan: probe")
            if len(example.vector) != width:
                raise UserError(
                    f"{example.source}: an embedding of this model has {width} numbers, found {len(example.vector)}"
                )
            for name in example.labels:
                if not pretrained.tasks[name].reads_embedding:
                    raise UserError(f"data.{each.name}.vectors: task {name} reads texts; give it input: embedding")


def check_cached(tasks: Mapping[str, Task], data: Sequence[DataSet]) -> None:
    """Gradient caching keeps one vector a text, so the heads beside it must not read token states.

    Raises:
        UserError: one does.
    """
    for each in data:
        names = labelled_tasks(each.train)
        if any(isinstance(task := tasks[name], PairsTask) and task.mini_batch_size for name in names):
            for name in sorted(names):
                if reads_tokens(tasks[name]):
                    raise UserError(
                        f"data.{each.name}: task {name} reads token states, which mini_batch_size does not keep;"
                        " give it a data set of its own"
                    )


def reads_tokens(task: Task) -> bool:
    """Whether a head needs more of a text than its pooled vector and its embedding."""
    return task.level == "token" or (
        isinstance(task, SentenceOptions) and (task.input == "cls" or task.layers == "mix")
    )
