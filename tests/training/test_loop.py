"""The loop on a tiny backbone: it learns, freezes what it must, keeps the best, counts losses over the whole step."""

import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from polyhead import Polyhead, UserError
from polyhead.data.collate import Collator
from polyhead.data.example import DataSet, Example
from polyhead.kinds import ClassificationTask, EntitySpan, MultilabelTask, SimilarityTask, TaggingTask
from polyhead.pretrained import Pretrained, load
from polyhead.training import Callbacks, EvaluationReport, StepReport, TrainingSettings, train
from polyhead.training.prepare import prepare

PLACES, PEOPLE, VERBS = ["Berlin", "Tokyo", "Oslo", "Lima"], ["Anna", "Kofi"], ["visits", "remembers", "paints"]


def rows(count: int, *, seed: int) -> list[Example]:
    """Sentences whose class is their verb and whose entities are names: learnable from the words alone."""
    generator = np.random.default_rng(seed)
    made = []
    for number in range(count):
        person, verb, place = (str(generator.choice(words)) for words in (PEOPLE, VERBS, PLACES))
        text = f"{person} {verb} the garden in {place} on Thursday"
        spans = [EntitySpan(0, len(person), "PER")]
        spans.append(EntitySpan(text.index(place), text.index(place) + len(place), "LOC"))
        labels = {"verb": verb, "names": tuple(spans)}
        kept = labels if number % 3 == 0 else {"verb": verb} if number % 3 == 1 else {"names": labels["names"]}
        made.append(Example(text, kept, None, f"rows:{number}"))
    return made


def model_of(folder: Path, **settings: object) -> Pretrained:
    torch.manual_seed(1)
    loaded = load(folder, attention_dropout=0.0)
    loaded.add_head("verb", ClassificationTask(labels=tuple(VERBS), dropout=0.0))
    loaded.add_head("names", TaggingTask(labels=("LOC", "PER"), dropout=0.0, word_shapes=True))
    return loaded


def settings_of(**changes: object) -> TrainingSettings:
    values = {"epochs": 6, "batch_size": 8, "learning_rate": 2e-3, "head_learning_rate": 1e-2, "bf16": False, **changes}
    return TrainingSettings.model_validate(values)


@pytest.fixture
def data() -> list[DataSet]:
    return [DataSet("a", rows(48, seed=1), rows(24, seed=2)), DataSet("b", rows(30, seed=3), rows(12, seed=4))]


