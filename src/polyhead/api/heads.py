"""A model's heads: put on, found, frozen."""

import copy
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from pydantic import ValidationError

from polyhead.data.example import Example
from polyhead.errors import UserError, shown
from polyhead.kinds import EMBEDDING, KINDS, Task
from polyhead.kinds.base import FloatArray, check_task_name
from polyhead.predictions import Classification, Multilabel, TaskPrediction
from polyhead.pretrained import Pretrained


def new_task(name: str, kind: str, labels: Sequence[str], settings: dict[str, Any], taken: Collection[str]) -> Task:
    """The declaration of a new head.

    Raises:
        UserError: a name that is taken or no task name, an unknown kind, or settings that it does not have.
    """
    check_free(taken, name)
    if kind not in KINDS:
        raise UserError(f"head {name}: kind must be one of {', '.join(KINDS)}; found {shown(kind)}")
    if isinstance(labels, str):
        raise UserError(f"head {name}: labels must be a list of names, found {shown(labels)}")
    if KINDS[kind].has_labels and not labels:
        raise UserError(f"head {name}: needs at least one label")
    try:
        return KINDS[kind].model_validate({**settings, "kind": kind, "labels": tuple(labels)})
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        place = ".".join(map(str, fault["loc"])) or "settings"
        if fault["type"] == "extra_forbidden":
            known = sorted(KINDS[kind].model_fields.keys() - {"kind", "labels"})
            raise UserError(f"head {name}: {kind} has no {shown(place)}; it has {', '.join(known)}") from None
        message = fault["msg"].removeprefix("Value error, ")
        raise UserError(f"head {name}: {place}: {message}; found {shown(fault['input'])}") from None


def check_free(taken: Collection[str], name: str) -> None:
    """Refuse a name that no new head can have.

    Raises:
        UserError: it is taken, or no task name.
    """
    check_task_name(name)
    if name in taken:
        raise UserError(f"there is a head {name} already; remove it first, or choose another name")


def check_head(tasks: Collection[str], name: str) -> str:
    """``name``, if there is such a head.

    Raises:
        UserError: there is none.
    """
    if name not in tasks:
        raise UserError(f"this model's heads are: {', '.join(tasks) or 'none'}; found {shown(name)}")
    return name


def set_learning(pretrained: Pretrained, names: Sequence[str], *, learns: bool) -> None:
    """Let ``backbone`` or heads learn, or keep them from it; raises as ``check_head``."""
    model = pretrained.model
    for name in names:
        module = model.encoder.backbone if name == "backbone" else model.heads[check_head(pretrained.tasks, name)]
        module.requires_grad_(learns)


def wanted_heads(own: Collection[str], tasks: Collection[str] | None) -> tuple[list[str], bool]:
    """The heads to run, and whether the embedding is wanted, too.

    Raises:
        UserError: a task that the model lacks.
    """
    if isinstance(tasks, str):
        tasks = [tasks]
    names = [*own, EMBEDDING] if tasks is None else list(tasks)
    for name in names:
        if name not in own and name != EMBEDDING:
            raise UserError(f"tasks: this model has {', '.join([*own, EMBEDDING])}; found {shown(name)}")
    return [name for name in own if name in names], "embedding" in names


def check_texts(tasks: dict[str, Task], wanted: Collection[str], examples: Iterable[Example]) -> None:
    """Heads that were asked for by name must find as many texts as they read.

    Raises:
        UserError: a head of two texts, and an input that is one.
    """
    pairs = [name for name in wanted if tasks[name].level == "pair"]
    for index, example in enumerate(examples) if pairs else ():
        if not example.others:
            form = "{'text': …, 'text_pair': …}"
            raise UserError(f"inputs[{index}]: task {pairs[0]} needs two texts, {form}; found {shown(example.text)}")


