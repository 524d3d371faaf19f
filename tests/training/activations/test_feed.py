"""Training on kept activations: the same batches, the same result as without; what cannot be kept is not."""

import json
import re
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from conftest import ARCHITECTURES, sentences
from polyhead import UserError
from polyhead.data.example import DataSet, Example
from polyhead.folder.settings import ProjectionSettings
from polyhead.kinds import (
    ClassificationTask,
    EntitySpan,
    MultilabelTask,
    PairsTask,
    RegressionTask,
    SimilarityTask,
    TaggingTask,
    Task,
)
from polyhead.pretrained import DEFAULT_BACKBONE, Pretrained, load
from polyhead.training import Callbacks, TrainingSettings, train
from polyhead.training.activations.boundaries import boundaries
from polyhead.training.activations.store import make_room, opened
from polyhead.training.prepare import check_settings, feed_of, prepare
from polyhead.training.run import ACTIVATIONS
from polyhead.training.sampling import Draw

TEXTS = [text[:60].strip() or "x" for text in sentences(40, seed=8)]
TASKS: dict[str, Task] = {
    "long": ClassificationTask(labels=("no", "yes")),
    "letters": MultilabelTask(labels=("a", "e"), input="embedding"),
    "size": RegressionTask(range=(0, 60)),
    "start": ClassificationTask(labels=("low", "high"), input="cls"),
    "names": TaggingTask(labels=("N",), word_shapes=True),
    "same": ClassificationTask(labels=("other", "same"), pair=True),
    "alike": SimilarityTask(range=(0, 1)),
}


def data() -> list[DataSet]:
    """Three sets: heads that read pooled vectors, heads that read token states, and rows of several texts."""
    plain, tokens, pairs = [], [], []
    for number, text in enumerate(TEXTS):
        labels: dict[str, Any] = {"long": "yes" if len(text) > 30 else "no", "size": float(len(text))}
        if number % 3:
            labels["letters"] = tuple(letter for letter in "ae" if letter in text)
        plain.append(Example(text, labels))
        first = text.split(" ")[0]
        spans = (EntitySpan(0, len(first), "N"),)
        start = {"start": "low" if text[0].lower() < "m" else "high"}
        tokens.append(Example(text, {**start, "names": spans} if number % 2 else start))
        same = number % 2 == 0
        other = text if same else TEXTS[number - 1]
        labels = {"same": "same" if same else "other", "alike": float(same)}
        pairs.append(Example(text, labels if number % 5 else {}, others=(other,)))
    return [
        DataSet(name, rows[:28], rows[28:]) for name, rows in (("plain", plain), ("tokens", tokens), ("pairs", pairs))
    ]


def model_of(folder: Path, **changes: Any) -> Pretrained:
    torch.manual_seed(1)
    wanted = {"max_length": 32, "projection": ProjectionSettings(12), **changes}
    loaded = load(folder, change=lambda settings: replace(settings, **wanted))
    for name, task in TASKS.items():
        loaded.add_head(name, task)
    return loaded


def settings_of(**changes: Any) -> TrainingSettings:
    values: dict[str, Any] = {
        "epochs": 2,
        "batch_size": 6,
        "learning_rate": 2e-3,
        "head_learning_rate": 1e-2,
        "bf16": False,
    }
    values |= {"score": "loss"}  # of metrics two epochs may have the same, and float noise decides
    return TrainingSettings.model_validate({**values, "plan": "probe", **changes})


def trained(
    folder: Path, model: Pretrained, settings: TrainingSettings
) -> tuple[dict[str, Any], list[dict[str, float]]]:
    result = train(model, data(), settings, folder=folder)
    assert not (folder / ACTIVATIONS).exists()
    weights = {name: tensor.clone() for name, tensor in model.model.state_dict().items()}
    return weights, [dict(each.losses) for each in result.evaluations]


NO_GRADIENT = ("key.bias", ".k.bias", "k_lin.bias", "score.bias")
"""A softmax does not see them: their gradients are float noise, of which Adam makes steps of full size."""


def assert_the_same(weights: dict[str, torch.Tensor], others: dict[str, torch.Tensor]) -> None:
    """But for one number in 500: where a gradient happens to be float noise, Adam makes steps of full size, too."""
    for name, tensor in weights.items():
        if not name.endswith(NO_GRADIENT):
            apart = ~torch.isclose(tensor, others[name], atol=2e-4, rtol=1e-3)
            assert int(apart.sum()) <= tensor.numel() / 500, f"{name}: {int(apart.sum())} of {tensor.numel()}"
            torch.testing.assert_close(tensor, others[name], atol=2e-2, rtol=1e-1)


