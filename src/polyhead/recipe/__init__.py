"""The recipe: the YAML file that a run is made of, read with every fault at once, and what is done with it."""

from polyhead.recipe.frozen import FrozenEvaluation, FrozenResult, evaluate_frozen
from polyhead.recipe.load import load_recipe
from polyhead.recipe.run import Watcher, train
from polyhead.recipe.schema import ModelSettings, Recipe
from polyhead.recipe.start import untrained

__all__ = [
    "FrozenEvaluation",
    "FrozenResult",
    "ModelSettings",
    "Recipe",
    "Watcher",
    "evaluate_frozen",
    "load_recipe",
    "train",
    "untrained",
]
