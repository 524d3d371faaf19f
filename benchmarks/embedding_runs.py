"""The trainings of ``benchmarks.embeddings``: by name, the recipe and what is changed in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from benchmarks.common import RECIPE

_SNIPS = Path(__file__).parents[1] / "examples" / "intent-slots" / "recipe.yaml"


@dataclass(frozen=True, slots=True)
class Run:
    """``data`` is one of joint, snips, sst2; ``changes`` are dotted keys, as on the command line."""

    data: str
    changes: Mapping[str, Any] = field(default_factory=dict)


def _anchored(weight: float, **more: Any) -> Run:
    return Run("joint", {"embedding.mode": "anchor", "embedding.weight": weight, **more})


def _forked(top: int, **more: Any) -> Run:
    return Run("joint", {"embedding.mode": "fork", "embedding.top": top, **more})


_MIX = {"tasks.entities.layers": "mix"}
_HIDDEN = {"tasks.entities.hidden": 384}
_PROJECTED = {"model.projection": {"width": 384, "init": "pca"}}
_THEN_FULL = {"training.plan": {"probe-then-full": {"epoch": 2}, "layer_decay": 0.8}, "training.epochs": 4}
_CAPTIONS = {
    "embedding.texts": {"format": "text", "path": "flickr30k_captions/train.1.en.gz", "sample": {"rows": 5000}},
}
"""Texts that nobody labelled."""
_STSB = {
    "tasks.sts": {"kind": "similarity", "range": [0, 5]},
    "data.stsb": {
        "format": "csv",
        "columns": ["sentence1", "sentence2", "score"],
        "text": "sentence1",
        "text_pair": "sentence2",
        "train": "stsb/stsb-en-train.csv",
        "validation": "stsb/stsb-en-dev.csv",
        "tasks": {"sts": {"label": "score"}},
    },
}
RUNS: Mapping[str, Run] = {
    "plain": Run("joint"),
    **{f"anchor {weight:g}": _anchored(weight) for weight in (0.1, 0.3, 1, 3, 10)},
    "plain, mix": Run("joint", _MIX),
    **{f"anchor {weight:g}, mix": _anchored(weight, **_MIX) for weight in (0.3, 1, 3)},
    "anchor 1, hidden": _anchored(1, **_HIDDEN),
    **{f"anchor {weight:g}, projected": _anchored(weight, **_PROJECTED) for weight in (1, 3)},
    **{f"anchor {weight:g}, hidden, then full": _anchored(weight, **_HIDDEN, **_THEN_FULL) for weight in (0.1, 0.2)},
    "anchor 0.05, hidden, then full": _anchored(0.05, **_HIDDEN, **_THEN_FULL),
    **{
        f"anchor {weight:g}, captions, hidden, then full": _anchored(weight, **_HIDDEN, **_THEN_FULL, **_CAPTIONS)
        for weight in (0.03, 0.1)
    },
    **{
        f"anchor {weight:g}, hidden, then full, 6 epochs": _anchored(
            weight, **_HIDDEN, **{**_THEN_FULL, "training.epochs": 6}
        )
        for weight in (0.1, 0.2)
    },
    "plain, hidden, then full": Run("joint", {**_HIDDEN, **_THEN_FULL}),
    "anchor 0.1, then full": _anchored(0.1, **_THEN_FULL),
    "anchor 0.2, hidden, 4 epochs": _anchored(0.2, **_HIDDEN, **{"training.epochs": 4}),
    "plain, hidden, 4 epochs": Run("joint", {**_HIDDEN, "training.epochs": 4}),
    "anchor 1, 5 epochs": _anchored(1, **{"training.epochs": 5}),
    "plain, 5 epochs": Run("joint", {"training.epochs": 5}),
    **{f"fork {top}": _forked(top) for top in (1, 2, 3, 6)},
    "fork 6, lora": _forked(6, **{"training.plan": "lora"}),
    "anchor 0.3, interpolated": _anchored(
        0.3, **_THEN_FULL, **{"embedding.max_drop": 0.005, "embedding.interpolate": True}
    ),
    "plain, interpolated": Run("joint", {**_THEN_FULL, "embedding.max_drop": 0.005, "embedding.interpolate": True}),
    "with pairs": Run("joint", _STSB),
    "with pairs, anchor 0.3": _anchored(0.3, **_STSB),
    **{
        f"{data}, rate {rate:g}": Run(data, {"training.learning_rate": rate, "training.epochs": 3})
        for data in ("joint", "snips", "sst2")
        for rate in (2e-5, 5e-5, 1e-4, 2e-4)
    },
}


def recipe_of(run: Run, data_root: Path, folder: Path) -> Path:
    """The run's recipe as a file; SST-2's rows are written beside it in a format that has a reader."""
    if run.data == "joint":
        return RECIPE
    if run.data == "snips":
        return _SNIPS
    folder.mkdir(parents=True, exist_ok=True)
    for split, name in (("train", "train"), ("validation", "dev"), ("test", "test")):
        lines = (data_root / "sst2" / f"stsa.binary.{name}").read_text(encoding="utf-8").splitlines()
        rows = "".join(f"{label}\t{text}\n" for label, _, text in (line.partition(" ") for line in lines))
        (folder / f"{split}.tsv").write_text(rows, encoding="utf-8")
    recipe = {
        "model": {"backbone": "sentence-transformers/all-MiniLM-L6-v2", "max_length": 128, "attention_dropout": 0.0},
        "tasks": {"sentiment": {"kind": "classification"}},
        "data": {
            "sst2": {
                "format": "tsv",
                "columns": ["label", "text"],
                **{split: str((folder / f"{split}.tsv").resolve()) for split in ("train", "validation", "test")},
                "tasks": {"sentiment": {"label": "label", "labels": {"0": "negative", "1": "positive"}}},
            }
        },
        "training": {"epochs": 3, "batch_size": 32, "head_learning_rate": 1e-3},
    }
    path = folder / "sst2.yaml"
    path.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    return path
