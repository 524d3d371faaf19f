"""The recipe's page in the docs is what the code says."""

from pathlib import Path

import pytest

from polyhead.recipe.reference import reference

PAGE = Path(__file__).parents[2] / "docs/recipe.md"


@pytest.mark.skipif(not PAGE.exists(), reason="the docs are not here")
def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference()
