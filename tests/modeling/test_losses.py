"""Losses against their formulas and the libraries that have them; heads with hidden layers and other inputs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch.nn import functional

from polyhead import Polyhead, UserError, load_recipe, train
from polyhead.kinds import IGNORED, ClassificationTask, TaggingTask
from polyhead.modeling.build import build_head
from polyhead.modeling.heads import ClassificationHead
from polyhead.modeling.heads.losses import ClassLoss
from polyhead.pretrained import load
from polyhead.starter import FOLDER
from polyhead.text.shapes import SHAPES

GENERATOR = torch.Generator().manual_seed(3)
LOGITS = torch.randn(12, 4, generator=GENERATOR) * 2
TARGETS = torch.tensor([0, 1, 2, 3, 0, 0, IGNORED, 1, 3, 3, IGNORED, 2])
KNOWN = TARGETS != IGNORED


def test_plain_is_cross_entropy() -> None:
    expected = functional.cross_entropy(LOGITS, TARGETS, ignore_index=IGNORED, reduction="sum")
    torch.testing.assert_close(ClassLoss()(LOGITS, TARGETS), expected)
    torch.testing.assert_close(ClassLoss()(LOGITS.view(3, 4, 4), TARGETS.view(3, 4)), expected)


@pytest.mark.parametrize("weights", [None, [0.5, 2.0, 1.0, 3.0]])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_weights_and_smoothing_are_torchs(weights: list[float] | None, smoothing: float) -> None:
    tensor = None if weights is None else torch.tensor(weights)
    expected = functional.cross_entropy(
        LOGITS, TARGETS, weight=tensor, label_smoothing=smoothing, ignore_index=IGNORED, reduction="sum"
    )
    torch.testing.assert_close(ClassLoss(weights=weights, label_smoothing=smoothing)(LOGITS, TARGETS), expected)


def test_smoothing_is_its_definition() -> None:
    share = 0.1
    wanted = functional.one_hot(TARGETS[KNOWN], 4) * (1 - share) + share / 4
    expected = -(wanted * functional.log_softmax(LOGITS[KNOWN], dim=-1)).sum()
    torch.testing.assert_close(ClassLoss(label_smoothing=share)(LOGITS, TARGETS), expected)


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_focal_loss_is_its_formula(gamma: float) -> None:
    p = functional.softmax(LOGITS[KNOWN], dim=-1).gather(1, TARGETS[KNOWN][:, None])
    expected = (-((1 - p) ** gamma) * p.log()).sum()
    torch.testing.assert_close(ClassLoss(focal_gamma=gamma)(LOGITS, TARGETS), expected)


def test_logit_adjustment_is_its_formula() -> None:
    shares = torch.tensor([0.7, 0.2, 0.06, 0.04])
    expected = functional.cross_entropy(LOGITS[KNOWN] + 1.5 * shares.log(), TARGETS[KNOWN], reduction="sum")
    found = ClassLoss(adjustment=(1.5 * shares.log()).tolist())(LOGITS, TARGETS)
    torch.testing.assert_close(found, expected)


def test_parts_add_up() -> None:
    """Or k micro-batches would not be one large batch."""
    loss = ClassLoss(weights=[1.0, 2.0, 3.0, 4.0], label_smoothing=0.1, focal_gamma=1.0, adjustment=[-1.0, 0.0, 0.5, 0])
    parts = loss(LOGITS[:5], TARGETS[:5]) + loss(LOGITS[5:], TARGETS[5:])
    torch.testing.assert_close(parts, loss(LOGITS, TARGETS))


def test_balanced_weights_are_scikit_learns(backbones: Callable[[str], Path]) -> None:
    gold = ["a"] * 12 + ["b"] * 3 + ["c"]
    task = ClassificationTask(labels=("a", "b", "c"), class_weights="balanced", logit_adjustment=1.0)
    trained = task.with_counts({"a": 12, "b": 3, "c": 1}, 16)
    expected = compute_class_weight("balanced", classes=np.array(["a", "b", "c"]), y=gold)
    head = build_head(trained, load(backbones("bert")).model.encoder, shapes=len(SHAPES))
    assert isinstance(head, ClassificationHead)
    assert isinstance(head.criterion, ClassLoss)
    assert head.criterion.weights is not None
    assert head.criterion.weights.tolist() == pytest.approx(expected.tolist())
    assert trained.label_shares == {"a": 12 / 16, "b": 3 / 16, "c": 1 / 16}
    assert trained.with_counts({"a": 1}, 1) == trained, "what a saved head was trained with stays"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"class_weights": {"z": 1.0}}, "must be of the labels a, b; found z"),
        ({"class_weights": {"a": 0.0}}, "must be above 0"),
        ({"class_weights": "fair"}, "balanced"),
        ({"label_smoothing": 1.0}, "less than 1"),
        ({"hidden": 0}, "greater than or equal to 1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        ClassificationTask.model_validate({"labels": ["a", "b"], **settings})


def test_heads_read_what_they_are_told_to(backbones: Callable[[str], Path]) -> None:
    loaded = load(backbones("bert"))
    model = Polyhead(loaded, dtype="float32")
    states = model.encode(["Anna visits Oslo"], output_value="token_embeddings")
    head = build_head(ClassificationTask(labels=("a", "b"), input="cls"), loaded.model.encoder, shapes=len(SHAPES))
    seen: list[torch.Tensor] = []
    head.register_forward_hook(lambda module, given, output: seen.append(module.features(given[0])))
    loaded.model.heads["x"] = head
    from polyhead.data.collate import Collator
    from polyhead.data.example import Example

    with torch.no_grad():
        loaded.model(Collator(loaded.tokenizer, {})([Example("Anna visits Oslo")]).inputs)
    assert torch.allclose(seen[0][0], torch.as_tensor(np.asarray(states[0]))[0], atol=1e-5)


RECIPE = """
model: {{backbone: {backbone}}}
tasks:
  topic:
    kind: classification
    hidden: 24
    input: cls
    class_weights: balanced
    label_smoothing: 0.05
    focal_gamma: 1.0
    logit_adjustment: 0.5
  entities: {{kind: tagging, hidden: 24, label_smoothing: 0.05, words: unicode}}
