from types import SimpleNamespace

import pytest
from torch import Tensor, nn

from polyhead.errors import UserError
from polyhead.kinds import ClassificationTask, TaggingTask
from polyhead.modeling.backbone import Backbone
from polyhead.modeling.build import build_head
from polyhead.modeling.encoder import Encoder, Projection
from polyhead.modeling.model import MultiTaskModel
from polyhead.modeling.pooling import Pooling
from polyhead.text.shapes import SHAPES
from polyhead.training.plan import apply, frozen_modules
from polyhead.training.settings import Freeze


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.config = SimpleNamespace(hidden_size=6)
        self.embedding = nn.Embedding(10, 6)
        self.dropout = nn.Dropout(0.5)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, return_dict: bool = True) -> SimpleNamespace:
        return SimpleNamespace(last_hidden_state=self.dropout(self.embedding(input_ids)))


def tiny(*, projection: bool = False) -> MultiTaskModel:
    encoder = Encoder(
        backbone=Backbone(network=Network()),
        pooling=Pooling(mode="mean"),
        projection=Projection(hidden=6, width=4) if projection else None,
    )
    model = MultiTaskModel(encoder=encoder)
    model.heads["topic"] = build_head(ClassificationTask(labels=("a", "b")), encoder, shapes=len(SHAPES))
    model.heads["ner"] = build_head(TaggingTask(labels=("PER",)), encoder, shapes=len(SHAPES))
    return model


def learning(model: MultiTaskModel) -> set[str]:
    """The parts that learn; each must do so wholly or not at all."""
    parts = {"backbone": model.encoder.backbone, **{name: model.heads[name] for name in model.heads}}
    if model.encoder.projection:
        parts["projection"] = model.encoder.projection
    found = {name: {parameter.requires_grad for parameter in part.parameters()} for name, part in parts.items()}
    assert all(len(states) == 1 for states in found.values())
    return {name for name, states in found.items() if states == {True}}


def in_training_mode(model: MultiTaskModel) -> set[str]:
    parts: dict[str, nn.Module] = {"backbone": model.encoder.backbone, "dropout": backbone_dropout(model)}
    return {name for name, part in (parts | {name: model.heads[name] for name in model.heads}).items() if part.training}


def backbone_dropout(model: MultiTaskModel) -> nn.Module:
    network = model.encoder.backbone.network
    assert isinstance(network, Network)
    return network.dropout


def planned(plan: str | Freeze, *, projection: bool = False) -> MultiTaskModel:
    model = tiny(projection=projection)
    apply(model, frozen_modules(model, plan))
    return model


def test_full_trains_everything() -> None:
    model = planned("full", projection=True)
    assert learning(model) == {"backbone", "projection", "topic", "ner"}
    assert in_training_mode(model) == {"backbone", "dropout", "topic", "ner"}


def test_probe_freezes_the_backbone_and_its_dropout() -> None:
    model = planned("probe")
    assert learning(model) == {"topic", "ner"}
    assert in_training_mode(model) == {"topic", "ner"}


@pytest.mark.parametrize(
    ("freeze", "learns"),
    [
        (("backbone",), {"topic", "ner"}),
        (("ner",), {"backbone", "topic"}),
        (("backbone", "topic"), {"ner"}),
        (("topic", "ner"), {"backbone"}),
        (("ner", "ner"), {"backbone", "topic"}),
    ],
)
def test_parts_are_frozen_by_name(freeze: tuple[str, ...], learns: set[str]) -> None:
    model = planned(Freeze(freeze=freeze))
    assert learning(model) == learns
    assert in_training_mode(model) - {"dropout"} == learns


def test_applying_again_brings_training_back_after_an_evaluation() -> None:
    model = tiny()
    frozen = frozen_modules(model, "probe")
    apply(model, frozen)
    model.eval()
    apply(model, frozen)
    assert in_training_mode(model) == learning(model) == {"topic", "ner"}
    apply(model, [])
    assert learning(model) == {"backbone", "topic", "ner"}


@pytest.mark.parametrize("name", ["encoder", "Topic", "other", "projection"])
def test_a_name_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(UserError, match=rf"^training\.plan: freeze takes backbone, topic, ner; found '{name}'$"):
        frozen_modules(tiny(), Freeze(freeze=("backbone", name)))


def test_something_must_learn() -> None:
    everything = Freeze(freeze=("backbone", "topic", "ner"))
    with pytest.raises(UserError, match=r"^training\.plan: everything is frozen; leave something to learn$"):
        frozen_modules(tiny(), everything)
    assert learning(planned(everything, projection=True)) == {"projection"}
