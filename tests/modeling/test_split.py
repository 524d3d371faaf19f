"""A backbone in two parts gives what it gives in one, in every architecture, with the same gradients."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from conftest import ARCHITECTURES
from polyhead import Polyhead
from polyhead.modeling.backbone import Backbone
from polyhead.modeling.split import Above, below
from polyhead.pretrained import load


def batch(backbone: Backbone) -> tuple[torch.Tensor, torch.Tensor]:
    ids = torch.randint(5, backbone.vocabulary, (4, 11), generator=torch.Generator().manual_seed(3))
    mask = (torch.arange(11) < torch.tensor([11, 3, 7, 1])[:, None]).long()
    return ids * mask, mask


def assert_the_same_where_real(one: torch.Tensor, other: torch.Tensor, mask: torch.Tensor) -> None:
    torch.testing.assert_close(one[mask == 1], other[mask == 1], atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_both_parts_together_are_the_whole(backbones: Callable[[str], Path], architecture: str) -> None:
    backbone = load(backbones(architecture)).model.encoder.backbone.eval()
    ids, mask = batch(backbone)
    with torch.no_grad():
        whole = backbone(ids, mask, layers=True)
        for depth in range(1, backbone.layers + 1):
            states = below(backbone, ids, mask, depth=depth)
            assert torch.equal(states, whole[depth])
            assert_the_same_where_real(Above(backbone, depth=depth)(states, mask), whole[-1], mask)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_gradients_of_the_upper_part_are_the_whole_s(backbones: Callable[[str], Path], architecture: str) -> None:
    backbone = load(backbones(architecture)).model.encoder.backbone.eval()
    ids, mask = batch(backbone)
    upper = dict(backbone.layer_list()[1].named_parameters())
    states = below(backbone, ids, mask, depth=1).detach()
    gradients = []
    for last in (backbone(ids, mask)[-1], Above(backbone, depth=1)(states, mask)):
        backbone.zero_grad()
        (last[mask == 1] ** 2).sum().backward()
        gradients.append({name: each.grad.clone() for name, each in upper.items() if each.grad is not None})
    assert gradients[0].keys() == gradients[1].keys() != set()
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient, atol=1e-4, rtol=1e-4, msg=name)


def test_the_layers_above_do_not_run_for_the_states_below(minilm: Polyhead) -> None:
    backbone = minilm.pretrained.model.encoder.backbone
    ran: list[int] = []
    handles = [
        layer.register_forward_hook(lambda *_, number=number: ran.append(number))
        for number, layer in enumerate(backbone.layer_list())
    ]
    ids, mask = batch(backbone)
    with torch.no_grad():
        states = below(backbone, ids, mask, depth=4)
        assert ran == [0, 1, 2, 3]
        above = Above(backbone, depth=4)
        ran.clear()
        above(states, mask)
        assert ran == [4, 5]
    for handle in handles:
        handle.remove()


def test_the_backbone_is_left_as_it_is(minilm: Polyhead) -> None:
    backbone = minilm.pretrained.model.encoder.backbone
    names = [name for name, _ in backbone.named_modules()]
    ids, mask = batch(backbone)
    with torch.no_grad():
        before = backbone(ids, mask)[-1]
        above = Above(backbone, depth=3)
        above(torch.zeros(4, 11, backbone.hidden), mask)
        assert torch.equal(backbone(ids, mask)[-1], before)
    assert [name for name, _ in backbone.named_modules()] == names


def test_layers_may_change_under_it(backbones: Callable[[str], Path]) -> None:
    """The upper layers are the backbone's own, so what they learn is what is run."""
    backbone = load(backbones("bert")).model.encoder.backbone.eval()
    ids, mask = batch(backbone)
    above = Above(backbone, depth=1)
    with torch.no_grad():
        states = below(backbone, ids, mask, depth=1)
        for parameter in backbone.layer_list()[1].parameters():
            parameter.add_(0.05)
        assert_the_same_where_real(above(states, mask), backbone(ids, mask)[-1], mask)
