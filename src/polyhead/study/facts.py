"""What a study is of, noted in its folder: one recipe, its data as they are, one model to begin with."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from polyhead.errors import UserError
from polyhead.folder.files import read_json, write_json
from polyhead.folder.hashing import path_hash, tensors_hash
from polyhead.pretrained import Pretrained
from polyhead.pretrained.pretrained import arrays
from polyhead.recipe import Recipe

STUDY = "study.json"


def facts_of(
    recipe: Recipe, pretrained: Pretrained, *, start: str | None, rows: int | None, pairs: Path | None
) -> dict[str, Any]:
    """All that a study's jobs share; ``pretrained`` is what they begin with."""
    names = {name for each in recipe.data.values() for source in each.sources.values() for name in source.path}
    files = {name: path_hash(recipe.root / name) for name in sorted(names) if (recipe.root / name).exists()}
    if pairs is not None:
        files["--pairs"] = path_hash(pairs)
    return {
        "recipe": json.loads(json.dumps(dict(recipe.raw), default=str)),
        "data_root": str(recipe.root.resolve()),
        "from": start,
        "rows": rows,
        "pairs": None if pairs is None else str(pairs.resolve()),
        "files": files,
        "model": pretrained.encoder_hash() if start is None else tensors_hash(arrays(pretrained.model)),
    }


def remember(folder: Path, facts: Mapping[str, Any]) -> None:
    """Note what the study is of, or see that it is the same.

    Raises:
        UserError: the folder holds runs of something else, or other files than a study's.
    """
    place = folder / STUDY
    if place.is_file():
        known = read_json(place)
        if changed := list(_changed(known, facts)):
            raise UserError(f"{folder}: holds a study with another {', '.join(changed)}; choose another --output")
        return
    if folder.exists() and any(folder.iterdir()):
        raise UserError(f"{folder}: a study needs a new or empty folder, or its own; choose another --output")
    write_json(place, dict(facts))


def _changed(known: Mapping[str, Any], facts: Mapping[str, Any]) -> Iterator[str]:
    """What is not as it was; studies of earlier versions did not note all of it."""
    for key, value in facts.items():
        before = known.get(key, value)
        if isinstance(before, dict) and key == "files":
            yield from (name for name in dict.fromkeys((*before, *value)) if before.get(name) != value.get(name))
        elif before != value:
            yield key
