"""What learns in each stage of each plan, on a model of four layers; pure functions, so no network is run."""

import itertools
import re
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from torch import nn

from polyhead.errors import UserError
from polyhead.modeling.components import Component
from polyhead.training.plans import Plan, PlanSetting, frozen_heads, rates, stages
from polyhead.training.plans.overview import late

LAYERS = 4


def parts_of(layers: int = LAYERS) -> list[Component]:
    names = [("embeddings", 0), *((f"layers.{number}", number + 1) for number in range(layers))]
    names += [(name, layers + 1) for name in ("pooling", "projection", "heads.topic", "heads.ner")]
    return [
        Component(
            name,
            depth,
            {
                f"{name}.{kind}": nn.Parameter(torch.zeros(2, 2) if kind == "weight" else torch.zeros(2))
                for kind in (() if name == "pooling" else ("weight", "bias"))
            },
            [],
        )
        for name, depth in names
    ]


def plan_of(given: Any) -> Plan:
    return TypeAdapter(PlanSetting).validate_python(given)


def learning(given: Any, layers: int = LAYERS) -> list[tuple[int | None, set[str]]]:
    """Each stage's epoch and the components that learn in it, each of which must do so wholly or not at all."""
    found = []
    for stage in stages(plan_of(given), parts_of(layers)):
        whole = set()
        for part in parts_of(layers):
            states = {name in stage.learns for name in part.parameters}
            assert len(states) <= 1
            whole |= {part.name} if True in states else set()
        found.append((stage.epoch, whole))
    return found


HEADS = {"projection", "heads.topic", "heads.ner"}
BACKBONE = {"embeddings", *(f"layers.{number}" for number in range(LAYERS))}


@pytest.mark.parametrize(
    ("plan", "learns"),
    [
        ("full", BACKBONE | HEADS),
        ({}, BACKBONE | HEADS),
        ({"strategy": "full"}, BACKBONE | HEADS),
        ("probe", HEADS),
        ("top:2", {"layers.2", "layers.3"} | HEADS),
        ({"top": 4}, BACKBONE - {"embeddings"} | HEADS),
        ({"top": 0}, HEADS),
        ({"layers": [0, -1]}, {"layers.0", "layers.3"} | HEADS),
        ({"freeze": ["topic"]}, BACKBONE | HEADS - {"heads.topic"}),
        ({"freeze": ["backbone"]}, HEADS),
        ({"freeze": ["encoder"]}, HEADS - {"projection"}),
        ({"freeze": ["backbone", "ner"]}, {"projection", "heads.topic"}),
        ({"top": 1, "freeze": ["ner"]}, {"layers.3", "projection", "heads.topic"}),
        ({"rates": {"embeddings": 0.0, "topic": 0.1}}, BACKBONE - {"embeddings"} | HEADS),
        ({"rates": {"layers.3": 0.1, "layers": 0.0}}, {"embeddings", "layers.3"} | HEADS),
    ],
)
def test_plans_of_one_stage(plan: Any, learns: set[str]) -> None:
    assert learning(plan) == [(1, learns)]


def test_what_is_fixed_learns_by_no_plan() -> None:
    parts = [replace(part, fixed=part.depth <= 2) for part in parts_of()]
    for plan in ("full", "thaw", "top:4", {"layers": [0, 3]}):
        learns = stages(plan_of(plan), parts)[-1].learns
        assert not {name for name in learns if name.startswith(("embeddings", "layers.0", "layers.1"))}
        assert "layers.3.weight" in learns


def test_bitfit_learns_biases_and_heads() -> None:
    [stage] = stages(plan_of("bitfit"), parts_of())
    backbone = {f"{name}.bias" for name in BACKBONE}
    assert stage.learns == backbone | {f"{name}.{kind}" for name in HEADS for kind in ("weight", "bias")}


def test_bitfit_of_a_backbone_without_biases_is_refused() -> None:
    bare = [
        replace(part, parameters={name: value for name, value in part.parameters.items() if "bias" not in name})
        if part.depth <= LAYERS
        else part
        for part in parts_of()
    ]
    with pytest.raises(UserError, match=r"training\.plan: bitfit teaches the backbone's biases, .* none; use lora"):
        stages(plan_of("bitfit"), bare)


def test_thaw_goes_down_layer_by_layer_an_epoch_each() -> None:
    found = learning("thaw")
    assert [epoch for epoch, _ in found] == [1, 2, 3, 4, 5, 6]
    assert [sorted(after - before) for (_, before), (_, after) in itertools.pairwise(found)] == [
        ["layers.3"], ["layers.2"], ["layers.1"], ["layers.0"], ["embeddings"],
    ]  # fmt: skip
    assert found[0][1] == HEADS


