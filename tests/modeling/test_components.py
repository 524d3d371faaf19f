"""Components: every parameter and every module in exactly one, whatever the architecture."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import AlbertConfig, AutoModel, DebertaV2Config

from polyhead.kinds import ClassificationTask, TaggingTask
from polyhead.modeling.backbone import Backbone
from polyhead.modeling.components import Component, components
from polyhead.modeling.encoder import Encoder
from polyhead.modeling.model import MultiTaskModel
from polyhead.modeling.pooling import Pooling
from polyhead.pretrained import load

ARCHITECTURES = ["bert", "roberta", "mpnet", "distilbert", "modernbert", "gpt_neo"]
SMALL = {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 32, "vocab_size": 50}


def of_network(network: object) -> list[Component]:
    return components(MultiTaskModel(encoder=Encoder(backbone=Backbone(network=network), pooling=Pooling(mode="mean"))))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_everything_is_in_exactly_one(backbones: Callable[[str], Path], architecture: str) -> None:
    loaded = load(backbones(architecture))
    loaded.add_head("topic", ClassificationTask(labels=("a", "b")))
    loaded.add_head("names", TaggingTask(labels=("PER",), word_shapes=True))
    found = components(loaded.model)
    pooler = [("pooler", 2)] if architecture in ("bert", "roberta", "mpnet") else []
    assert [(part.name, part.depth) for part in found] == [
        ("embeddings", 0), ("layers.0", 1), ("layers.1", 2), *pooler, ("pooling", 3), ("heads.topic", 3),
        ("heads.names", 3),
    ]  # fmt: skip
    assert [part.name for part in found if part.fixed] == [name for name, _ in pooler]
    parameters = [id(parameter) for part in found for parameter in part.parameters.values()]
    assert sorted(parameters) == sorted(id(parameter) for parameter in loaded.model.parameters())
    modules = [id(module) for part in found for module in part.modules]
    assert len(modules) == len(set(modules))
    own = {id(module) for module in loaded.model.modules() if next(module.parameters(recurse=False), None) is not None}
    assert own <= set(modules)
    assert all(part.size == sum(each.numel() for each in part.parameters.values()) for part in found)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_what_lies_below_a_layer_does_not_depend_on_it(backbones: Callable[[str], Path], architecture: str) -> None:
    """The states that go into a layer stay bit-equal when everything from that layer on is changed."""
    loaded = load(backbones(architecture))
    backbone = loaded.model.encoder.backbone
    ids = torch.randint(5, backbone.vocabulary, (3, 9), generator=torch.Generator().manual_seed(1))
    mask = torch.ones_like(ids)
    with torch.no_grad():
        before = backbone(ids, mask, layers=True)
        for depth in (2, 1):
            for part in components(loaded.model):
                for parameter in part.parameters.values() if part.depth == depth else ():
                    parameter.add_(0.1)
            after = backbone(ids, mask, layers=True)
            assert all(torch.equal(after[number], before[number]) for number in range(depth))
            assert not torch.equal(after[-1], before[-1])
            before = after


def test_names_say_what_the_network_calls_them(backbones: Callable[[str], Path]) -> None:
    names = {name for part in components(load(backbones("bert")).model) for name in part.parameters}
    assert {
        "backbone.embeddings.word_embeddings.weight",
        "backbone.encoder.layer.1.attention.self.query.bias",
    } <= names


def test_a_norm_behind_the_layers_learns_with_the_topmost(backbones: Callable[[str], Path]) -> None:
    for architecture, name in (("gpt_neo", "backbone.ln_f.weight"), ("modernbert", "backbone.final_norm.weight")):
        [part] = [each for each in components(load(backbones(architecture)).model) if name in each.parameters]
        assert part.name == "layers.1"


def test_what_all_layers_use_lies_below_them(backbones: Callable[[str], Path]) -> None:
    [embeddings, *_] = components(load(backbones("mpnet")).model)
    assert "backbone.encoder.relative_attention_bias.weight" in embeddings.parameters
    config = DebertaV2Config(**SMALL, relative_attention=True, norm_rel_ebd="layer_norm")
    [embeddings, *_] = of_network(AutoModel.from_config(config))
    assert {"backbone.encoder.rel_embeddings.weight", "backbone.encoder.LayerNorm.weight"} <= set(embeddings.parameters)


def test_layers_that_share_their_weights_are_one(backbones: Callable[[str], Path]) -> None:
    found = of_network(AutoModel.from_config(AlbertConfig(**SMALL, embedding_size=8)))
    assert [part.name for part in found] == ["backbone", "pooler", "pooling"]