def check_vectors(vectors: FloatArray, width: int, tasks: dict[str, Task], names: Collection[str]) -> None:
    """Heads of stored embeddings read nothing else.

    Raises:
        UserError: embeddings of another width, or a head that reads something else than the embedding.
    """
    if vectors.ndim != 2 or vectors.shape[1] != width or not np.issubdtype(vectors.dtype, np.floating):
        found = f"{vectors.dtype} of shape {vectors.shape}"
        raise UserError(f"embeddings: must be floating-point numbers of shape (texts, {width}), found {found}")
    for name in names:
        if not tasks[name].reads_embedding:
            raise UserError(f"task {name}: does not read the embedding alone; train a head with input: embedding")


def rename(pretrained: Pretrained, old: str, new: str) -> None:
    """Give a head another name.

    Raises:
        UserError: there is no such head, or the new name is taken or none.
    """
    check_head(pretrained.tasks, old)
    check_free(pretrained.tasks, new)
    names = {name: new if name == old else name for name in pretrained.heads}  # their order stays
    modules = {name: pretrained.model.heads[name] for name in pretrained.heads}
    records = dict(pretrained.heads)
    for name in names:
        del pretrained.model.heads[name]
        pretrained.model.stands_on.pop(name, None)
    pretrained.heads.clear()
    for name, own in names.items():
        pretrained.put_head(own, records[name], modules[name])


def merge(pretrained: Pretrained, other: Pretrained, names: Mapping[str, str]) -> None:
    """Put heads of ``other`` on the same encoder here; ``names`` maps those that come to what they are called here.

    Raises:
        UserError: another encoder, tokenizer or reading of texts, a head that does not fit its own, or a taken name.
    """
    here, there = pretrained.encoder_hash(), other.encoder_hash()
    if here != there:
        raise UserError(
            f"merge: the encoders differ ({here[:12]} and {there[:12]}), so the heads of one mean nothing on the other;"
            " train them on one encoder: plan: probe, or embedding: {mode: fork, top: K}"
        )
    own, others = asdict(pretrained.settings), asdict(other.settings)
    differ = [
        f"{key} is {shown(own[key])} here and {shown(others[key])} there" for key in own if own[key] != others[key]
    ]
    if not differ and pretrained.tokenizer.backend.to_str() != other.tokenizer.backend.to_str():
        differ.append("the tokenizers differ")
    if differ:
        raise UserError(f"merge: {', '.join(differ)}, so texts are not read alike; train the heads on one model")
    for new in names.values():
        if list(names.values()).count(new) > 1:
            raise UserError(f"merge: two heads would be called {new}; give each a name of its own")
    for name, new in names.items():
        check_head(other.tasks, name)
        if new in pretrained.tasks:
            raise UserError(f"merge: there is a head {new} already; bring it under another name: {name}=NEW")
        check_free(pretrained.tasks, new)
        if other.heads[name].encoder_hash is not None:
            raise UserError(f"merge: head {name} was made for another encoder than the one beside it; retrain it")
    branches: dict[str | None, str | None] = {None: None}
    for name, new in names.items():
        head = other.heads[name]
        if head.branch not in branches:
            assert head.branch is not None
            branches[head.branch] = _put_branch(pretrained, other, head.branch, here)
        module = copy.deepcopy(other.model.heads[name])
        pretrained.put_head(new, replace(head, branch=branches[head.branch]), module)
    pretrained.datasets = list(dict.fromkeys([*pretrained.datasets, *other.datasets]))


def _put_branch(pretrained: Pretrained, other: Pretrained, name: str, encoder_hash: str) -> str:
    """Bring a branch over; its name here, the one that has the same weights if there is one."""
    wanted = other.branch_hash(name, encoder_hash)
    for own in pretrained.model.branches:
        if pretrained.branch_hash(own, encoder_hash) == wanted:
            return own
    new, number = name, 1
    while new in pretrained.model.branches:
        number += 1
        new = f"{name}-{number}"
    pretrained.model.set_branch(new, other.model.branches[name].standing_on(pretrained.model.encoder.backbone))
    return new


def probabilities(answer: TaskPrediction, labels: Sequence[str]) -> list[float]:
    """The probability of each label, in the order of ``labels``."""
    assert isinstance(answer, Classification | Multilabel)
    scores = {each.label: each.score for each in answer.scores}
    return [scores[label] for label in labels]
