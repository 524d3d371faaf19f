r"""Backbones to choose from, made of the one that is at hand: all of its layers, some, and none of what it learnt.

``lower-4`` and ``lower-2`` are all-MiniLM-L6-v2's lower layers, ``untrained`` has its shape and random weights. Each is
written as a folder that a recipe can name; the study then says what they are worth, frozen and trained. Run from the
repository's root:

    python -m benchmarks.backbones --output DIR
    polyhead study src/polyhead/starter/quickstart.yaml --plans frozen,full --seeds 3 --output runs/backbones \
        --set model.backbone=DIR/all-6,DIR/lower-4,DIR/lower-2,DIR/untrained
"""

import argparse
import shutil
from pathlib import Path

import torch
from transformers import AutoModel

from polyhead.pretrained import DEFAULT_BACKBONE, find


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    options = parser.parse_args()
    for name, layers in {"all-6": 6, "lower-4": 4, "lower-2": 2, "untrained": 6}.items():
        write(options.output / name, layers, trained=name != "untrained")
        print(options.output / name)


def write(folder: Path, layers: int, *, trained: bool) -> None:
    """The backbone's lower layers as a sentence-transformers folder."""
    shutil.copytree(find(DEFAULT_BACKBONE), folder)
    pretrained = AutoModel.from_pretrained(folder)
    pretrained.config.num_hidden_layers = layers
    torch.manual_seed(13)
    network = AutoModel.from_config(pretrained.config)
    if trained:
        own = network.state_dict()
        network.load_state_dict({name: each for name, each in pretrained.state_dict().items() if name in own})
    network.save_pretrained(folder)


if __name__ == "__main__":
    main()
