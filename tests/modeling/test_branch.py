"""A branch begins as what it copies, learns alone, and leaves the embedding bit for bit as it is."""

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from conftest import ARCHITECTURES
from polyhead.kinds import ClassificationTask, TaggingTask
from polyhead.modeling.branch import Branch
from polyhead.modeling.components import components
from polyhead.modeling.encoded import Inputs
from polyhead.pretrained import Pretrained, load
from polyhead.pretrained.computing import computing_model


def inputs(pretrained: Pretrained) -> Inputs:
    size = pretrained.model.encoder.backbone.vocabulary
    ids = torch.randint(5, size, (4, 11), generator=torch.Generator().manual_seed(3))
    mask = (torch.arange(11) < torch.tensor([11, 3, 7, 1])[:, None]).long()
    return Inputs(ids * mask, mask, mask)


def forked(folder: Path, *, depth: int = 1) -> Pretrained:
    pretrained = load(folder)
    encoder = pretrained.model.encoder
    pretrained.model.set_branch("fork", Branch(encoder.backbone, encoder.pooling, depth=depth))
    torch.manual_seed(1)
    pretrained.add_head("plain", ClassificationTask(labels=("a", "b")))
    pretrained.add_head("topic", ClassificationTask(labels=("a", "b"), layers="mix"), branch="fork")
    pretrained.add_head("words", TaggingTask(labels=("X",)), branch="fork")
    pretrained.model.eval()
    return pretrained


@pytest.mark.parametrize("depth", [0, 1])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_an_untouched_branch_gives_what_the_encoder_gives(
    backbones: Callable[[str], Path], architecture: str, depth: int
) -> None:
    pretrained = forked(backbones(architecture), depth=depth)
    given = inputs(pretrained)
    with torch.no_grad():
        encoded, views = pretrained.model.views(given, ["plain", "topic", "words"])
        alone = pretrained.model.encoder(given, layers=True)
    real = given.attention_mask == 1
    assert views["plain"] is encoded
    assert torch.equal(encoded.embedding, alone.embedding)
    branched = views["topic"]
    assert branched is views["words"]
    assert branched.embedding is encoded.embedding
    torch.testing.assert_close(branched.tokens[real], alone.tokens[real], atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(branched.pooled, alone.pooled, atol=1e-6, rtol=1e-5)
    for own, other in zip(branched.layers, alone.layers, strict=True):
        torch.testing.assert_close(own[real], other[real], atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_only_the_branch_moves(backbones: Callable[[str], Path], architecture: str) -> None:
    pretrained = forked(backbones(architecture))
    model, given = pretrained.model, inputs(pretrained)
    with torch.no_grad():
        before = model.encoder(given).embedding
        words = model(given, ["words"]).logits["words"]
    view = model.through("fork")
    assert list(view.heads) == ["topic", "words"]
    own = {id(value) for value in model.branches["fork"].parameters()}
    fixed = {id(value) for part in components(view) if part.fixed for value in part.parameters.values()}
    free = {id(value) for part in components(view) if not part.fixed for value in part.parameters.values()}
    assert not own & fixed
    assert own <= free
    assert not free & {id(value) for value in model.encoder.parameters()}
    with torch.no_grad():
        for parameter in model.branches["fork"].parameters():
            parameter.add_(0.1)
        assert torch.equal(model.encoder(given).embedding, before)
        after = model(given, ["words"]).logits["words"]
        through = view(given, ["words"]).logits["words"]
    assert not torch.allclose(after, words)
    real = given.attention_mask == 1
    torch.testing.assert_close(through[real], after[real], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_states_are_counted_once_however_often_both_ways_are_gone(
    backbones: Callable[[str], Path], architecture: str
) -> None:
    pretrained = forked(backbones(architecture))
    model, given = pretrained.model, inputs(pretrained)
    with torch.no_grad():
        for _ in range(3):
            assert len(model.encoder(given, layers=True).layers) == 3
            assert len(model.through("fork").encoder(given, layers=True).layers) == 3
        _, views = model.views(given, ["topic"])
    assert len(views["topic"].layers) == 3


def test_a_deep_copy_shares_its_lower_layers_with_its_own_backbone(backbones: Callable[[str], Path]) -> None:
    pretrained = forked(backbones("bert"))
    given = inputs(pretrained)
    copied = copy.deepcopy(pretrained.model)
    with torch.no_grad():
        for parameter in copied.encoder.backbone.layer_list()[0].parameters():
            parameter.zero_()
        one, other = (model(given, ["words"]).logits["words"] for model in (pretrained.model, copied))
    assert not torch.equal(one, other)


@pytest.mark.parametrize("architecture", ["bert", "modernbert"])
def test_the_computing_copy_takes_the_branch_along(backbones: Callable[[str], Path], architecture: str) -> None:
    pretrained = forked(backbones(architecture))
    with torch.no_grad():
        for parameter in pretrained.model.branches["fork"].parameters():
            parameter.add_(0.05)
        given = inputs(pretrained)
        copied = computing_model(pretrained.model, dtype=torch.bfloat16)
        exact, close = pretrained.model(given).logits, copied(given).logits
    real = given.attention_mask == 1
    for name in ("plain", "topic"):
        torch.testing.assert_close(close[name].float(), exact[name], atol=0.1, rtol=0.1)
    difference = (close["words"].float() - exact["words"])[real].norm() / exact["words"][real].norm()
    assert difference < 0.05
    assert not torch.equal(close["words"].float(), exact["words"])
