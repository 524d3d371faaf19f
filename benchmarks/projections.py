"""What a narrower embedding loses before any training: by PCA, by a random projection, or cut to its first numbers.

Directions are fitted on the first 10,000 AG News training texts; Spearman and the share of a text's ten nearest
neighbours that stayed are of STS-B's test pairs. Run from the repository's root:

    python -m benchmarks.projections --data-root DIR
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from rich.table import Table
from torch import nn

from benchmarks.common import console, machine, show_machine, write_json
from benchmarks.few_labels import read_training
from polyhead import Polyhead
from polyhead.data.pairs import read_pairs
from polyhead.evaluation.embeddings import report
from polyhead.kinds.base import FloatArray
from polyhead.pretrained import DEFAULT_BACKBONE, load
from polyhead.recipe.projection import PCA_TEXTS, principal


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, required=True, metavar="DIR")
    parser.add_argument("--widths", type=int, nargs="+", default=[256, 128, 64])
    parser.add_argument("--seeds", type=int, nargs="+", default=[13, 14, 15], help="of the random projections")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    described = machine()
    show_machine(described)
    pairs = read_pairs(options.data_root / "stsb" / "stsb-en-test.csv")
    fitted = [text for text, _ in read_training(options.data_root / "ag_news" / "train_subset.csv")][:PCA_TEXTS]
    pooled = Polyhead(
        load(DEFAULT_BACKBONE, change=lambda settings: replace(settings, normalize=False)), dtype="float32"
    )
    whole = np.asarray(pooled.encode([*pairs.left, *pairs.right]))
    directions = principal(np.asarray(pooled.encode(fitted, normalize_embeddings=True)), max(options.widths))
    table = Table("width", "way", "Spearman", "neighbours that stayed", title="STS-B, test", title_justify="left")
    found = []
    for width in options.widths:
        ways = {"pca": whole @ directions[:width].T, "first numbers": whole[:, :width]}
        ways |= {f"random, seed {seed}": random(whole, width, seed) for seed in options.seeds}
        for way, vectors in ways.items():
            one = report(vectors, whole, pairs.scores)
            assert one.drift is not None
            found.append({"width": width, "way": way, **one.as_dict()})
            table.add_row(str(width), way, f"{100 * (one.spearman or 0):.2f}", f"{one.drift.neighbours:.0%}")
    console.print(table)
    write_json(options.json, {"machine": described, "found": found})


def random(pooled: FloatArray, width: int, seed: int) -> FloatArray:
    """Through a new linear layer, as a recipe's projection begins. *Shapes:* (texts, hidden) → (texts, width)."""
    torch.manual_seed(seed)
    with torch.no_grad():
        found: FloatArray = nn.Linear(pooled.shape[1], width)(torch.from_numpy(pooled)).numpy()
    return found


if __name__ == "__main__":
    main()
