"""Mixtures of start and end weights: what each is, which is kept, and a run that is killed among them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from test_fork import recipe_of
from transformers import AutoModel

from polyhead import Polyhead, UserError, train
from polyhead.pretrained import save
from polyhead.recipe.run import Watcher
from polyhead.training import mixing
from polyhead.training.embedding.mixtures import SHARES, keep_weights, mix, read_weights

MIXED = {"interpolate": True, "max_drop": 0.02}


def test_a_mixture_is_the_line_between(tmp_path: Path) -> None:
    model = torch.nn.Linear(3, 2)
    start = {name: value.clone() for name, value in model.state_dict().items()}
    end = {name: value + torch.randn_like(value) for name, value in start.items()}
    for share in (0.0, 0.3, 1.0):
        mix(model, start, end, share)
        for name, value in model.state_dict().items():
            torch.testing.assert_close(value, (1 - share) * start[name] + share * end[name])
    keep_weights(model, tmp_path / "kept")
    assert all(torch.equal(value, end[name]) for name, value in read_weights(tmp_path / "kept").items())
    with pytest.raises(UserError, match="needs the weights kept there"):
        read_weights(tmp_path / "nowhere")


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing.:FutureWarning")  # peft asks, transformers warns
@pytest.mark.parametrize("plan", ["full", "lora", {"probe-then-full": {"epoch": 2}}], ids=str)
def test_the_best_that_holds_is_kept(backbones: Callable[[str], Path], tmp_path: Path, plan: Any) -> None:
    recipe = recipe_of(tmp_path / "r.yaml", backbones("bert"), embedding=MIXED, plan=plan, epochs=3, learning_rate=5e-4)
    result = train(recipe, tmp_path / "run")
    assert [each.share for each in result.mixtures] == list(SHARES)
    held = [each for each in result.mixtures if each.drop is not None and each.drop <= 0.02]
    assert held, "the nearest mixtures are nearly the original"
    assert result.held
    assert result.best.score == max(each.score for each in held)
    saved = json.loads((tmp_path / "run" / "result.json").read_text())
    assert saved["mixtures"][-1]["share"] == 1.0
    assert saved["embedding_held"] is True
    model = Polyhead.from_pretrained(tmp_path / "run", dtype="float32")
    if plan == "lora":
        assert result.best.embedding is not None
        share = next(each.share for each in result.mixtures if each.score == result.best.score)
        adapted = PeftModel.from_pretrained(AutoModel.from_pretrained(backbones("bert")), tmp_path / "run" / "adapter")
        own = model.pretrained.model.encoder.backbone.network.state_dict()
        for name, value in adapted.merge_and_unload().state_dict().items():
            if name in own:
                torch.testing.assert_close(own[name], value, atol=1e-6, rtol=1e-5)
        assert share < 1
    assert model.pretrained.embedding is not None
    assert result.best.embedding is not None
    assert model.pretrained.embedding == result.best.embedding.as_dict()
    assert not (tmp_path / "run" / "start").exists()
    assert not (tmp_path / "run" / "end").exists()


def test_a_run_that_ended_before_its_encoder_learnt_says_so(backbones: Callable[[str], Path], tmp_path: Path) -> None:
    notes: list[str] = []
    plan = {"probe-then-full": {"epoch": 3}}
    recipe = recipe_of(tmp_path / "r.yaml", backbones("bert"), embedding=MIXED, plan=plan)
    result = train(recipe, tmp_path / "run", watcher=Watcher(on_note=notes.append))
    assert not result.mixtures
    assert any("ended before its encoder began to learn" in line for line in notes)


def test_a_run_killed_among_mixtures_ends_as_one_that_was_not(
    backbones: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = recipe_of(tmp_path / "r.yaml", backbones("bert"), embedding=MIXED)
    whole = train(recipe, tmp_path / "whole")
    saves: list[int] = []

    def killed(*given: Any) -> None:
        real(*given)
        saves.append(1)
        raise SystemExit("killed")

    real = save
    monkeypatch.setattr(mixing, "save", killed)
    with pytest.raises(SystemExit):
        train(recipe, tmp_path / "run")
    monkeypatch.setattr(mixing, "save", real)
    again = train(recipe, tmp_path / "run", resume=True)
    assert saves == [1]
    assert again.mixtures == whole.mixtures
    one, two = (Polyhead.from_pretrained(tmp_path / name).pretrained.model for name in ("whole", "run"))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
