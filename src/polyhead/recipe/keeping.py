"""What a recipe's ``embedding:`` names, read: pairs to measure on, unlabelled texts; and the fork that it asks for."""

from polyhead.data.faults import FaultLog
from polyhead.data.pairs import read_pairs
from polyhead.data.read import read
from polyhead.data.splits import sample
from polyhead.errors import UserError
from polyhead.modeling.branch import Branch
from polyhead.pretrained import Pretrained
from polyhead.recipe.schema import Recipe
from polyhead.training import EmbeddingSettings, Keeping


def read_keeping(recipe: Recipe, log: FaultLog) -> Keeping:
    """The settings with their files read.

    Raises:
        UserError: a file is missing or wrong, with its line.
    """
    settings = recipe.embedding
    pairs = None if settings.pairs is None else read_pairs(recipe.root / settings.pairs)
    if settings.texts is None:
        return Keeping(settings, pairs)
    missing = settings.texts.missing(recipe.root)
    if missing:
        raise UserError(*(f"{path}: no such file; embedding.texts is relative to the recipe" for path in missing))
    rows = read(settings.texts, {}, root=recipe.root, log=log)
    if settings.texts.sample:
        rows = sample(rows, settings.texts.sample, seed=recipe.training.seed, where="embedding.texts")
    return Keeping(settings, pairs, [row.text for row in rows])


def fork(pretrained: Pretrained, settings: EmbeddingSettings) -> str | None:
    """The branch on which new heads are put, made if it is not there; None where there is to be none.

    Raises:
        UserError: the backbone has not so many layers of its own, or the branch begins elsewhere.
    """
    name = settings.branch
    if name is None or settings.top is None:
        return None
    encoder = pretrained.model.encoder
    layers = len(encoder.backbone.layer_list())
    if settings.top > layers:
        found = f"found {settings.top}" if layers else "its layers share their weights"
        raise UserError(f"embedding.top: must be at most {layers}, the backbone's layers; {found}")
    there = pretrained.model.branches.get(name)
    if there is None:
        pretrained.model.set_branch(name, Branch(encoder.backbone, encoder.pooling, depth=layers - settings.top))
    elif there.depth != layers - settings.top:
        raise UserError(
            f"embedding.top: the branch {name} has the {layers - there.depth} topmost layers, found"
            f" {settings.top}; give another its own name"
        )
    return name