def state(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


@pytest.mark.parametrize("sampling", ["proportional", "alternating", "round_robin", "temperature"])
def test_it_learns_both_tasks_and_leaves_a_model_and_its_history(
    backbones: Callable[[str], Path], tmp_path: Path, data: list[DataSet], sampling: str
) -> None:
    steps: list[StepReport] = []
    epochs: list[EvaluationReport] = []
    loaded = model_of(backbones("bert"))
    result = train(
        loaded,
        data,
        settings_of(sampling=sampling, epochs=12),
        folder=tmp_path,
        callbacks=Callbacks(on_step=steps.append, on_evaluation=epochs.append),
    )
    metrics = result.best.report.metrics()
    assert metrics["verb.accuracy"] > 0.95
    assert metrics["names.span_f1"] > 0.95
    assert [each.step for each in steps] == list(range(1, steps[-1].steps + 1))
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert sum("eval_loss" in line for line in lines) == 12
    assert lines[-1]["eval_names_span_f1"] == epochs[-1].report.metrics()["names.span_f1"]
    model = Polyhead.from_pretrained(tmp_path / "model", dtype="float32")
    answer = model.predict("Kofi paints the garden in Lima on Thursday")
    assert answer["verb"].label == "paints"
    assert [(each.word, each.entity_group) for each in answer["names"].entities] == [("Kofi", "PER"), ("Lima", "LOC")]
    assert loaded.encoder_hash() == model.pretrained.encoder_hash()  # the best weights are put back
    kept = model.evaluate([each for one in data for each in one.validation]).metrics()
    assert kept == pytest.approx(metrics)


def test_the_same_seed_gives_the_same_weights_and_another_does_not(
    backbones: Callable[[str], Path], tmp_path: Path, data: list[DataSet]
) -> None:
    hashes = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(model_of(backbones("bert")), data, settings_of(epochs=1, seed=seed), folder=tmp_path / name)
        hashes.append(load(tmp_path / name / "model").encoder_hash())
    assert hashes[0] == hashes[1] != hashes[2]


@pytest.mark.parametrize(
    ("plan", "held"),
    [
        ("full", []),
        ("probe", ["encoder.backbone"]),
        ("top:1", ["encoder.backbone.network.embeddings", "encoder.backbone.network.encoder.layer.0"]),
        ({"layers": [0]}, ["encoder.backbone.network.embeddings", "encoder.backbone.network.encoder.layer.1"]),
        ({"freeze": ["verb"]}, ["heads.modules_by_task.verb-head"]),
        ({"freeze": ["backbone", "names"]}, ["encoder.backbone", "heads.modules_by_task.names-head"]),
        ({"freeze": ["encoder"]}, ["encoder"]),
        ({"rates": {"embeddings": 0}}, ["encoder.backbone.network.embeddings"]),
    ],
)
def test_what_a_plan_freezes_stays_bit_equal_and_all_else_moves(
    backbones: Callable[[str], Path], tmp_path: Path, data: list[DataSet], plan: object, held: list[str]
) -> None:
    loaded = model_of(backbones("bert"))
    before = state(loaded.model)
    train(loaded, data, settings_of(epochs=1, plan=plan, weight_decay=0.0), folder=tmp_path)
    for name, tensor in loaded.model.state_dict().items():
        frozen = any(name.startswith(prefix) for prefix in held)
        unused = "pooler" in name  # of no part in token states: it gets no gradient
        assert torch.equal(tensor, before[name]) == (frozen or unused), name


def test_bitfit_moves_biases_and_heads_alone(
    backbones: Callable[[str], Path], tmp_path: Path, data: list[DataSet]
) -> None:
    loaded = model_of(backbones("bert"))
    before = state(loaded.model)
    train(loaded, data, settings_of(epochs=1, plan="bitfit", weight_decay=0.0), folder=tmp_path)
    for name, tensor in loaded.model.state_dict().items():
        still = ("backbone" in name and not name.endswith("bias")) or "pooler" in name
        assert torch.equal(tensor, before[name]) == still, name


_EMBEDDINGS, _LOWER, _UPPER = "embeddings", "layer.0", "layer.1"
_ALL = (_EMBEDDINGS, _LOWER, _UPPER)


@pytest.mark.parametrize(
    ("plan", "frozen"),
    [
        ("thaw", [_ALL, (_EMBEDDINGS, _LOWER), (_EMBEDDINGS,), ()]),
        ({"thaw": {"epochs": [2, 3]}}, [_ALL, (_EMBEDDINGS,), ()]),
        ({"probe-then-full": {"epoch": 3}}, [_ALL, _ALL, ()]),
    ],
)
@pytest.mark.parametrize("cache", [False, True])
def test_each_stage_moves_what_has_thawed_and_nothing_else(
    backbones: Callable[[str], Path],
    tmp_path: Path,
    data: list[DataSet],
    plan: object,
    frozen: list[tuple[str, ...]],
    *,
    cache: bool,
) -> None:
    """Seen at each epoch's end; what is still frozen has no gradient and no dropout."""
    loaded = model_of(backbones("bert"))
    seen = [state(loaded.model)]
    settings = settings_of(epochs=len(frozen), plan=plan, weight_decay=0.0, score="loss", cache=cache)
    steps = set()

    def after_step(report: StepReport) -> None:
        steps.add(report.epoch)
        still = frozen[report.epoch - 1]
        for name, module in loaded.model.encoder.backbone.named_modules():
            if isinstance(module, torch.nn.Dropout) and any(each in name for each in still):
                assert not module.training, name
        for name, parameter in loaded.model.encoder.backbone.named_parameters():
            if any(each in name for each in still):
                assert (parameter.requires_grad, parameter.grad) == (False, None), name

    train(
        loaded,
        data,
        settings,
        folder=tmp_path,
        callbacks=Callbacks(on_step=after_step, on_evaluation=lambda report: seen.append(state(loaded.model))),
    )
    assert steps == set(range(1, len(frozen) + 1))
    for epoch, (before, after) in enumerate(itertools.pairwise(seen), 1):
        still = frozen[epoch - 1]
        for name, tensor in after.items():
            held = any(each in name for each in still) or "pooler" in name
            assert torch.equal(tensor, before[name]) == held, (epoch, name)


def test_patience_counts_only_after_the_last_stage(
    backbones: Callable[[str], Path], tmp_path: Path, data: list[DataSet]
) -> None:
    """With rates of next to nothing nothing ever gets better: the heads' stage gives up first, then the run."""
    plan = {"probe-then-full": {"patience": 3}, "rates": {".": 1e-30}}
    settings = settings_of(epochs=20, plan=plan, early_stopping_patience=2)
    result = train(model_of(backbones("bert")), data, settings, folder=tmp_path)
    assert result.stopped_early
    assert len(result.evaluations) == 1 + 3 + 2


@pytest.mark.parametrize(
    ("plan", "frozen"),
    [
        ("probe", ["encoder.backbone"]),
        ("thaw", ["encoder.backbone"]),
        ("probe-then-full", ["encoder.backbone"]),
        ("top:1", ["encoder.backbone.network.embeddings", "encoder.backbone.network.encoder.layer.0"]),
        ({"layers": [0]}, ["encoder.backbone.network.embeddings", "encoder.backbone.network.encoder.layer.1"]),
        ({"freeze": ["encoder"]}, ["encoder"]),
        ({"freeze": ["verb"]}, ["heads.modules_by_task.verb-head"]),
    ],
)
def test_frozen_modules_hold_no_gradients_no_optimizer_state_and_no_dropout(
    backbones: Callable[[str], Path], data: list[DataSet], plan: object, frozen: list[str]
) -> None:
    loaded = model_of(backbones("bert"))
    run = prepare(loaded, data, settings_of(plan=plan), None)
    run.step([run.collate(list(each.train)[:8]) for each in data], factor=1.0)
    names = {id(parameter): name for name, parameter in loaded.model.named_parameters()}
    stated = {names[id(parameter)] for parameter in run.optimizer.state}
    held = {names[id(parameter)] for group in run.optimizer.param_groups for parameter in group["params"]}
    assert stated
    staged = plan in ("thaw", "probe-then-full")  # their groups hold what will learn, too
    for name, parameter in loaded.model.named_parameters():
        if name.startswith(tuple(frozen)):
            assert (parameter.requires_grad, parameter.grad) == (False, None), name
            assert name not in stated, name
            assert staged or name not in held, name
        else:
            assert parameter.requires_grad == (name in stated) == ("pooler" not in name), name
    for name, module in loaded.model.named_modules():
        leaf = not list(module.children()) and "pooler" not in name
        if leaf and (isinstance(module, torch.nn.Dropout) or list(module.parameters())):
            assert module.training != name.startswith(tuple(frozen)), name


def test_a_step_over_several_batches_is_one_large_batch(backbones: Callable[[str], Path], data: list[DataSet]) -> None:
    """The same loss and the same update, with labels missing at random in each part."""
    examples = list(data[0].train)[:24]
    results = []
    for parts in ([examples], [examples[:5], examples[5:6], examples[6:]]):
        loaded = model_of(backbones("bert"))
        run = prepare(loaded, data, settings_of(max_grad_norm=1e9), None)
        loaded.model.eval()  # no dropout: the parts would draw other masks
        captured: dict[str, torch.Tensor] = {}

        def keep(*_: object, model: torch.nn.Module = loaded.model, into: dict[str, torch.Tensor] = captured) -> None:
            into.update({name: each.grad.clone() for name, each in model.named_parameters() if each.grad is not None})

        run.optimizer.register_step_pre_hook(keep)
        results.append((run.step([run.collate(part) for part in parts], factor=1.0).losses, captured))
    (loss, gradients), (loss_of_parts, gradients_of_parts) = results
    assert loss_of_parts == pytest.approx(loss, rel=1e-5)
    assert gradients.keys() == gradients_of_parts.keys()
    for name, gradient in gradients.items():
        assert torch.allclose(gradient, gradients_of_parts[name], rtol=1e-4, atol=1e-6), name


def test_losses_are_means_over_labels_and_weighted(backbones: Callable[[str], Path], data: list[DataSet]) -> None:
    loaded = model_of(backbones("bert"))
    run = prepare(loaded, data, settings_of(), None)
    loaded.model.eval()
    batch = run.collate(list(data[0].train)[:9])
    outputs, sums = run.forward(batch)
    logits = outputs.logits
    for name in ("verb", "names"):
        flat = logits[name].reshape(-1, logits[name].shape[-1])
        mean = torch.nn.functional.cross_entropy(flat, batch.targets[name].reshape(-1))
        assert sums[name].item() / batch.counts[name] == pytest.approx(mean.item(), rel=1e-5)
    run.step.weights = {"verb": 3.0, "names": 1.0}
    assert run.step.weighted_sum({"verb": 2.0, "names": 1.0}) == 7.0


def test_a_task_without_labels_adds_nothing(backbones: Callable[[str], Path], data: list[DataSet]) -> None:
    loaded = model_of(backbones("bert"))
    collate = Collator(loaded.tokenizer, loaded.tasks)
    only_verbs = [each for each in data[0].train if "names" not in each.labels]
    batch = collate(only_verbs)
    assert set(batch.targets) == {"verb"}
    empty = collate([Example("Anna visits Oslo", {"names": ()}), Example("Oslo", {})])
    assert empty.counts == {"names": 3}


def test_early_stopping_keeps_the_best_epoch(
    backbones: Callable[[str], Path], tmp_path: Path, data: list[DataSet]
) -> None:
    """With rates of zero no epoch beats the first."""
    result = train(
        model_of(backbones("bert")),
        data,
        settings_of(epochs=9, learning_rate=0, head_learning_rate=0, early_stopping_patience=2, score="loss"),
        folder=tmp_path,
    )
    assert (len(result.evaluations), result.best.epoch, result.stopped_early) == (3, 1, True)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"plan": {"freeze": ["nose"]}}, "freeze takes backbone, encoder, verb, names; found 'nose'"),
        ({"plan": {"freeze": ["backbone", "verb", "names"]}}, "everything is frozen"),
        ({"score": "verb.f2"}, "training.score: must be of loss, verb.accuracy"),
        ({"score": {"nose.accuracy": 1.0}}, "found 'nose.accuracy'"),
        ({"score": {"verb.accuracy": 0.0}}, "a sum above 0"),
    ],
)
def test_what_is_not_there_is_refused(
    backbones: Callable[[str], Path], tmp_path: Path, data: list[DataSet], changes: dict[str, object], words: str
) -> None:
    with pytest.raises(UserError, match=words):
        train(model_of(backbones("bert")), data, settings_of(**changes), folder=tmp_path)


