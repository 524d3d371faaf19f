"""The fallback backbone: used where the recipe's cannot be had, loudly, and for no other reason."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from polyhead import UserError, load_recipe
from polyhead.recipe.announce import fallback_notes
from polyhead.recipe.start import at_hand
from polyhead.starter import RECIPE


def asked(**model: str) -> dict[str, str]:
    return {f"model.{key}": value for key, value in model.items()}


def test_it_is_used_and_said(backbones: Callable[[str], Path]) -> None:
    own = str(backbones("bert"))
    recipe = load_recipe(RECIPE, overrides=asked(backbone="somebody/not-here", fallback=own))
    found = replace(recipe, model=at_hand(recipe.model))
    assert found.model.backbone == own
    [note] = fallback_notes(found)
    assert note.startswith("! somebody/not-here cannot be had here")
    assert own in note


def test_what_can_be_had_is_not_replaced(backbones: Callable[[str], Path]) -> None:
    recipe = load_recipe(RECIPE, overrides=asked(backbone=str(backbones("bert")), fallback="somebody/not-here"))
    found = replace(recipe, model=at_hand(recipe.model))
    assert found == recipe
    assert fallback_notes(found) == []


@pytest.mark.parametrize("name", ["no name/of/a/model", "empty"])
def test_other_faults_stay_faults(name: str, backbones: Callable[[str], Path], tmp_path: Path) -> None:
    """A folder without a model, a name that cannot be one: a typo must not become another model."""
    (tmp_path / "empty").mkdir()
    given = str(tmp_path / name) if name == "empty" else name
    recipe = load_recipe(RECIPE, overrides=asked(backbone=given, fallback=str(backbones("bert"))))
    with pytest.raises(UserError, match=r"a model folder has a config\.json|no such folder"):
        at_hand(recipe.model)


def test_without_one_it_is_a_fault() -> None:
    recipe = load_recipe(RECIPE, overrides=asked(backbone="somebody/not-here"))
    with pytest.raises(UserError, match="somebody/not-here"):
        at_hand(recipe.model)