@pytest.mark.parametrize(
    ("thaw", "layers_a_stage"),
    [({"layers": 2}, [2, 2, 0]), ({"layers": 3}, [3, 1]), ({"layers": 9}, [4]), ({"epochs": [2, 4]}, [2, 2])],
)
def test_thaw_by_several_layers(thaw: dict[str, Any], layers_a_stage: list[int]) -> None:
    found = learning({"thaw": thaw})
    counts = [sum(name.startswith("layers.") for name in names) for _, names in found]
    assert [after - before for before, after in itertools.pairwise(counts)] == layers_a_stage
    assert found[-1][1] == BACKBONE | HEADS
    if "epochs" in thaw:
        assert [epoch for epoch, _ in found] == [1, *thaw["epochs"]]


def test_thaw_by_patience_waits() -> None:
    found = stages(plan_of({"thaw": {"patience": 2}}), parts_of())
    assert [(each.epoch, each.patience) for each in found] == [(1, 1), *[(None, 2)] * 5]


def test_probe_then_full() -> None:
    assert learning("probe-then-full") == [(1, HEADS), (None, BACKBONE | HEADS)]
    assert learning({"probe-then-full": {"epoch": 3}}) == [(1, HEADS), (3, BACKBONE | HEADS)]
    assert learning({"probe-then-full": None, "freeze": ["topic"]})[1][1] == BACKBONE | HEADS - {"heads.topic"}


def test_a_stage_with_nothing_new_is_left_out() -> None:
    assert learning({"strategy": "thaw", "freeze": ["backbone"]}) == [(1, HEADS)]
    found = learning({"probe-then-full": {"epoch": 4}, "freeze": ["topic", "ner"]})
    assert found == [(1, {"projection"}), (4, BACKBONE | {"projection"})]


@given(
    layers=st.integers(1, 12),
    plan=st.one_of(
        st.builds(lambda n: {"thaw": {"layers": n}}, st.integers(1, 14)),
        st.builds(
            lambda epochs: {"thaw": {"epochs": sorted(epochs)}}, st.sets(st.integers(2, 20), min_size=1, max_size=14)
        ),
        st.just("probe-then-full"),
    ),
)
def test_stages_only_ever_add(layers: int, plan: Any) -> None:
    """Later stages hold the earlier ones, begin later, and in the end everything learns."""
    parts = parts_of(layers)
    found = stages(plan_of(plan), parts)
    assert all(one.learns < other.learns for one, other in itertools.pairwise(found))
    epochs = [each.epoch for each in found if each.epoch is not None]
    assert epochs == sorted(set(epochs))
    assert epochs[0] == 1
    assert found[-1].learns == {name for part in parts for name in part.parameters}


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        ({"freeze": ["nose"]}, r"^training\.plan: freeze takes backbone, encoder, topic, ner; found 'nose'$"),
        ({"freeze": ["projection"]}, r"freeze takes backbone, encoder, topic, ner; found 'projection'"),
        ({"strategy": "probe", "freeze": ["x"]}, r"freeze takes"),
        ("top:5", r"top must be at most 4, this backbone's layers; found 5"),
        ({"layers": [4]}, r"layers must be from 0 to 3; found 4"),
        ({"layers": [-5]}, r"layers must be from 0 to 3; found -5"),
    ],
)
def test_what_the_model_does_not_have_is_refused(plan: Any, says: str) -> None:
    with pytest.raises(UserError, match=says):
        stages(plan_of(plan), parts_of())


def test_something_must_learn() -> None:
    parts = [part for part in parts_of() if part.name != "projection"]
    for plan in ({"freeze": ["backbone", "topic", "ner"]}, {"strategy": "probe", "freeze": ["topic", "ner"]}):
        with pytest.raises(UserError, match=r"^training\.plan: everything is frozen; leave something to learn$"):
            stages(plan_of(plan), parts)


def test_layers_are_refused_where_they_share_their_weights() -> None:
    one = Component("backbone", 0, {"backbone.weight": nn.Parameter(torch.zeros(2, 2))}, [])
    parts = [one, *(part for part in parts_of(0) if part.depth == 1)]
    for plan in ("top:1", {"layers": [0]}, "thaw"):
        with pytest.raises(UserError, match="share their weights"):
            stages(plan_of(plan), parts)
    assert "backbone.weight" in stages(plan_of("full"), parts)[0].learns
    assert "backbone.weight" not in stages(plan_of({"freeze": ["backbone"]}), parts)[0].learns


