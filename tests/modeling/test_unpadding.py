"""Batches without their padding give what padded ones give, layer by layer."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import ARCHITECTURES, sentences
from polyhead import Polyhead
from polyhead.data.collate import to_inputs
from polyhead.inference.engines.torch import TorchEngine
from polyhead.modeling.encoded import Inputs
from polyhead.modeling.split import below
from polyhead.modeling.unpadding import Unpadding
from polyhead.pretrained import Pretrained, load
from polyhead.pretrained.attention import can_unpad
from polyhead.pretrained.hardware import fast_bf16
from polyhead.text.batches import pad

HANDED_ON = {"bert", "distilbert", "roberta"}


def inputs_of(pretrained: Pretrained, texts: list[str]) -> Inputs:
    return to_inputs(pad(pretrained.tokenizer(texts, offsets=False), pad_id=pretrained.tokenizer.pad_id))


@given(st.lists(st.integers(0, 9), min_size=1, max_size=20).filter(any))
@settings(deadline=None, max_examples=50)
def test_what_is_removed_is_restored(lengths: list[int]) -> None:
    mask = (torch.arange(max(1, *lengths)) < torch.tensor(lengths)[:, None]).long()
    unpadding = Unpadding(mask)
    states = torch.arange(mask.numel() * 2.0).reshape(*mask.shape, 2)
    tokens = unpadding.remove(states)
    assert tokens.shape[1] % 32 == 0
    assert unpadding.tokens == sum(lengths)
    assert torch.equal(unpadding.restore(tokens)[mask.bool()], states[mask.bool()])
    assert sum(group.tokens for group in unpadding.groups) == unpadding.tokens == tokens.shape[1] - unpadding.spare
    assert all(group.spare == 0 for group in unpadding.groups)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_states_are_those_of_padded_batches(backbones: Callable[[str], Path], architecture: str) -> None:
    pretrained = load(backbones(architecture))
    backbone = pretrained.model.eval().encoder.backbone
    assert can_unpad(backbone.network.config) == (architecture in HANDED_ON)
    if architecture not in HANDED_ON:
        return
    inputs = inputs_of(pretrained, [*sentences(12, seed=4), "a", "b", "c", "the river", "Anna", "a <pad> b"])
    real = inputs.attention_mask.bool()
    with torch.no_grad():
        before = backbone(inputs.input_ids, inputs.attention_mask, layers=True)
        lower = below(backbone, inputs.input_ids, inputs.attention_mask, depth=1)
        backbone.unpads = True
        assert backbone.unpadding(inputs.attention_mask) is not None
        after = backbone(inputs.input_ids, inputs.attention_mask, layers=True)
        kept = below(backbone, inputs.input_ids, inputs.attention_mask, depth=1)
    assert len(before) == len(after) == backbone.layers + 1
    for one, two in zip((*before, lower), (*after, kept), strict=True):
        assert one.shape == two.shape
        torch.testing.assert_close(two[real], one[real], atol=2e-5, rtol=2e-5)


def test_batches_with_little_padding_stay_as_they_are(backbones: Callable[[str], Path]) -> None:
    backbone = load(backbones("bert")).model.encoder.backbone
    one_long = (torch.arange(64) < torch.tensor([64, 8, 8, 8])[:, None]).long()
    assert backbone.unpadding(one_long) is None
    backbone.unpads = True
    assert backbone.unpadding(one_long) is not None
    assert backbone.unpadding(torch.ones(8, 16)) is None
    assert backbone.unpadding(one_long[1:2]) is None
    assert backbone.unpadding(torch.zeros(8, 16)) is None


def test_an_engine_leaves_it_out_in_fp32_where_it_is_told_to(minilm: Polyhead) -> None:
    model = Polyhead(minilm.pretrained, dtype="float32", device="cpu")
    texts = sentences(40, seed=6)
    plain = model.encode(texts)
    assert not model.engine.unpads
    model.engine.leave_out_padding()
    assert model.engine.unpads
    assert not minilm.pretrained.model.encoder.backbone.unpads
    np.testing.assert_allclose(model.encode(texts), plain, atol=2e-6)


@pytest.mark.skipif(not fast_bf16(torch.device("cpu")), reason="needs a processor that is fast at bf16")
def test_a_text_is_answered_alike_alone_and_among_others(minilm: Polyhead) -> None:
    model = Polyhead(minilm.pretrained, dtype="bfloat16")
    engine = model.predictor.engine
    assert isinstance(engine, TorchEngine)
    assert engine.model.encoder.backbone.unpads
    assert not minilm.pretrained.model.encoder.backbone.unpads
    texts = sentences(40, seed=5)
    together = model.encode(texts)
    alone = np.stack([model.encode(text) for text in texts])
    fp32 = minilm.encode(texts)
    assert (together * alone).sum(axis=1).min() > 0.9995
    assert (together * fp32).sum(axis=1).min() > 0.9995