data:
  own: {{format: jsonl, train: {{path: train.jsonl, sample: {{rows: 200}}}}, validation: 0.2,
        tasks: {{topic: {{}}, entities: {{}}}}}}
training: {{epochs: {epochs}, batch_size: 16, learning_rate: 0.002, head_learning_rate: 0.01, bf16: false}}
"""


def test_every_option_trains_saves_and_opens(backbones: Callable[[str], Path], tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(RECIPE.format(backbone=backbones("bert"), epochs=3))
    result = train(load_recipe(tmp_path / "recipe.yaml", data_root=FOLDER), tmp_path / "run")
    first, last = result.evaluations[0].train_losses, result.evaluations[-1].train_losses
    assert last["topic"] < first["topic"]
    assert last["entities"] < first["entities"]
    model = Polyhead.from_pretrained(tmp_path / "run", dtype="float32")
    topic, entities = model.tasks["topic"], model.tasks["entities"]
    assert isinstance(topic, ClassificationTask)
    assert isinstance(entities, TaggingTask)
    assert topic.class_weights == "balanced"
    assert sum(topic.label_shares.values()) == pytest.approx(1)
    assert entities.splitter == "unicode"
    head = model.pretrained.model.heads["topic"]
    assert isinstance(head, ClassificationHead)
    assert head.hidden is not None
    answer = model.predict("Anna's bill was paid in Oslo, on Monday.")
    assert answer["topic"].label in topic.labels
    model.save_pretrained(tmp_path / "again")
    assert (
        Polyhead.from_pretrained(tmp_path / "again", dtype="float32").predict(answer.text)["topic"] == answer["topic"]
    )


def test_weights_of_labels_that_do_not_occur_are_a_fault(backbones: Callable[[str], Path], tmp_path: Path) -> None:
    text = RECIPE.format(backbone=backbones("bert"), epochs=1).replace("balanced", "{sport: 2.0}")
    (tmp_path / "recipe.yaml").write_text(text)
    with pytest.raises(UserError, match=r"task topic: class_weights must be of the labels .*found sport"):
        train(load_recipe(tmp_path / "recipe.yaml", data_root=FOLDER), tmp_path / "run")