def test_a_stage_that_waits_for_a_score_needs_validation_data(
    backbones: Callable[[str], Path], tmp_path: Path, data: list[DataSet]
) -> None:
    blind = [replace(each, validation=()) for each in data]
    with pytest.raises(UserError, match="a stage waits for a validation score, and there is no validation data"):
        train(model_of(backbones("bert")), blind, settings_of(plan="probe-then-full"), folder=tmp_path)
    result = train(
        model_of(backbones("bert")),
        blind,
        settings_of(plan={"probe-then-full": {"epoch": 2}}, epochs=2),
        folder=tmp_path / "run",
    )
    assert result.stages == 2


def test_bf16_autocast_learns_and_saves_fp32(
    backbones: Callable[[str], Path], tmp_path: Path, data: list[DataSet]
) -> None:
    result = train(model_of(backbones("bert")), data, settings_of(bf16=True, epochs=10), folder=tmp_path)
    assert result.best.report.metrics()["verb.accuracy"] > 0.9
    assert {each.dtype for each in load(tmp_path / "model").model.state_dict().values()} == {torch.float32}


@pytest.mark.parametrize("architecture", ["roberta", "mpnet", "distilbert", "modernbert", "gpt_neo"])
def test_every_architecture_trains(
    backbones: Callable[[str], Path], tmp_path: Path, data: list[DataSet], architecture: str
) -> None:
    loaded = model_of(backbones(architecture))
    before = state(loaded.model.encoder)
    result = train(loaded, data, settings_of(epochs=2, bf16=True), folder=tmp_path)
    first, last = result.evaluations[0], result.evaluations[-1]
    assert last.loss < first.train_losses["verb"] + first.train_losses["names"]
    assert any(not torch.equal(each, before[name]) for name, each in loaded.model.encoder.state_dict().items())


