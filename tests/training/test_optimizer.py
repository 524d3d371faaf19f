from inspect import signature
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from polyhead.kinds import ClassificationTask, TaggingTask
from polyhead.modeling.backbone import Backbone
from polyhead.modeling.build import build_head
from polyhead.modeling.components import components
from polyhead.modeling.encoder import Encoder, Projection
from polyhead.modeling.model import MultiTaskModel
from polyhead.modeling.pooling import AttentionPooling
from polyhead.text.shapes import SHAPES
from polyhead.training.optimizer import build_optimizer, clip, rate_factor, set_rates
from polyhead.training.plans import Plan
from polyhead.training.settings import TrainingSettings


class Network(nn.Module):
    """As much of a transformers model as a backbone looks at."""

    def __init__(self) -> None:
        super().__init__()
        self.config = SimpleNamespace(hidden_size=6, num_hidden_layers=1)
        self.embedding = nn.Embedding(10, 6)
        self.linear = nn.Linear(6, 6)
        self.norm = nn.LayerNorm(6)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, return_dict: bool = True) -> SimpleNamespace:
        return SimpleNamespace(last_hidden_state=self.norm(self.linear(self.embedding(input_ids))))


def tiny() -> MultiTaskModel:
    """A model with every kind of part that has weights."""
    encoder = Encoder(
        backbone=Backbone(network=Network()),
        pooling=AttentionPooling(hidden=6),
        projection=Projection(hidden=6, width=4),
    )
    model = MultiTaskModel(encoder=encoder)
    model.heads["topic"] = build_head(ClassificationTask(labels=("a", "b")), encoder, shapes=len(SHAPES))
    tagging = TaggingTask(labels=("PER",), word_shapes=True)
    model.heads["ner"] = build_head(tagging, encoder, shapes=len(SHAPES))
    return model