@pytest.mark.parametrize(
    "plan",
    [
        "half", "top:many", {"top": -1}, {"top": 1, "layers": [1]}, {"strategy": "probe", "thaw": {}}, {"freez": ["a"]},
        {"freeze": []}, {"freeze": "topic"}, {"thaw": {"epochs": [2], "patience": 1}}, {"thaw": {"epochs": [3, 2]}},
        {"thaw": {"epochs": [1]}}, {"layer_decay": 0}, {"layer_decay": 1.5}, {"rates": {"a": -1}}, 3, ["probe"],
        {"layers": []}, {"thaw": {"epochs": []}}, {"top": True}, {"layers": [True]}, {"thaw": {"layers": True}},
        {"probe-then-full": {"patience": True}}, {"lora": {"rank": True}}, {"rates": {"a": False}},
        {"layer_decay": True},
    ],
)  # fmt: skip
def test_what_is_no_plan_is_refused(plan: Any) -> None:
    with pytest.raises(ValidationError):
        plan_of(plan)


@pytest.mark.parametrize(
    ("plan", "frozen"),
    [
        ("full", []),
        ({"freeze": ["topic"]}, ["topic"]),
        ({"rates": {"topic": 0}}, ["topic"]),
        ({"rates": {"topic.weight": 0}}, []),
        ({"strategy": "probe", "freeze": ["ner"], "rates": {"topic": 0}}, ["topic", "ner"]),
        ({"freeze": ["ranked"]}, ["ranked"]),
    ],
)
def test_a_head_of_which_nothing_learns_is_frozen(plan: Any, frozen: list[str]) -> None:
    parts = [*parts_of(), Component("heads.ranked", LAYERS + 1, {}, [])]
    given = plan_of(plan)
    assert frozen_heads(given, parts, stages(given, parts)) == frozen


@pytest.mark.parametrize(
    ("plan", "epochs", "says"),
    [
        ("full", 1, None),
        ("probe-then-full", 2, None),
        ("probe-then-full", 1, "1 of 2 stages .* last of 1 epochs and never do; .* to 2 or more, or use plan: full"),
        ({"probe-then-full": {"patience": 7}}, 2, None),
        ({"probe-then-full": {"epoch": 50}}, 6, "1 of 2 stages .* to 50 or more, or name earlier epochs"),
        ({"thaw": {"epochs": [2, 8]}}, 7, "1 of 3 stages .* to 8 or more, or name earlier epochs"),
        ({"thaw": {"epochs": [2, 8]}}, 8, None),
        ("thaw", 4, "2 of 6 stages .* to 6 or more, or thaw more layers at a time"),
        ("thaw", 6, None),
        ({"thaw": {"patience": 3}}, 4, "5 of 6 stages .* to 17 or more, lower patience, or thaw more layers at a time"),
        ({"thaw": {"patience": 3}}, 17, None),
        (
            {"thaw": {"patience": 10**9}},
            4,
            "5 of 6 stages .* to 5000000002 or more, lower patience, or thaw more layers .*",
        ),
        ({"thaw": {"patience": 1, "layers": 2}}, 3, "2 of 4 stages .* to 5 or more, or thaw more layers at a time"),
    ],
)
def test_stages_that_cannot_begin_are_warned_of(plan: Any, epochs: int, says: str | None) -> None:
    given = plan_of(plan)
    found = late(given, stages(given, parts_of()), epochs)
    assert (found is None) if says is None else re.search(says + "$", found or "")


def rate_of(plan: Any) -> dict[str, float]:
    return rates(plan_of(plan), parts_of(), learning_rate=1e-4, head_learning_rate=1e-2)


def test_backbone_and_heads_have_a_rate_each() -> None:
    found = rate_of("full")
    assert {rate for name, rate in found.items() if name.split(".weight")[0] in BACKBONE} == {1e-4}
    assert {found[f"{name}.bias"] for name in HEADS} == {1e-2}


def test_rates_fall_layer_by_layer() -> None:
    found = rate_of({"layer_decay": 0.5})
    weights = [found[f"{name}.weight"] for name in ("embeddings", *(f"layers.{number}" for number in range(LAYERS)))]
    assert weights == pytest.approx([1e-4 / 16, 1e-4 / 8, 1e-4 / 4, 1e-4 / 2, 1e-4])
    assert found["heads.topic.weight"] == 1e-2
    assert rate_of("thaw")["layers.2.bias"] == pytest.approx(0.8e-4)
    assert rate_of({"thaw": {}, "layer_decay": 1})["layers.2.bias"] == 1e-4


def test_a_pattern_comes_before_all_else_and_the_first_wins() -> None:
    found = rate_of({"layer_decay": 0.5, "rates": {r"^layers\.0\.": 0.0, r"layers|bias$": 3.0}})
    assert found["layers.0.weight"] == found["layers.0.bias"] == 0.0
    assert found["layers.3.weight"] == found["heads.ner.bias"] == 3.0
    assert found["heads.ner.weight"] == 1e-2


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("nowhere", r"'nowhere' is found in no parameter's name, such as embeddings\.weight"),
        ("(", "no regular expression"),
    ],
)
def test_a_pattern_that_is_found_nowhere_is_refused(pattern: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        rate_of({"rates": {"layers": 1.0, pattern: 1.0}})
