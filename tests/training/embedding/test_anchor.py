"""The anchor's loss, the originals that it is held against, and what it keeps."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some

from conftest import sentences
from polyhead import Polyhead, UserError
from polyhead.data.example import DataSet, Example
from polyhead.data.pairs import Pairs
from polyhead.kinds import ClassificationTask, SimilarityTask
from polyhead.pretrained import Pretrained, load
from polyhead.training import Callbacks, EmbeddingSettings, Keeping, TrainingResult, TrainingSettings, train
from polyhead.training.activations.lower import Reading
from polyhead.training.embedding import monitor
from polyhead.training.embedding.loss import anchor_loss
from polyhead.training.embedding.originals import UNLABELLED, Originals
from polyhead.training.embedding.vectors import embeddings
from polyhead.training.prepare import prepare

SETTINGS = TrainingSettings(epochs=3, batch_size=8, learning_rate=3e-3, head_learning_rate=1e-2, bf16=False)


def rows(count: int, seed: int = 0) -> list[Example]:
    return [Example(text, {"topic": "ab"[number % 2]}) for number, text in enumerate(sentences(count, seed=seed))]


def model_of(folder: Path) -> Pretrained:
    torch.manual_seed(3)
    pretrained = load(folder)
    pretrained.add_head("topic", ClassificationTask(labels=("a", "b")))
    return pretrained


def test_the_loss_is_the_formula_s() -> None:
    now, before = torch.randn(5, 4, dtype=torch.float64), torch.randn(5, 4, dtype=torch.float64)
    one, other = (each / each.norm(dim=1, keepdim=True) for each in (now, before))
    moved = sum(1 - float(one[row] @ other[row]) for row in range(5))
    squares = [(float(one[i] @ one[j]) - float(other[i] @ other[j])) ** 2 for i in range(5) for j in range(5) if i != j]
    assert float(anchor_loss(now, before)) == pytest.approx(moved + 16 * 5 * sum(squares) / 20, rel=1e-5)


@given(some.integers(1, 9), some.integers(0, 50), some.floats(0.2, 9))
def test_what_has_not_moved_costs_nothing_whatever_its_length(texts: int, seed: int, scale: float) -> None:
    vectors = torch.randn(texts, 6, generator=torch.Generator().manual_seed(seed))
    assert float(anchor_loss(scale * vectors, vectors)) == pytest.approx(0, abs=1e-4)
    assert float(anchor_loss(-vectors, vectors)) == pytest.approx(2 * texts, rel=1e-4)


@pytest.mark.parametrize("cached", [False, True])
def test_originals_are_what_the_model_encoded_before(
    backbones: Callable[[str], Path], tmp_path: Path, cached: bool
) -> None:
    """Whichever row, first texts and second ones, with a projection and without what is kept of frozen layers."""
    pretrained = load(backbones("mpnet"))
    pretrained.add_head("alike", SimilarityTask(range=(0, 1)))
    texts = sentences(30)
    examples = [Example(texts[n], {"alike": n % 2}, others=(texts[n - 1],)) for n in range(30)]
    data = [DataSet("pairs", examples)]
    prepared = prepare(pretrained, data, SETTINGS, "cpu")
    originals = Originals(pretrained.model, Reading.of(pretrained), data, dtype=torch.float32, folder=tmp_path)
    model = Polyhead(pretrained, dtype="float32")
    for draw in prepared.sampler.steps(1):
        batch = originals.beside(prepared.collate(draw[0].examples(data)), draw[0], "pairs")
        own = draw[0].examples(data)
        expected = model.encode([row.text for row in own] + [row.others[0] for row in own])
        assert batch.originals is not None
        np.testing.assert_allclose(batch.originals.numpy(), expected, atol=1e-5)
        assert batch.counts["embedding"] == 2 * len(own)


def trained(
    folder: Path, backbone: Path, keeping: Keeping, settings: TrainingSettings = SETTINGS
) -> tuple[Polyhead, TrainingResult]:
    pretrained = model_of(backbone)
    data = [DataSet("rows", rows(64), rows(24, seed=9))]
    result = train(pretrained, data, settings, folder=folder, keeping=keeping)
    return Polyhead(pretrained, dtype="float32"), result


def kept(model: Polyhead, backbone: Path, texts: Sequence[str]) -> float:
    original = Polyhead.from_pretrained(backbone, dtype="float32")
    report = model.evaluate_embedding(texts=texts, original=original)
    assert report.drift is not None
    assert report.drift.cosine is not None
    return report.drift.cosine


def test_it_holds_the_embedding_on_its_texts_and_on_unlabelled_ones(
    backbones: Callable[[str], Path], tmp_path: Path
) -> None:
    backbone, other = backbones("bert"), sentences(80, seed=31)
    free, plain = trained(tmp_path / "free", backbone, Keeping())
    settings = EmbeddingSettings(mode="anchor", weight=3.0)
    held, _ = trained(tmp_path / "held", backbone, Keeping(settings))
    wider, result = trained(tmp_path / "wider", backbone, Keeping(settings, texts=other))
    own = [row.text for row in rows(64)]
    assert kept(held, backbone, own) > kept(free, backbone, own) + 0.02
    assert kept(wider, backbone, other) > kept(free, backbone, other) + 0.02
    assert plain.best.embedding is not None
    assert result.best.embedding is not None
    assert result.evaluations[-1].step == 3 * (8 + 10)  # the unlabelled texts are steps of their own
    assert "embedding" in result.evaluations[-1].train_losses
    assert not (tmp_path / "held" / "originals").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {"plan": "top:1"},
        {"plan": "bitfit"},
        {"plan": "lora"},
        {"plan": "lora", "bf16": True},
        {"plan": {"probe-then-full": {"epoch": 2}}},
        {"plan": {"thaw": {}}},
        *({"sampling": name} for name in ("alternating", "round_robin", "temperature")),
        {"plan": "lora", "sampling": "alternating", "gradient_accumulation_steps": 2},
        {"layer_decay": 0.5},
    ],
    ids=str,
)
def test_it_holds_with_every_plan_and_sampler(
    backbones: Callable[[str], Path], tmp_path: Path, changes: dict[str, Any]
) -> None:
    backbone, other = backbones("bert"), sentences(24, seed=31)
    given = {**SETTINGS.model_dump(exclude={"plan"}), **({"plan": changes} if "layer_decay" in changes else changes)}
    settings = TrainingSettings(**given)
    _, free = trained(tmp_path / "free", backbone, Keeping(texts=other), settings)
    anchor = Keeping(EmbeddingSettings(mode="anchor", weight=10.0), texts=other)
    _, held = trained(tmp_path / "held", backbone, anchor, settings)
    assert last_cosine(held) > last_cosine(free) + 0.001
    assert "embedding" in held.evaluations[-1].train_losses


def last_cosine(result: TrainingResult) -> float:
    """What the last evaluation said of the embedding, whichever was kept."""
    report = result.evaluations[-1].embedding
    assert report is not None
    assert report.drift is not None
    assert report.drift.cosine is not None
    return report.drift.cosine


def test_unlabelled_texts_without_an_anchor_are_only_measured(backbones: Callable[[str], Path], tmp_path: Path) -> None:
    texts = sentences(20, seed=4)
    _, result = trained(tmp_path / "run", backbones("bert"), Keeping(texts=texts))
    report = result.best.embedding
    assert report is not None
    assert (report.texts, report.pairs) == (20, 0)
    assert result.evaluations[-1].step == 3 * 8


def test_a_probe_is_measured_once_and_has_moved_nothing(
    backbones: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def counted(*given: Any) -> Any:
        calls.append(1)
        return embeddings(*given)

    monkeypatch.setattr(monitor, "embeddings", counted)
    settings = SETTINGS.model_copy(update={"plan": TrainingSettings(plan="probe").plan})
    _, result = trained(tmp_path / "run", backbones("bert"), Keeping(), settings)
    report = result.best.embedding
    assert report is not None
    assert report.drift is not None
    assert report.drift.cosine == pytest.approx(1, abs=1e-6)
    assert len(calls) == 1


def test_originals_are_bounded_and_said(backbones: Callable[[str], Path], tmp_path: Path) -> None:
    """64 texts of 32 numbers, 4 bytes each."""
    pretrained, said = model_of(backbones("bert")), list[str]()
    width = pretrained.model.encoder.backbone.hidden
    data, keeping = [DataSet("rows", rows(64))], Keeping(EmbeddingSettings(mode="anchor"))
    small = SETTINGS.model_copy(update={"cache_gb": (64 * width * 4 - 1) / 1e9})
    with pytest.raises(UserError, match=r"^embedding\.mode: anchor keeps .* and training\.cache_gb is .*; raise it"):
        train(pretrained, data, small, folder=tmp_path / "small", keeping=keeping)
    enough = SETTINGS.model_copy(update={"cache_gb": 64 * width * 4 / 1e9})
    callbacks = Callbacks(on_note=said.append)
    train(pretrained, data, enough, folder=tmp_path / "enough", keeping=keeping, callbacks=callbacks)
    assert any(line.startswith("cache: ") and "of original embeddings in" in line for line in said)


def test_a_folder_that_runs_share_holds_no_more_of_them(backbones: Callable[[str], Path], tmp_path: Path) -> None:
    pretrained = model_of(backbones("bert"))
    for seed in range(3):
        data = [DataSet("rows", rows(64, seed=seed))]
        limit = 64 * pretrained.model.encoder.backbone.hidden * 4
        reading = Reading.of(pretrained)
        Originals(pretrained.model, reading, data, dtype=torch.float32, folder=tmp_path, limit=limit)
        assert len([*tmp_path.iterdir()]) == 1


def test_gate_keeps_the_best_of_those_that_hold(backbones: Callable[[str], Path], tmp_path: Path) -> None:
    texts = sentences(40, seed=6)
    _, free = trained(tmp_path / "free", backbones("bert"), Keeping(texts=texts))
    drops = [each.embedding.drop for each in free.evaluations if each.embedding is not None]
    assert all(drop is not None for drop in drops)
    between = (drops[0] + drops[-1]) / 2  # type: ignore[operator]
    gated, result = trained(
        tmp_path / "gated", backbones("bert"), Keeping(EmbeddingSettings(max_drop=between), texts=texts)
    )
    assert [each.held for each in result.evaluations] == [drop <= between for drop in drops]  # type: ignore[operator]
    assert result.held
    assert result.best.held
    assert gated.pretrained.embedding == result.best.embedding.as_dict()  # type: ignore[union-attr]


def test_none_that_holds_is_said(backbones: Callable[[str], Path], tmp_path: Path) -> None:
    from polyhead.training import Callbacks

    lines: list[str] = []
    pretrained = model_of(backbones("bert"))
    result = train(
        pretrained,
        [DataSet("rows", rows(64), rows(24, seed=9))],
        SETTINGS,
        folder=tmp_path,
        callbacks=Callbacks(on_note=lines.append),
        keeping=Keeping(EmbeddingSettings(max_drop=0.0), texts=sentences(30, seed=2)),
    )
    drops = [each.embedding.drop for each in result.evaluations if each.embedding is not None]
    assert not result.held
    assert result.best.embedding is not None
    assert result.best.embedding.drop == min(drops)  # type: ignore[type-var]
    assert any("no evaluation held the embedding within 0" in line for line in lines)


def test_a_gate_holds_without_a_score_too(backbones: Callable[[str], Path], tmp_path: Path) -> None:
    """Without validation data every evaluation counts as the best so far, but not one that lost the embedding."""
    pretrained = model_of(backbones("bert"))
    plan = TrainingSettings.model_validate({"plan": {"probe-then-full": {"epoch": 2}}}).plan
    result = train(
        pretrained,
        [DataSet("rows", rows(64))],
        SETTINGS.model_copy(update={"plan": plan}),
        folder=tmp_path,
        keeping=Keeping(EmbeddingSettings(max_drop=1e-3), texts=sentences(30, seed=2)),
    )
    assert [each.held for each in result.evaluations] == [True, False, False]
    assert result.best.epoch == 1


@pytest.mark.parametrize(
    ("settings", "plan", "says"),
    [
        ({"max_drop": 0.1}, "full", "no text to measure"),
        ({"interpolate": True}, "full", "chooses by validation data"),
        ({"interpolate": True}, "probe", "embedding.interpolate"),
    ],
)
def test_what_cannot_be_is_refused(
    backbones: Callable[[str], Path], tmp_path: Path, settings: dict[str, Any], plan: Any, says: str
) -> None:
    own = TrainingSettings.model_validate({**SETTINGS.model_dump(exclude={"plan"}), "plan": plan})
    keeping = Keeping(EmbeddingSettings.model_validate(settings))
    with pytest.raises(UserError, match=says):
        train(model_of(backbones("bert")), [DataSet("rows", rows(16))], own, folder=tmp_path / "run", keeping=keeping)
    assert not (tmp_path / "run").exists()


def test_pairs_measure_and_gate(backbones: Callable[[str], Path], tmp_path: Path) -> None:
    left, right = sentences(30, seed=1), sentences(30, seed=2)
    pairs = Pairs(left, right, np.random.default_rng(0).normal(size=30))
    _, result = trained(tmp_path / "run", backbones("bert"), Keeping(EmbeddingSettings(max_drop=2.0), pairs=pairs))
    report = result.best.embedding
    assert report is not None
    assert report.spearman is not None
    assert report.spearman_before is not None
    original = Polyhead.from_pretrained(backbones("bert"), dtype="float32").evaluate_embedding(pairs)
    assert report.spearman_before == pytest.approx(original.spearman, abs=1e-4)
    assert result.held
    assert UNLABELLED not in result.best.losses