def options_by_name(model: MultiTaskModel, settings: TrainingSettings) -> dict[str, tuple[float, float]]:
    """Learning rate and weight decay of each parameter that the optimizer has."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    found: dict[str, tuple[float, float]] = {}
    for group in build_optimizer(components(model), settings).param_groups:
        for parameter in group["params"]:
            assert names[id(parameter)] not in found
            found[names[id(parameter)]] = (group["lr"], group["weight_decay"])
    return found


SETTINGS = TrainingSettings(learning_rate=1e-5, head_learning_rate=1e-2, weight_decay=0.1)


def test_every_parameter_has_its_rate_and_decay() -> None:
    model = tiny()
    found = options_by_name(model, SETTINGS)
    assert set(found) == {name for name, _ in model.named_parameters()}
    for name, parameter in model.named_parameters():
        rate = 1e-5 if name.startswith("encoder.backbone.") else 1e-2
        assert found[name] == (rate, 0.1 if parameter.ndim >= 2 else 0.0), name


def test_biases_and_norms_have_no_decay() -> None:
    decays = {name: decay for name, (_, decay) in options_by_name(tiny(), SETTINGS).items()}
    vectors = [name for name in decays if name.endswith("bias") or ".norm." in name]
    assert len(vectors) == 7
    assert {decays[name] for name in vectors} == {0.0}
    assert decays["encoder.backbone.network.linear.weight"] == 0.1


def test_pooling_and_projection_learn_at_the_heads_rate() -> None:
    rates = {name: rate for name, (rate, _) in options_by_name(tiny(), SETTINGS).items()}
    assert rates["encoder.pooling.score.weight"] == rates["encoder.projection.linear.weight"] == 1e-2


def test_what_is_frozen_is_not_in_the_optimizer() -> None:
    settings = SETTINGS.model_copy(update={"plan": Plan(strategy="probe")})
    assert not any(name.startswith("encoder.backbone.") for name in options_by_name(tiny(), settings))


def factors(steps: int, **given: Any) -> list[float]:
    settings = TrainingSettings.model_validate(given)
    return [rate_factor(settings, step, steps=steps) for step in range(steps + 1)]


def test_linear_rises_to_one_and_falls_to_zero_at_the_end() -> None:
    assert factors(8, warmup_steps=3) == pytest.approx([0.25, 0.5, 0.75, 1.0, 0.8, 0.6, 0.4, 0.2, 0.0])


def test_cosine() -> None:
    assert factors(7, warmup_steps=3, lr_scheduler_type="cosine") == pytest.approx(
        [0.25, 0.5, 0.75, 1.0, 0.853553, 0.5, 0.146447, 0.0], abs=1e-6
    )


def test_constant() -> None:
    assert factors(5, warmup_steps=2, lr_scheduler_type="constant") == pytest.approx([1 / 3, 2 / 3, 1, 1, 1, 1])


def test_a_warm_up_below_one_is_a_share_of_all_steps() -> None:
    assert factors(20, warmup_steps=0.25) == factors(20, warmup_steps=5)
    assert factors(20, warmup_steps=0) == pytest.approx([1 - step / 20 for step in range(21)])
    assert factors(4, warmup_steps=1)[:2] == pytest.approx([0.5, 1.0])


def test_the_default_warms_up_over_a_tenth() -> None:
    values = factors(100)
    assert values.index(max(values)) == 10


@pytest.mark.parametrize("kind", ["linear", "cosine", "constant"])
@pytest.mark.parametrize("warmup", [0, 0.5, 3, 50])
def test_rates_never_leave_their_range(kind: str, warmup: float) -> None:
    """Not even for a warm-up longer than the training, or past its end."""
    settings = TrainingSettings.model_validate({"warmup_steps": warmup, "lr_scheduler_type": kind})
    found = [rate_factor(settings, step, steps=10) for step in range(15)]
    assert all(0 <= factor <= 1 for factor in found)
    assert found[0] > 0


def test_the_schedule_multiplies_every_groups_rate() -> None:
    model = tiny()
    optimizer = build_optimizer(components(model), SETTINGS)
    seen = []
    for step in range(4):
        set_rates(optimizer, rate_factor(TrainingSettings(warmup_steps=1), step, steps=3))
        seen.append(sorted({group["lr"] for group in optimizer.param_groups}))
    assert seen[0] == pytest.approx([0.5e-5, 0.5e-2])
    assert seen[1] == pytest.approx([1e-5, 1e-2])
    assert seen[2] == pytest.approx([0.5e-5, 0.5e-2])
    assert seen[3] == pytest.approx([0.0])


def test_gradients_are_clipped_together() -> None:
    model = nn.ModuleList([nn.Linear(3, 3), nn.Linear(3, 3)])
    for number, parameter in enumerate(model.parameters()):
        parameter.grad = torch.full_like(parameter, float(number + 1))
    before = torch.cat([parameter.grad.flatten() for parameter in model.parameters() if parameter.grad is not None])
    norm = clip(model, 2.0)
    after = torch.cat([parameter.grad.flatten() for parameter in model.parameters() if parameter.grad is not None])
    assert norm == pytest.approx(float(before.norm()))
    assert float(after.norm()) == pytest.approx(2.0, rel=1e-4)
    torch.testing.assert_close(after / after.norm(), before / before.norm())


def test_small_gradients_are_left_alone() -> None:
    model = nn.Linear(2, 1, bias=False)
    model.weight.grad = torch.tensor([[0.3, 0.4]])
    assert clip(model, 1.0) == pytest.approx(0.5)
    assert model.weight.grad.tolist() == [[pytest.approx(0.3), pytest.approx(0.4)]]


def test_the_tiny_network_is_called_as_backbones_call_theirs() -> None:
    assert {"input_ids", "attention_mask", "return_dict"} <= signature(Network.forward).parameters.keys()
    [states] = tiny().encoder.backbone(torch.ones(1, 2, dtype=torch.long), torch.ones(1, 2, dtype=torch.long))
    assert states.shape == (1, 2, 6)
