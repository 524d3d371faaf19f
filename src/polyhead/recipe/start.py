"""The model that a run begins with: a backbone as the recipe wants it, or a saved model to go on from."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from polyhead.api import Polyhead
from polyhead.errors import NotAvailableError, UserError, shown
from polyhead.folder.hub import HUB_NAME
from polyhead.folder.manifest import Origin
from polyhead.folder.settings import ProjectionSettings
from polyhead.modeling.components import components
from polyhead.pretrained import Pretrained, find, load
from polyhead.recipe.data import Data, prepare
from polyhead.recipe.keeping import fork
from polyhead.recipe.projection import PCA_TEXTS, project_by_pca
from polyhead.recipe.schema import ModelSettings, Projection, Recipe
from polyhead.training.plans import stages


def begin(
    recipe: Recipe,
    start: str | Path | None,
    *,
    splits: Sequence[str] = ("train", "validation"),
    strict: bool = True,
) -> tuple[Recipe, Data, Pretrained]:
    """Read the data and build the model, its new parts drawn from the recipe's seed.

    ``start`` is a saved model to go on from: its heads are kept, the recipe's tasks are added to them. ``strict=False``
    leaves labels that no task knows as faults in the data's log.

    Raises:
        UserError: the recipe's data or backbone does not work out, each fault with its place.
    """
    if start is None:
        recipe = replace(recipe, model=at_hand(recipe.model))
    else:
        pretrained = load(start, attention_dropout=recipe.model.attention_dropout)
        recipe = _go_on(recipe, pretrained)
    data = prepare(recipe, splits, strict=strict)
    torch.manual_seed(recipe.training.seed)
    if start is None:
        pretrained = new_model(recipe.model)
        if recipe.model.projection is not None and recipe.model.projection.init == "pca":
            project_by_pca(pretrained, _texts(data))
    branch = fork(pretrained, recipe.embedding)
    for name, task in data.tasks.items():
        if name not in pretrained.heads:
            pretrained.add_head(name, task, branch=branch)
    plain = pretrained if start is not None else as_opened(pretrained, recipe.model)
    if start is None or pretrained.origin is None or not _stays(pretrained, recipe, branch):
        pretrained.origin = Origin(_whole(start or recipe.model.backbone), plain.encoder_hash())
        pretrained.embedding = None
    if plain is not pretrained:
        data = replace(data, keeping=replace(data.keeping, original=plain))
    pretrained.datasets = list(dict.fromkeys([*pretrained.datasets, *_hub_datasets(recipe)]))
    return recipe, data, pretrained


def _stays(pretrained: Pretrained, recipe: Recipe, branch: str | None) -> bool:
    """Whether the embedding stays what it is, so that what is known of it goes on to hold."""
    plan = recipe.training.plan
    if branch is not None or plan.name == "frozen":
        return True
    if plan.name == "lora":  # whose adapters are put in later
        return False
    parts = components(pretrained.model)
    encoder = {name for part in parts if not part.name.startswith("heads.") for name in part.parameters}
    return not any(encoder & each.learns for each in stages(plan, parts))


def _hub_datasets(recipe: Recipe) -> list[str]:
    """Names of data sets on the Hub that the recipe trains on."""
    return [
        path
        for each in recipe.data.values()
        for split, source in each.sources.items()
        if split == "train" and source.format == "datasets"
        for path in source.path
        if HUB_NAME.fullmatch(path) and not (recipe.root / path).exists()
    ]


def untrained(recipe: Recipe) -> Polyhead:
    """The model that training ``recipe`` begins with: its backbone, and heads that have learnt nothing.

    Raises:
        UserError: as ``begin``.
    """
    return Polyhead(begin(recipe, None)[2])


def _whole(name: str | Path) -> str:
    """A folder's whole path, a Hub name as it is."""
    return str(Path(name).resolve()) if Path(name).exists() else str(name)


def _texts(data: Data) -> list[str]:
    """Texts for a principal component analysis, none twice: those without labels first, then some from all the rows."""
    found = dict.fromkeys(data.keeping.texts[:PCA_TEXTS])
    share = -(-(PCA_TEXTS - len(found)) // max(1, len(data.sets)))
    for each in data.sets:
        count = min(len(each.train), share)
        found |= dict.fromkeys(each.train[number * len(each.train) // count].text for number in range(count))
    return [*found]


def at_hand(model: ModelSettings) -> ModelSettings:
    """The same, its backbone replaced by the fallback if it has one and the backbone cannot be had.

    Raises:
        UserError: it cannot be had, and there is no fallback.
    """
    try:
        find(model.backbone)
    except NotAvailableError:
        if model.fallback is None:
            raise
        return model.model_copy(update={"backbone": model.fallback})
    return model


def new_model(model: ModelSettings) -> Pretrained:
    """The backbone, or its fallback, with the recipe's pooling, projection and normalisation, and no heads."""
    model = at_hand(model)
    wanted = {
        key: value for key in ("pooling", "normalize", "max_length") if (value := getattr(model, key)) is not None
    }
    if model.projection is not None:
        bias = model.projection.init == "random"
        wanted["projection"] = ProjectionSettings(model.projection.width, bias=bias)
    return load(
        model.backbone,
        change=(lambda settings: replace(settings, **wanted)) if wanted else None,
        attention_dropout=model.attention_dropout,
        with_heads=False,
    )


def as_opened(pretrained: Pretrained, model: ModelSettings) -> Pretrained:
    """The backbone with the pooling, projection and normalisation that its own folder says; its weights are shared.

    It is ``pretrained`` itself where the recipe changes nothing of them.
    """
    if model.projection is None and model.pooling is None and model.normalize is None and model.max_length is None:
        return pretrained
    plain = load(model.backbone, attention_dropout=model.attention_dropout, with_heads=False)
    if replace(plain.settings, max_length=None) == replace(pretrained.settings, max_length=None):
        return pretrained
    plain.model.encoder.backbone = pretrained.model.encoder.backbone
    return plain


def _go_on(recipe: Recipe, pretrained: Pretrained) -> Recipe:
    """The recipe with the saved heads' own tasks, as far as it names them; the saved heads take its loss weights.

    Raises:
        UserError: it declares a task otherwise than the saved head, or asks for another encoder.
    """
    tasks = dict(recipe.tasks)
    for name, task in recipe.tasks.items():
        head = pretrained.heads.get(name)
        if head is None:
            continue
        for key in sorted(task.model_fields_set - {"weight"}):
            asked, saved = getattr(task, key), getattr(head.task, key, None)
            if asked != saved:
                raise UserError(
                    f"tasks.{name}.{key}: the saved head has {shown(saved)}, found {shown(asked)}; rename it"
                )
        tasks[name] = head.task.model_copy(update={"weight": task.weight})
        pretrained.heads[name] = replace(head, task=tasks[name])
    settings = pretrained.settings
    projection = settings.projection.width if settings.projection else None
    has = {"pooling": settings.pooling, "normalize": settings.normalize, "max_length": settings.max_length}
    for key, saved in {**has, "projection": projection}.items():
        wanted = getattr(recipe.model, key)
        wanted = wanted.width if isinstance(wanted, Projection) else wanted
        if wanted is not None and wanted != saved:
            has_it = "none" if saved is None else shown(saved)
            raise UserError(f"model.{key}: the saved model has {has_it}, found {shown(wanted)}; it cannot be changed")
    return replace(recipe, tasks=tasks)