def test_without_validation_data_the_last_epoch_is_kept_and_patience_is_refused(
    backbones: Callable[[str], Path], tmp_path: Path, data: list[DataSet]
) -> None:
    only_train = [replace(each, validation=()) for each in data]
    result = train(model_of(backbones("bert")), only_train, settings_of(epochs=2), folder=tmp_path / "run")
    assert result.best.epoch == 2
    for changes, words in (({"early_stopping_patience": 1}, "needs validation data"), ({"score": "loss"}, "none")):
        with pytest.raises(UserError, match=words):
            train(model_of(backbones("bert")), only_train, settings_of(**changes), folder=tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_frozen_heads_of_pairs_are_measured_on_pairs(
    backbones: Callable[[str], Path], tmp_path: Path, data: list[DataSet]
) -> None:
    loaded = model_of(backbones("bert"))
    loaded.add_head("same", ClassificationTask(labels=("no", "yes"), pair=True))
    loaded.add_head("alike", SimilarityTask(range=(0, 1)))
    texts = [row.text for each in data for row in each.validation]
    pairs = [Example(text, others=(other,)) for text, other in itertools.pairwise(texts)]
    given = [*data, DataSet("pairs", (), pairs)]
    result = train(loaded, given, settings_of(epochs=2, plan={"freeze": ["same", "alike"]}), folder=tmp_path)
    assert set(result.drift) == {"same", "alike"}
    for moved in result.drift.values():
        assert moved.answers == len(pairs)
        assert moved.distance > 1e-4


@pytest.mark.parametrize(
    ("plan", "moves"), [({"freeze": ["names", "verb"]}, True), ({"strategy": "probe", "freeze": ["names"]}, False)]
)
def test_what_frozen_heads_answer_drifts_with_the_encoder_alone(
    backbones: Callable[[str], Path], tmp_path: Path, data: list[DataSet], plan: object, moves: bool
) -> None:
    loaded = model_of(backbones("bert"))
    texts = [row.text for each in data for row in each.validation]
    before = [each["names"].entities for each in Polyhead(loaded, dtype="float32").predict(texts)]
    result = train(loaded, data, settings_of(epochs=2, plan=plan), folder=tmp_path)
    assert set(result.drift) == {"names", "verb"} if moves else {"names"}
    found = result.drift["names"]
    assert found.answers == sum(len(text.split()) for text in texts)
    assert (found.distance > 1e-4) == moves
    after = [each["names"].entities for each in Polyhead(loaded, dtype="float32").predict(texts)]
    if not moves:
        assert found.changed == 0
        assert before == after


@pytest.mark.parametrize("plan", [{"freeze": ["verb", "kind"]}, {"rates": {r"heads\.(verb|kind)\.": 0}}])
def test_a_rate_of_0_freezes_a_head_as_its_name_does(
    backbones: Callable[[str], Path], tmp_path: Path, data: list[DataSet], plan: object
) -> None:
    loaded = model_of(backbones("bert"))
    loaded.add_head("kind", MultilabelTask(labels=tuple(VERBS)))

    def more(split: Sequence[Example]) -> list[Example]:
        kinds = [(row.labels["verb"],) if "verb" in row.labels else () for row in split]
        return [replace(row, labels={**row.labels, "kind": kind}) for row, kind in zip(split, kinds, strict=True)]

    data = [replace(each, train=more(each.train), validation=more(each.validation)) for each in data]
    before = dict(loaded.tasks)
    result = train(loaded, data, settings_of(epochs=2, plan=plan), folder=tmp_path)
    assert set(result.drift) == {"verb", "kind"}
    found = load(tmp_path / "model")
    assert {name: head.trained for name, head in found.heads.items()} == {"verb": False, "kind": False, "names": True}
    for name in ("verb", "kind"):
        assert found.tasks[name] == before[name]
    assert found.tasks["names"] != before["names"]


def test_a_head_of_which_a_part_learns_is_taught(
    backbones: Callable[[str], Path], tmp_path: Path, data: list[DataSet]
) -> None:
    plan = {"rates": {r"heads\.verb\..*weight": 0}}
    result = train(model_of(backbones("bert")), data, settings_of(epochs=1, plan=plan), folder=tmp_path)
    assert result.drift == {}
    assert load(tmp_path / "model").heads["verb"].trained


@pytest.mark.parametrize(
    ("plan", "epochs", "begun", "planned"),
    [
        ("probe-then-full", 1, 1, 2),
        ({"thaw": {"patience": 3}}, 4, 1, 4),
        ("thaw", 2, 2, 4),
        ("thaw", 4, 4, 4),
        ("full", 1, 1, 1),
    ],
)
def test_stages_that_never_began_are_said_in_the_end(
    backbones: Callable[[str], Path],
    tmp_path: Path,
    data: list[DataSet],
    plan: object,
    epochs: int,
    begun: int,
    planned: int,
) -> None:
    said: list[str] = []
    settings = settings_of(epochs=epochs, plan=plan)
    result = train(
        model_of(backbones("bert")), data, settings, folder=tmp_path, callbacks=Callbacks(on_note=said.append)
    )
    assert (result.stages, result.planned) == (begun, planned)
    lines = [line for line in said if "never began" in line]
    missing = f"! training.plan: {planned - begun} of {planned} stages never began"
    assert [line.startswith(missing) for line in lines] == ([True] if begun < planned else [])
