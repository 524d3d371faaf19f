"""The models that are served, by name, and which of their heads a route means."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from polyhead.api import Polyhead
from polyhead.errors import shown
from polyhead.folder.hashing import tensors_hash
from polyhead.inference.predictor import Predictor
from polyhead.kinds import Task
from polyhead.serving.errors import RequestError


class Served:
    """A model under its name, ready to answer."""

    def __init__(
        self, name: str, model: Polyhead, *, history: Sequence[Mapping[str, Any]] = (), card: str = ""
    ) -> None:
        self.name = name
        self.history = history
        """What was measured after each epoch of its training, where that is known."""
        self.card = card
        """Its card in Markdown, where it has one."""
        self.model = model
        model.engine.leave_out_padding()
        self.tasks: Mapping[str, Task] = model.tasks
        self.predictor: Predictor = model.predictor

    @cached_property
    def hash(self) -> str:
        """SHA-256 of all that decides what it answers."""
        pretrained = self.model.pretrained
        state = {name: each.detach().cpu().numpy() for name, each in pretrained.model.state_dict().items()}
        facts = {
            "weights": tensors_hash(state),
            "tasks": {name: task.model_dump(mode="json") for name, task in self.tasks.items()},
            "tokenizer": pretrained.tokenizer.backend.to_str(),
            "max_length": self.model.max_length,
            "settings": pretrained.settings,
            "dtype": str(self.model.engine.dtype),
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


def choose_model(models: Sequence[Served], name: str | None) -> Served:
    """The model of that name; the only one, where none is named.

    Raises:
        RequestError: 404 or 422: there is none of that name, or several and none is named.
    """
    names = [each.name for each in models]
    if name is None:
        if len(models) == 1:
            return models[0]
        raise RequestError(
            422,
            f"several models are served: put /models/NAME before the route, with one of {', '.join(names)}",
            param="model",
            choices=names,
        )
    found = next((each for each in models if each.name == name), None)
    if found is None:
        raise RequestError(
            404,
            f"the models are {', '.join(names)}; found {shown(name)}",
            param="model",
            code="model_not_found",
            choices=names,
        )
    return found


def choose_head(
    models: Sequence[Served], model: str | None, task: str | None, fits: Callable[[Task], bool], what: str
) -> tuple[Served, str]:
    """The one head that answers ``what``, among those of that model and that name where they are given.

    Raises:
        RequestError: 404 or 422: there is no such head, it does not fit, or several do and none is named.
    """
    among = models if model is None else [choose_model(models, model)]
    if task is not None and not any(task in each.tasks for each in among):
        names = sorted({name for each in among for name in each.tasks})
        raise RequestError(404, f"there is no such head; there are: {', '.join(names) or 'none'}", choices=names)
    fitting = [
        (each, name)
        for each in among
        for name, own in each.tasks.items()
        if fits(own) and (task is None or name == task)
    ]
    if len(fitting) == 1:
        return fitting[0]
    routes = [f"/models/{each.name}/tasks/{name}" for each, name in fitting]
    if not fitting:
        raise RequestError(422, f"no head here answers {what}", choices=routes)
    raise RequestError(
        422, f"several heads answer {what}; put one of these before the route: {', '.join(routes)}", choices=routes
    )
