"""Polyhead: one sentence encoder, many heads. Importing this loads no torch; the names below load what they need."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from polyhead._version import __version__

if TYPE_CHECKING:
    from polyhead.api import Polyhead
    from polyhead.errors import MissingExtra, PolyheadError, UserError
    from polyhead.predictions import (
        Classification,
        Entity,
        LabelScore,
        Multilabel,
        Prediction,
        Regression,
        Similarity,
        Tagging,
        WordTag,
    )
    from polyhead.recipe import Recipe, evaluate_frozen, load_recipe, train, untrained

_HOMES = {
    "Polyhead": "polyhead.api",
    "MissingExtra": "polyhead.errors",
    "PolyheadError": "polyhead.errors",
    "UserError": "polyhead.errors",
    "Classification": "polyhead.predictions",
    "Entity": "polyhead.predictions",
    "LabelScore": "polyhead.predictions",
    "Multilabel": "polyhead.predictions",
    "Prediction": "polyhead.predictions",
    "Regression": "polyhead.predictions",
    "Similarity": "polyhead.predictions",
    "Tagging": "polyhead.predictions",
    "WordTag": "polyhead.predictions",
    "Recipe": "polyhead.recipe",
    "evaluate_frozen": "polyhead.recipe",
    "load_recipe": "polyhead.recipe",
    "train": "polyhead.recipe",
    "untrained": "polyhead.recipe",
}

__all__ = [
    "Classification",
    "Entity",
    "LabelScore",
    "MissingExtra",
    "Multilabel",
    "Polyhead",
    "PolyheadError",
    "Prediction",
    "Recipe",
    "Regression",
    "Similarity",
    "Tagging",
    "UserError",
    "WordTag",
    "__version__",
    "evaluate_frozen",
    "load_recipe",
    "train",
    "untrained",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'polyhead' has no attribute {name!r}")
    try:
        return getattr(import_module(_HOMES[name]), name)
    except ModuleNotFoundError as error:
        from polyhead.errors import missing_extra

        raise missing_extra(error) from None


def __dir__() -> list[str]:
    return __all__
