"""How far up each data set's activations are constant while something learns, and so can be kept."""

from collections.abc import Collection, Mapping, Sequence

from polyhead.data.example import DataSet, labelled_tasks
from polyhead.data.stream import StreamedExamples
from polyhead.kinds import LayerOptions, PairsTask, Task
from polyhead.modeling.components import Component
from polyhead.modeling.model import MultiTaskModel
from polyhead.modeling.pooling import Pooling
from polyhead.training.activations.lower import Boundary
from polyhead.training.fit import reads_tokens
from polyhead.training.settings import TrainingSettings


def boundaries(
    model: MultiTaskModel,
    tasks: Mapping[str, Task],
    sets: Sequence[DataSet],
    settings: TrainingSettings,
    learns: Collection[str],
    parts: Sequence[Component],
) -> dict[str, Boundary]:
    """What can be kept of each data set while ``learns`` learn; nothing of one whose heads must see more."""
    depth = min(part.depth for part in parts if any(name in learns for name in part.parameters)) - 1
    if not settings.cache or depth < 1:
        return {}
    depth = min(depth, model.encoder.backbone.layers)
    whole = depth == model.encoder.backbone.layers and isinstance(model.encoder.pooling, Pooling)
    found = {}
    for each in sets:
        own = [tasks[name] for name in labelled_tasks(each.train) | labelled_tasks(each.validation)]
        if isinstance(each.train, StreamedExamples) or any(map(_sees_more, own)) or _has_vectors(each):
            continue
        pooled = whole and not any(map(reads_tokens, own))
        found[each.name] = Boundary("pooled" if pooled else "tokens", depth)
    return found


def _sees_more(task: Task) -> bool:
    """Whether a head needs all layers, or a loss needs the texts themselves."""
    mixes = isinstance(task, LayerOptions) and task.layers == "mix"
    return mixes or (isinstance(task, PairsTask) and task.mini_batch_size is not None)


def _has_vectors(data: DataSet) -> bool:
    splits = [split for split in (data.train, data.validation) if not isinstance(split, StreamedExamples)]
    return any(example.vector is not None for split in splits for example in split)
