"""On a GPU: the processor's answers, every plan, fork and anchor, a resumed run; skipped where there is none."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from conftest import ARCHITECTURES, sentences
from polyhead import Polyhead, Recipe, load_recipe, train
from polyhead.inference.engines.torch import TorchEngine
from polyhead.kinds.base import FloatArray
from polyhead.pretrained import attention
from polyhead.recipe.run import Watcher
from polyhead.starter import FOLDER
from polyhead.training import Interrupted
from polyhead.training.estimate import peak_memory

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
TEXTS = sentences(60, seed=3)
GPU = torch.device("cuda")
KERNELS: Any = torch.backends.cuda
PLANS: list[Any] = ["full", "probe", "top:1", {"thaw": {"epochs": [2, 3]}}, "bitfit", "lora", {"layer_decay": 0.8}]


def recipe_of(path: Path, backbone: Path, *, embedding: Any = None, **training: Any) -> Recipe:
    """Topics and entities of some starter sentences, three epochs in fp32."""
    given = {"epochs": 3, "batch_size": 16, "learning_rate": 1e-3, "head_learning_rate": 1e-2, "bf16": False}
    document = {
        "model": {"backbone": str(backbone), "max_length": 64},
        "tasks": {"topic": {"kind": "classification"}, "entities": {"kind": "tagging", "word_shapes": True}},
        "data": {
            "all": {
                "format": "jsonl",
                "train": {"path": "train.jsonl", "sample": {"rows": 150}},
                "validation": 0.2,
                "tasks": {"topic": {"label": "topic"}, "entities": {"spans": "entities"}},
            }
        },
        "training": {**given, **training},
        **({"embedding": embedding} if embedding else {}),
    }
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return load_recipe(path, data_root=FOLDER)


def cosines(left: FloatArray, right: FloatArray) -> FloatArray:
    """*Shapes:* (texts, width) twice → (texts,)."""
    product: FloatArray = (left * right).sum(axis=1) / np.linalg.norm(left, axis=1) / np.linalg.norm(right, axis=1)
    return product


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_answers_are_those_of_the_processor(
    backbones: Callable[[str], Path], tmp_path: Path, architecture: str
) -> None:
    model = Polyhead.from_pretrained(backbones(architecture), dtype="float32")
    model.add_head("topic", "classification", ["travel", "politics", "other"])
    model.add_head("entities", "tagging", ["PER", "LOC"], word_shapes=True)
    model.save_pretrained(tmp_path / "model")
    here, there, narrow = (
        Polyhead.from_pretrained(tmp_path / "model", device=device, dtype=dtype)
        for device, dtype in (("cpu", "float32"), ("cuda", "float32"), ("cuda", "bfloat16"))
    )
    vectors = here.encode(TEXTS)
    np.testing.assert_allclose(there.encode(TEXTS), vectors, atol=2e-4)
    for name, logits in here.logits(TEXTS).items():
        np.testing.assert_allclose(there.logits(TEXTS)[name], logits, atol=2e-3)
    assert cosines(narrow.encode(TEXTS), vectors).min() > 0.99


def test_attention_is_not_cudnns(backbones: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def watched(*arguments: Any, **options: Any) -> Any:
        seen.append(KERNELS.cudnn_sdp_enabled())
        return sdpa_attention_forward(*arguments, **options)

    monkeypatch.setattr(attention, "sdpa_attention_forward", watched)
    Polyhead.from_pretrained(backbones("bert"), device="cuda").encode(TEXTS)
    assert seen
    assert not any(seen)


def test_a_gpu_has_one_lane(backbones: Callable[[str], Path]) -> None:
    engine = Polyhead.from_pretrained(backbones("bert"), device="cuda").predictor.engine
    assert isinstance(engine, TorchEngine)
    assert engine.lanes == 1


@pytest.mark.parametrize("plan", PLANS, ids=str)
def test_every_plan_learns(backbones: Callable[[str], Path], tmp_path: Path, plan: Any) -> None:
    result = train(recipe_of(tmp_path / "r.yaml", backbones("bert"), plan=plan), tmp_path / "run", device="cuda")
    losses = [each.loss for each in result.evaluations]
    assert losses[-1] < losses[0]
    model = Polyhead.from_pretrained(tmp_path / "run", device="cuda", dtype="float32")
    assert np.isfinite(model.encode(TEXTS)).all()
    assert peak_memory(GPU) > 0


def test_kept_activations_change_nothing(backbones: Callable[[str], Path], tmp_path: Path) -> None:
    found = {}
    for cache in (True, False):
        recipe = recipe_of(tmp_path / "r.yaml", backbones("bert"), plan="probe", cache=cache)
        found[cache] = train(recipe, tmp_path / f"run-{cache}", device="cuda")
    kept, plain = ([each.loss for each in found[cache].evaluations] for cache in (True, False))
    np.testing.assert_allclose(kept, plain, rtol=1e-3)


@pytest.mark.parametrize("mode", ["fork", "anchor"])
def test_the_embedding_is_kept(backbones: Callable[[str], Path], tmp_path: Path, mode: str) -> None:
    before = Polyhead.from_pretrained(backbones("bert"), device="cuda", dtype="float32").encode(TEXTS)
    embedding = {"mode": "fork", "top": 1} if mode == "fork" else {"mode": "anchor", "weight": 10.0}
    train(recipe_of(tmp_path / "r.yaml", backbones("bert"), embedding=embedding), tmp_path / "run", device="cuda")
    after = Polyhead.from_pretrained(tmp_path / "run", device="cuda", dtype="float32").encode(TEXTS)
    if mode == "fork":
        assert np.array_equal(after, before)
    else:
        assert 0.9 < cosines(after, before).min() < 1


def test_a_resumed_run_ends_where_the_other_does(backbones: Callable[[str], Path], tmp_path: Path) -> None:
    """Up to the order in which a GPU adds."""
    recipe = recipe_of(tmp_path / "r.yaml", backbones("bert"), save_steps=2)
    whole = train(recipe, tmp_path / "whole", device="cuda")
    steps = 0

    def stop() -> bool:
        nonlocal steps
        steps += 1
        return steps == 9

    with pytest.raises(Interrupted):
        train(recipe, tmp_path / "parts", device="cuda", watcher=Watcher(should_stop=stop))
    parts = train(recipe, tmp_path / "parts", device="cuda", resume=True)
    resumed, straight = ([each.loss for each in result.evaluations] for result in (parts, whole))
    np.testing.assert_allclose(resumed, straight, rtol=2e-2)


@pytest.mark.parametrize("precision", [{"bf16": True}, {"bf16": "auto", "fp16": True}], ids=["bf16", "fp16"])
def test_narrow_numbers_learn(backbones: Callable[[str], Path], tmp_path: Path, precision: dict[str, Any]) -> None:
    recipe = recipe_of(tmp_path / "r.yaml", backbones("bert"), **precision)
    result = train(recipe, tmp_path / "run", device="cuda")
    assert result.evaluations[-1].loss < result.evaluations[0].loss
