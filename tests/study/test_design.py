"""Which trainings a study is made of."""

from typing import Any

import pytest
import typer
import yaml

from polyhead.cli.study import grid_of, split_plans
from polyhead.errors import UserError
from polyhead.study.design import Design, Job, jobs, left_out, only_tasks, plan_of, settings_of


def test_every_plan_with_every_combination_and_seed_once() -> None:
    grid = {"training.epochs": ["1", "2"], "training.x": ["a", "b"]}
    design = Design(["frozen", "probe", "full"], [13, 14], grid, True)
    found = jobs(design, ["topic", "ner"])
    assert len({(job.plan, job.seed, job.task, *sorted(job.changes.items())) for job in found}) == len(found)
    assert sum(job.plan == "frozen" for job in found) == 2
    assert sum(job.plan == "probe" for job in found) == 8
    assert sum(job.task is not None for job in found) == 2 * 2 * 4
    assert {job.plan for job in found if job.task} == {"full"}
    assert len({job.folder for job in found}) == len(found)


def test_backbones_are_tried_without_training_too() -> None:
    grid = {"model.backbone": ["a", "b"], "training.epochs": ["1", "2"]}
    found = jobs(Design(["frozen", "full"], [13], grid), ["topic"])
    assert [dict(job.changes) for job in found if job.plan == "frozen"] == [
        {"model.backbone": "a"}, {"model.backbone": "b"},
    ]  # fmt: skip
    assert len(found) == 2 + 4


def test_what_refines_the_recipe_s_plan_and_is_not_in_force_is_said() -> None:
    recipe = plan_of("{layer_decay: 0.8, freeze: [topic]}")
    design = Design(["frozen", "thaw", "probe", "{top: 2, layer_decay: 0.5}"], [13], single_task=True)
    decay, freeze = left_out(design, recipe)
    assert decay.startswith("the recipe's plan has layer_decay, which these do not: probe, each task alone; ")
    assert "freeze, which these do not: thaw, probe, {top: 2, layer_decay: 0.5}, each task alone; " in freeze
    assert left_out(Design(["frozen"], [13]), recipe) == left_out(design, plan_of("full")) == []


def test_one_task_is_not_trained_alone_twice() -> None:
    assert all(job.task is None for job in jobs(Design(["full"], [1], single_task=True), ["topic"]))


def test_a_job_s_folder_is_a_safe_name_and_the_same_again() -> None:
    job = Job("{top: 1, rates: {'../x': 1}}", 13, {"a.b": "/etc"})
    assert job.folder == Job(job.plan, 13, {"a.b": "/etc"}).folder
    assert set(job.folder) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


def test_what_a_job_changes() -> None:
    assert Job("top:2", 14, {"training.epochs": "3"}).overrides(100, ["a"]) == {
        "training.plan": "top:2",
        "training.max_train_samples": "100",
        "training.epochs": "3",
        "training.seed": "14",
    }
    changes = {"tasks.ner.weight": "2", "tasks.topic.weight": "3", "training.score": "loss"}
    alone = Job("full", 14, changes, task="topic").overrides(None, ["news"])
    assert alone == {"training.plan": "full", "tasks.topic.weight": "3", "training.seed": "14"}
    sizes = {"data.news.batch_size": "8", "data.conll.batch_size": "16"}
    assert Job("full", 14, sizes, task="topic").overrides(None, ["news"]) == {
        "training.plan": "full",
        "data.news.batch_size": "8",
        "training.seed": "14",
    }
    assert Job("frozen", 14).overrides(None, ["a"]) == {"training.plan": "frozen", "training.seed": "14"}


def test_the_same_plan_counts_once_however_it_is_spelled() -> None:
    plans = ["top:2", "probe", "{top: 2}", "probe", "{probe-then-full: {}}"]
    assert [job.plan for job in jobs(Design(plans, [1]), ["a"])] == ["top:2", "probe", "{probe-then-full: {}}"]


@pytest.mark.parametrize(
    "plans",
    [
        ["full", "{}", "{layer_decay: 1.0}"],
        ["thaw", "{thaw: {}}", "{thaw: {layers: 1}, layer_decay: 0.8}"],
        ["lora", "{lora: {rank: 8}}"],
        ["{layers: [0, 1]}", "{layers: [1, 0]}"],
        ["{freeze: [a, b]}", "{freeze: [b, a]}"],
        ["probe-then-full", "{probe-then-full: {patience: 1}}"],
    ],
)
def test_plans_that_mean_the_same_count_once(plans: list[str]) -> None:
    assert [job.plan for job in jobs(Design(plans, [1]), ["a"])] == plans[:1]