@pytest.mark.parametrize(
    ("plan", "changes"),
    [
        ("probe", {}),
        ("probe", {"pooling": "attention"}),
        ("probe", {"pooling": "max", "normalize": True}),
        ("probe", {"pooling": "last", "projection": None}),
        ("top:1", {}),
        ({"layers": [1], "freeze": ["names"]}, {}),
        ({"thaw": {"epochs": [2, 3]}}, {}),
        ({"freeze": ["backbone", "long"]}, {}),
    ],
)
def test_the_result_is_that_without(
    backbones: Callable[[str], Path], tmp_path: Path, plan: Any, changes: dict[str, Any]
) -> None:
    """Weights, and the losses of every epoch, to float tolerance; dropout is on and draws the same."""
    found = []
    for cache in (True, False):
        model = model_of(backbones("bert"), **changes)
        found.append(trained(tmp_path / str(cache), model, settings_of(plan=plan, cache=cache, epochs=4)))
    (weights, losses), (others, other_losses) = found
    assert_the_same(weights, others)
    for one, other in zip(losses, other_losses, strict=True):
        assert one == pytest.approx(other, rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_in_every_architecture(backbones: Callable[[str], Path], tmp_path: Path, architecture: str) -> None:
    found = []
    for cache in (True, False):
        model = model_of(backbones(architecture))
        found.append(trained(tmp_path / str(cache), model, settings_of(plan="top:1", cache=cache))[0])
    assert_the_same(*found)


def opened_feed(model: Pretrained, folder: Path, **changes: Any) -> tuple[Any, Any]:
    settings = settings_of(cache=True, **changes)
    prepared = prepare(model, data(), settings, "cpu")
    feed = feed_of(model, prepared, data(), settings, folder)
    begin(feed, prepared)
    return feed, prepared


def begin(feed: Any, prepared: Any, **told: Any) -> list[str]:
    lines: list[str] = []
    options = {"epochs": 2, "advance": lambda done, total: None, "note": lines.append, **told}
    feed.begin(prepared.stages[0].learns, prepared.parts, **options)
    return lines


@pytest.mark.parametrize("prompt", ["", "query: "])
def test_batches_are_those_of_the_texts(backbones: Callable[[str], Path], tmp_path: Path, prompt: str) -> None:
    model = model_of(
        backbones("bert"), prompts={"p": prompt}, default_prompt_name="p" if prompt else None, pool_prompt=not prompt
    )
    feed, prepared = opened_feed(model, tmp_path)
    assert feed.kept == ["pairs", "plain", "tokens"]
    draws: list[Draw] = [draw for step in prepared.sampler.steps(1) for draw in step]
    assert len(draws) > 10
    for draw in draws:
        own, theirs = feed.batch(draw), prepared.collate(draw.examples(prepared.sets))
        assert own.cut == theirs.cut
        assert own.counts == {name: count for name, count in theirs.counts.items() if count}
        for name, target in own.targets.items():
            assert torch.equal(target, theirs.targets[name])
        assert torch.equal(own.inputs.attention_mask, theirs.inputs.attention_mask)
        assert torch.equal(own.inputs.pooling_mask, theirs.inputs.pooling_mask)
        assert (own.inputs.parts is None) == (theirs.inputs.parts is None)
        if own.inputs.parts is not None:
            assert torch.equal(own.inputs.parts, theirs.inputs.parts)
        for splitter, words in own.inputs.words.items():
            rows = len(draw.rows)
            assert torch.equal(words.index[:rows], theirs.inputs.words[splitter].index[:rows])
            assert torch.equal(words.shapes[:rows], theirs.inputs.words[splitter].shapes[:rows])
        with torch.no_grad():
            one, other = (model.model.eval()(batch.inputs, tasks=own.targets) for batch in (own, theirs))
        real = own.inputs.attention_mask == 1
        for name in own.targets:
            if TASKS[name].level == "token":
                torch.testing.assert_close(one.logits[name][real], other.logits[name][real], atol=1e-5, rtol=1e-4)
            else:
                torch.testing.assert_close(one.logits[name], other.logits[name], atol=1e-5, rtol=1e-4)


def test_the_frozen_layers_run_once_and_for_a_second_run_not_at_all(
    backbones: Callable[[str], Path], tmp_path: Path
) -> None:
    ran: list[int] = []
    told: list[tuple[int, int]] = []
    for _ in range(2):
        model = model_of(backbones("bert"))
        layer = model.model.encoder.backbone.layer_list()[0]
        layer.register_forward_hook(lambda module, given, output: ran.append(len(output[0])))
        train(
            model,
            data(),
            settings_of(epochs=5, cache=True, plan="top:1"),
            folder=tmp_path / f"run-{len(ran)}",
            callbacks=Callbacks(on_cached=lambda done, total: told.append((done, total))),
            cache=tmp_path / "shared",
        )
    texts = sum(len(row.texts) for each in data() for split in (each.train, each.validation) for row in split)
    once = len(ran)
    assert 0 < once < 40  # batches of the two fillings, and one look at what a layer returns, a run
    assert told[-1] == (texts, texts)
    assert len(list((tmp_path / "shared").iterdir())) == 4


@pytest.mark.parametrize(
    "changes", [{"max_length": 16}, {"pooling": "max"}, {"prompts": {"p": "a: "}, "default_prompt_name": "p"}]
)
def test_another_reading_of_the_texts_is_another_entry(
    backbones: Callable[[str], Path], tmp_path: Path, changes: dict[str, Any]
) -> None:
    opened_feed(model_of(backbones("bert")), tmp_path)
    before = {path.name for path in tmp_path.iterdir()}
    opened_feed(model_of(backbones("bert")), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == before
    opened_feed(model_of(backbones("bert"), **changes), tmp_path)
    added = {path.name for path in tmp_path.iterdir()} - before
    assert added


def test_other_weights_below_are_another_entry_and_those_above_are_not(
    backbones: Callable[[str], Path], tmp_path: Path
) -> None:
    """Two of the three data sets have the same texts, and so the same entries."""
    for number, entries in ((None, 4), (1, 4), (0, 8)):
        model = model_of(backbones("bert"))
        if number is not None:
            with torch.no_grad():
                next(model.model.encoder.backbone.layer_list()[number].parameters()).add_(0.01)
        opened_feed(model, tmp_path, plan="top:1")
        assert len(list(tmp_path.iterdir())) == entries


def test_what_must_see_more_than_is_kept_is_not_kept(backbones: Callable[[str], Path], tmp_path: Path) -> None:
    model = load(backbones("bert"))
    model.add_head("mixed", ClassificationTask(labels=("a", "b"), layers="mix"))
    model.add_head("ranked", PairsTask(mini_batch_size=2))
    model.add_head("plain", ClassificationTask(labels=("a", "b"), input="embedding"))
    sets = [
        DataSet("mixed", [Example("x", {"mixed": "a"})]),
        DataSet("ranked", [Example("x", {"ranked": 2}, others=("y",))]),
        DataSet("plain", [Example("x", {"plain": "a"})]),
    ]
    settings = settings_of(cache=True)
    prepared = prepare(model, sets, settings, "cpu")
    feed = feed_of(model, prepared, sets, settings, tmp_path)
    begin(feed, prepared)
    assert feed.kept == ["plain"]


def test_auto_keeps_what_pays_and_fits(backbones: Callable[[str], Path], tmp_path: Path) -> None:
    model = model_of(backbones("bert"))
    for changes, epochs, kept, line in (
        ({}, 2, 3, "cache: "),
        ({}, 1, 0, ""),
        ({"cache_gb": 1e-6}, 2, 0, "! training.cache: .* would be kept .* cache_gb is 1e-06: they run anew"),
        ({"cache": False}, 5, 0, ""),
        ({"plan": "full"}, 5, 0, ""),
        ({"plan": "top:2"}, 5, 0, ""),
    ):
        settings = settings_of(**{"cache": "auto", **changes})
        prepared = prepare(model, data(), settings, "cpu")
        feed = feed_of(model, prepared, data(), settings, tmp_path / "cache")
        lines = begin(feed, prepared, epochs=epochs)
        assert len(feed.kept) == kept, changes
        assert len(lines) == (1 if line else 0)
        if line:
            assert re.match(line, lines[0])


def test_what_is_there_already_needs_no_room(
    backbones: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened_feed(model_of(backbones("bert")), tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=0))
    feed, _ = opened_feed(model_of(backbones("bert")), tmp_path)
    assert len(feed.kept) == 3
    with pytest.raises(UserError, match="0 bytes are free"):
        opened_feed(model_of(backbones("bert"), max_length=16), tmp_path)


def test_an_entry_with_other_lengths_is_made_anew(backbones: Callable[[str], Path], tmp_path: Path) -> None:
    model = model_of(backbones("bert"))
    opened_feed(model, tmp_path)
    found = {path: json.loads(path.read_text()) for path in tmp_path.glob("*/entry.json")}
    for path, entry in found.items():
        path.write_text(json.dumps({**entry, "lengths": [*entry["lengths"][::-1], 1]}))
    opened_feed(model, tmp_path)
    assert {path: json.loads(path.read_text()) for path in found} == found


@pytest.mark.parametrize("times", [1, 2])
def test_what_another_run_takes_away_at_once_is_made_once_more(
    backbones: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    left, told = [times], list[tuple[int, int]]()
    model, settings = model_of(backbones("bert")), settings_of(cache=True)
    prepared = prepare(model, data(), settings, "cpu")
    feed = feed_of(model, prepared, data(), settings, tmp_path)

    def evicting(path: Path, lengths: torch.Tensor) -> Any:
        if path.is_dir() and left[0]:
            left[0] -= 1
            make_room(path.parent, [], 0)
        return opened(path, lengths)

    monkeypatch.setattr("polyhead.training.activations.lower.opened", evicting)
    if times == 1:
        begin(feed, prepared, advance=lambda *counts: told.append(counts))
        assert len(feed.kept) == 3
        assert told[-1] == (told[-1][1],) * 2
        return
    with pytest.raises(UserError, match=r": was written twice and is gone .*; give every run a --cache-dir of its own"):
        begin(feed, prepared)


def test_a_run_that_goes_on_keeps_what_it_kept(backbones: Callable[[str], Path], tmp_path: Path) -> None:
    model = model_of(backbones("bert"))
    prepared = prepare(model, data(), settings_of(), "cpu")
    feed = feed_of(model, prepared, data(), settings_of(), tmp_path / "cache")
    for only in ([], ["plain"], ["plain", "tokens"]):
        begin(feed, prepared, epochs=1, only=only)
        assert feed.kept == only


def test_an_earlier_stage_s_entries_are_taken_away(backbones: Callable[[str], Path], tmp_path: Path) -> None:
    for private, entries in ((True, 6), (False, 10)):
        model, folder = model_of(backbones("bert")), tmp_path / str(private)
        settings = settings_of(cache=True, plan={"layers": [1]})
        prepared = prepare(model, data(), settings, "cpu")
        feed = feed_of(model, prepared, data(), settings, folder, private=private)
        begin(feed, prepared)
        heads = {name for name in prepared.stages[0].learns if not name.startswith("backbone.")}
        feed.begin(heads, prepared.parts, epochs=2, advance=lambda done, total: None, note=lambda line: None)
        assert len(list(folder.iterdir())) == entries
        feed.clear()
        assert folder.exists() != private


def test_what_was_asked_for_and_does_not_fit_is_an_error(backbones: Callable[[str], Path], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^training\.cache: .* would be kept .*cache_gb is 1e-06; raise it"):
        opened_feed(model_of(backbones("bert")), tmp_path, cache_gb=1e-6)


@pytest.mark.parametrize("plan", ["probe", "top:1", {"thaw": {"epochs": [2]}}, {"freeze": ["backbone", "names"]}])
def test_what_would_be_kept_is_known_beforehand(backbones: Callable[[str], Path], tmp_path: Path, plan: Any) -> None:
    """To the byte: the check lets pass what fits, and nothing less."""
    feed, prepared = opened_feed(model_of(backbones("bert")), tmp_path, plan=plan)
    splits = feed._splits(
        boundaries(feed._model, TASKS, feed._sets, feed._settings, prepared.stages[0].learns, prepared.parts)
    )
    needed = sum(each.size for each in splits)
    for more, fits in ((1e-12, True), (-1e-9, False)):
        settings = settings_of(plan=plan, cache=True, cache_gb=needed / 1e9 + more)
        with nullcontext() if fits else pytest.raises(UserError, match=r"^training\.cache: .*; raise it"):
            check_settings(model_of(backbones("bert")), data(), settings, "cpu")
    check_settings(model_of(backbones("bert")), data(), settings_of(plan=plan, cache_gb=1e-6), "cpu")


def test_in_bf16_it_is_near(tmp_path: Path) -> None:
    """The frozen layers compute as they do for predictions, which is not bit for bit as under autocast."""
    losses = []
    for cache in (True, False):
        model = load(DEFAULT_BACKBONE)
        for name in ("names", "start"):
            model.add_head(name, TASKS[name])
        result = train(
            model,
            [each for each in data() if each.name == "tokens"],
            settings_of(plan="top:2", bf16=True, cache=cache, learning_rate=1e-4),
            folder=tmp_path / str(cache),
        )
        losses.append(result.evaluations[-1].losses["names"])
    assert losses[0] == pytest.approx(losses[1], rel=0.1)
