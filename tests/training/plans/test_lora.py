"""LoRA against peft itself: what is saved merged, and what is saved apart, are the same model."""

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from transformers import AutoModel, AutoTokenizer

from polyhead import Polyhead
from polyhead.data.example import DataSet, Example
from polyhead.kinds import ClassificationTask
from polyhead.pretrained import Pretrained, load
from polyhead.training import TrainingSettings, train
from polyhead.training.plans import Lora
from polyhead.training.plans.lora import adapters, add_adapters, merged, remove_adapters

TEXTS = ["the boat is late", "a fine soup", "the train is late", "the soup is cold", "a boat", "fine"]


def taught(backbone: Path, folder: Path) -> Pretrained:
    loaded = load(backbone)
    loaded.add_head("topic", ClassificationTask(labels=("food", "travel")))
    rows = [Example(text, {"topic": "food" if "soup" in text else "travel"}) for text in TEXTS * 4]
    settings = TrainingSettings.model_validate(
        {"epochs": 3, "batch_size": 4, "plan": {"lora": {"rank": 4}}, "learning_rate": 0.01, "bf16": False}
    )
    train(loaded, [DataSet("rows", rows, rows)], settings, folder=folder)
    return loaded


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing.:FutureWarning")  # peft asks, transformers warns
@pytest.mark.parametrize("architecture", ["bert", "modernbert", "gpt_neo"])
def test_the_merged_model_and_peft_s_agree(backbones: Callable[[str], Path], tmp_path: Path, architecture: str) -> None:
    loaded = taught(backbones(architecture), tmp_path)
    tokens = AutoTokenizer.from_pretrained(backbones(architecture))(TEXTS[0], return_tensors="pt")
    plain = AutoModel.from_pretrained(backbones(architecture)).eval()
    with torch.no_grad():
        untouched = plain(**tokens).last_hidden_state
        saved = AutoModel.from_pretrained(tmp_path / "model").eval()(**tokens).last_hidden_state
        theirs = PeftModel.from_pretrained(plain, str(tmp_path / "adapter")).eval()(**tokens).last_hidden_state
    torch.testing.assert_close(saved, theirs, atol=1e-5, rtol=1e-4)
    assert (saved - untouched).abs().max() > 0.01
    assert not adapters(loaded.model)
    assert loaded.encoder_hash() == load(tmp_path / "model").encoder_hash()


def test_all_but_the_layers_linear_weights_stays_bit_equal(backbones: Callable[[str], Path], tmp_path: Path) -> None:
    before = dict(load(backbones("bert")).model.named_parameters())
    loaded = taught(backbones("bert"), tmp_path)
    moved = {
        name
        for name, parameter in loaded.model.named_parameters()
        if name in before and not torch.equal(parameter, before[name])
    }
    linear = ("query", "key", "value", "dense")
    assert moved == {
        name for name in before if ".layer." in name and name.endswith("weight") and name.split(".")[-2] in linear
    }


def test_at_first_nothing_changes_and_removing_brings_it_back(minilm: Polyhead) -> None:
    model = minilm.pretrained.model
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    other = model.with_backbone(copy.deepcopy(model.encoder.backbone))
    add_adapters(other, Lora(rank=2), seed=1)
    assert len(adapters(other)) == 6 * 6
    assert all(torch.equal(tensor, before[name]) for name, tensor in merged(other).state_dict().items())
    remove_adapters(other)
    assert other.state_dict().keys() == before.keys()