def test_nothing_is_done_twice_because_of_settings_that_change_nothing() -> None:
    grid = {"tasks.topic.weight": ["1", "2"]}
    alone = [job for job in jobs(Design(["full"], [1], grid, single_task=True), ["topic", "tone"]) if job.task]
    assert [(job.task, dict(job.changes)) for job in alone] == [
        ("topic", {"tasks.topic.weight": "1"}), ("topic", {"tasks.topic.weight": "2"}), ("tone", {}),
    ]  # fmt: skip
    design = Design(["frozen"], [1], {"embedding.mode": ["fork", "anchor"], "training.max_train_samples": ["16", "48"]})
    assert [dict(job.changes) for job in jobs(design, ["topic"])] == [
        {"training.max_train_samples": "16"}, {"training.max_train_samples": "48"},
    ]  # fmt: skip


def test_settings_are_named_by_what_tells_them_apart() -> None:
    assert settings_of({"training.learning_rate": "1e-4", "tasks.a.weight": "1", "tasks.b.weight": "2"}) == (
        "learning_rate 1e-4, a.weight 1, b.weight 2"
    )


def test_values_are_named_once_and_are_some() -> None:
    for given in (["a.b=1,2", "a.b=3"], ["a.b=,"]):
        with pytest.raises(typer.BadParameter, match="--set"):
            grid_of(given)


@pytest.mark.parametrize("key", ["training.plan", "training.plan.top", "training.seed", "training.max_train_samples"])
def test_settings_that_are_the_study_s_own_are_refused(key: str) -> None:
    with pytest.raises(UserError, match=f"--set: {key} is what --.* says in a study"):
        jobs(Design(["full"], [1], {key: ["1", "2"]}, rows=5), ["a"])


@pytest.mark.parametrize("plan", ["half", "top:", "{top: 1", "{freez: [a]}", "[1]"])
def test_what_is_no_plan_is_refused(plan: str) -> None:
    with pytest.raises(UserError, match=r"--plans: .* is no plan"):
        jobs(Design([plan], [1]), ["topic"])


def test_no_plan_at_all_is_refused() -> None:
    with pytest.raises(UserError, match="--plans: name one or more"):
        jobs(Design([], [1]), ["topic"])


RECIPE = """
tasks: {topic: {kind: classification}, names: {kind: tagging}}
data:
  news: {format: csv, train: a.csv, test: {path: b.csv, tasks: {topic: {label: x}}}, tasks: {topic: {}}}
  both: {format: jsonl, train: c.jsonl, tasks: {topic: {}, names: {spans: entities}}}
  conll: {format: conll, train: d.txt, tasks: {names: {column: 3}}}
training: {epochs: 2, score: {topic.accuracy: 1, names.span_f1: 1}}
"""


def test_a_recipe_with_one_task_alone() -> None:
    raw: dict[str, Any] = yaml.safe_load(RECIPE)
    found = only_tasks(raw, ["names"])
    assert list(found["tasks"]) == ["names"]
    assert list(found["data"]) == ["both", "conll"]
    assert found["data"]["both"]["tasks"] == {"names": {"spans": "entities"}}
    assert found["training"] == {"epochs": 2}
    assert list(only_tasks(raw, ["topic"])["data"]) == ["news", "both"]
    both = only_tasks(raw, ["topic", "names"])
    assert (both["tasks"], both["data"]) == (raw["tasks"], raw["data"])
    assert raw == yaml.safe_load(RECIPE)


def test_plans_and_grids_are_read_from_the_command_line() -> None:
    assert split_plans("probe, top:2,{top: 1, rates: {a: 1, b: 2}}, {layers: [1, 2]}") == [
        "probe", "top:2", "{top: 1, rates: {a: 1, b: 2}}", "{layers: [1, 2]}",
    ]  # fmt: skip
    assert grid_of(["training.learning_rate=1e-4,5e-5"]) == {"training.learning_rate": ["1e-4", "5e-5"]}
    for wrong in ("epochs=3", "training.epochs", "training.epochs="):
        with pytest.raises(typer.BadParameter):
            grid_of([wrong])
