"""Every kind of task in one model and one loop; gradient caching, stored embeddings, calibration."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from conftest import sentences
from polyhead import Polyhead, UserError, load_recipe, train
from polyhead.data.example import DataSet, Example
from polyhead.kinds import MultilabelTask, PairsTask
from polyhead.pretrained import load
from polyhead.recipe.examples import recipe_examples
from polyhead.training import TrainingSettings
from polyhead.training.gradient_cache import GradientCache
from polyhead.training.prepare import check_settings, prepare

COLOURS = ["red", "green", "blue"]


def write_data(folder: Path) -> None:
    """Texts whose labels can be seen in their words, in one file for single texts and one for pairs."""
    generator = random.Random(3)
    texts = sentences(120, seed=5, longest=8)
    rows, pairs = [], []
    for text in texts:
        chosen = [colour for colour in COLOURS if generator.random() < 0.4]
        written = " ".join([*chosen, text])
        rows.append({"text": written, "colours": chosen, "size": len(text) % 7, "first": text[0].lower() < "m",
                     "spans": [{"start": 0, "end": len(chosen[0]), "type": "C"}] if chosen else []})  # fmt: skip
        other = generator.choice([text, *texts])
        same = "same" if other == text else "other"
        pairs.append({"a": text, "b": other, "same": same, "score": 5.0 if other == text else 1.0, "no": [texts[0]]})
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in pairs))


def recipe_of(folder: Path, backbone: Path, **training: Any) -> Path:
    document = {
        "model": {"backbone": str(backbone), "normalize": True},
        "tasks": {
            "colours": {"kind": "multilabel", "layers": "mix"},
            "size": {"kind": "regression", "range": [0, 6], "hidden": 8},
            "first": {"kind": "classification", "input": "cls"},
            "names": {"kind": "tagging", "crf": True, "layers": "mix"},
            "same": {"kind": "classification", "pair": True},
            "alike": {"kind": "similarity", "range": [0, 5]},
            "ranked": {"kind": "pairs", "mini_batch_size": 8},
        },
        "data": {
            "rows": {
                "format": "jsonl", "train": "rows.jsonl", "validation": 0.25,
                "tasks": {"colours": {}, "size": {}, "first": {}, "names": {"spans": "spans"}},
            },
            "pairs": {
                "format": "jsonl", "text": "a", "text_pair": ["b", "no"], "train": "pairs.jsonl", "validation": 0.25,
                "tasks": {"same": {}, "alike": {"label": "score"}, "ranked": {}}, "batch_size": 24,
            },
        },
        "training": {"epochs": 2, "batch_size": 16, "learning_rate": 2e-3, "head_learning_rate": 1e-2, "bf16": False}
        | training,
    }  # fmt: skip
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


@pytest.fixture(scope="module")
def trained(backbones: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kinds")
    write_data(folder)
    train(load_recipe(recipe_of(folder, backbones("bert"))), folder / "run")
    return folder


def test_all_kinds_learn_together_and_answer(trained: Path) -> None:
    rows = [json.loads(line) for line in (trained / "run" / "metrics.jsonl").read_text().splitlines()]
    last = [row for row in rows if "eval_loss" in row][-1]
    for key in ("eval_colours_average_precision", "eval_size_mae", "eval_first_accuracy", "eval_names_span_f1",
                "eval_same_accuracy", "eval_alike_spearman", "eval_ranked_mrr", "eval_exact_rows"):  # fmt: skip
        assert np.isfinite(last[key]), key
    model = Polyhead.from_pretrained(trained / "run", dtype="float32")
    one = model.predict("red the river")
    assert set(one.tasks) == {"colours", "size", "first", "names"}
    assert {each.label for each in one["colours"].scores} == set(COLOURS)
    assert 0 <= one["size"].value <= 6
    two = model.predict({"text": "the river", "text_pair": "the river"})
    assert set(two.tasks) == set(model.tasks)
    assert two["alike"].score == pytest.approx(1, abs=1e-5)
    assert two["ranked"].score == pytest.approx(1, abs=1e-5)
    assert two.text_pair == "the river"
    assert two.as_dict()["alike"] == {"score": two["alike"].score}
    with pytest.raises(UserError, match=r"inputs\[0\]: task alike needs two texts"):
        model.predict("the river", ["alike"])
    with pytest.raises(UserError, match=r"inputs\[0\]: a pair has two texts"):
        model.predict([{"text": "the river"}])
    assert model.predict_proba(["red", "blue"], "colours").shape == (2, 3)


def test_pairs_answer_alike_in_any_batch_and_in_training_s_own_pass(trained: Path) -> None:
    model = Polyhead.from_pretrained(trained / "run", dtype="float32")
    texts = sentences(9, seed=4, longest=12)
    pairs = [{"text": left, "text_pair": right} for left, right in zip(texts, texts[1:] + texts[:1], strict=True)]
    together = model.predict(pairs, ["same", "alike"])
    for pair, answer in zip(pairs, together, strict=True):
        alone = model.predict(pair, ["same", "alike"])
        assert alone["alike"].score == pytest.approx(answer["alike"].score, abs=1e-5)
        assert alone["same"].score == pytest.approx(answer["same"].score, abs=1e-5)
    vectors = model.encode(texts, normalize_embeddings=True)
    assert together[0]["alike"].score == pytest.approx(float(vectors[0] @ vectors[1]), abs=1e-5)
    sets, _ = recipe_examples(
        trained / "run" / "recipe.yaml", "validation", model.tasks, data_root=trained, count_unseen=False
    )
    report = model.evaluate([row for rows in sets for row in rows])
    result = json.loads((trained / "run" / "result.json").read_text())["validation"]
    for name in ("same", "alike", "ranked", "size", "first", "names"):  # thresholds of colours came later
        for key, value in result["tasks"][name]["metrics"].items():
            close = 0.05 if name == "ranked" else 1e-5  # the last bits of a cosine may swap candidates
            assert report.tasks[name].metrics[key] == pytest.approx(value, abs=close), (name, key)


def test_calibration_is_stored_and_lowers_the_loss_of_validation_data(trained: Path) -> None:
    config = json.loads((trained / "run" / "model" / "heads" / "colours" / "config.json").read_text())["task"]
    assert config["temperature"] != 1.0
    assert set(config["thresholds"]) == set(COLOURS)
    model = Polyhead.from_pretrained(trained / "run", dtype="float32")
    task = model.tasks["colours"]
    assert isinstance(task, MultilabelTask)
    answer = model.predict("red the river")["colours"]
    for each in answer.scores:
        assert (each in answer.labels) == (each.score >= task.threshold(each.label))
    abstained = model.predict("red the river").at_least(1.1)
    assert abstained["first"].label is None
    assert abstained["colours"].labels == ()
    assert abstained["names"].entities == ()
    assert abstained["size"] == model.predict("red the river")["size"]


def test_the_same_recipe_goes_on_from_the_saved_model(trained: Path, tmp_path: Path) -> None:
    again = train(load_recipe(trained / "recipe.yaml"), tmp_path / "again", start=trained / "run")
    assert set(Polyhead.from_pretrained(again.model, dtype="float32").tasks) == {
        "colours", "size", "first", "names", "same", "alike", "ranked"
    }  # fmt: skip


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_gradient_caching_is_one_large_batch(backbones: Callable[[str], Path], dropout: float) -> None:
    texts = sentences(40, seed=8, longest=20)
    examples = [
        Example(left, {"ranked": 3}, others=(right, texts[0]))
        for left, right in zip(texts[:20], texts[20:], strict=True)
    ]
    found: list[dict[str, torch.Tensor]] = []
    for size in (None, 7):
        loaded = load(backbones("bert"))
        loaded.add_head("ranked", PairsTask(mini_batch_size=size))
        for module in loaded.model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = dropout
        settings = TrainingSettings.model_validate({"bf16": False, "batch_size": 20})
        prepared = prepare(loaded, [DataSet("a", examples)], settings, "cpu")
        batch = prepared.collate(examples)
        torch.manual_seed(1)
        if size is None:
            losses = prepared.forward(batch)[1]
            torch.autograd.backward(losses["ranked"])
        else:
            cache = GradientCache(prepared.forward, batch, size=size)
            losses = cache.losses()
            torch.autograd.backward(losses["ranked"])
            cache.backward()
        gradients = {name: each.grad for name, each in loaded.model.named_parameters() if each.grad is not None}
        found.append({**gradients, "loss": losses["ranked"].detach()})
    whole, cached = found
    if dropout:  # other masks, but in both of the cache's passes the same ones
        assert torch.isfinite(cached["loss"])
        return
    assert whole.keys() == cached.keys()
    for name, value in whole.items():
        assert (value - cached[name]).norm() <= 1e-4 * value.norm() + 1e-5, name


def test_the_cache_s_second_pass_drops_out_what_the_first_did(backbones: Callable[[str], Path]) -> None:
    loaded = load(backbones("bert"))
    loaded.add_head("ranked", PairsTask(mini_batch_size=4))
    examples = [Example(text, {"ranked": 2}, others=(text,)) for text in sentences(6, seed=2)]
    settings = TrainingSettings.model_validate({"bf16": False})
    prepared = prepare(loaded, [DataSet("a", examples)], settings, "cpu")
    seen: list[torch.Tensor] = []
    handle = loaded.model.encoder.backbone.register_forward_hook(lambda module, given, output: seen.append(output[0]))
    cache = GradientCache(prepared.forward, prepared.collate(examples), size=4)
    torch.autograd.backward(cache.losses()["ranked"])
    cache.backward()
    handle.remove()
    first, second = seen[: len(seen) // 2], seen[len(seen) // 2 :]
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))
    assert any(
        module.training and module.p for module in loaded.model.modules() if isinstance(module, torch.nn.Dropout)
    )


def test_token_heads_are_not_cached(backbones: Callable[[str], Path]) -> None:
    from polyhead.kinds import TaggingTask

    loaded = load(backbones("bert"))
    loaded.add_head("ranked", PairsTask(mini_batch_size=4))
    loaded.add_head("names", TaggingTask(labels=("A",)))
    rows = [Example("a", {"ranked": 2, "names": ()}, others=("b",))]
    with pytest.raises(UserError, match=r"data\.a: task names reads token states, which mini_batch_size does not"):
        check_settings(loaded, [DataSet("a", rows)], TrainingSettings(), "cpu")


def stored(folder: Path, backbone: Path, source: dict[str, Any], **task: Any) -> Path:
    document = {
        "model": {"backbone": str(backbone)},
        "tasks": {"first": {"kind": "classification", "input": "embedding", **task}},
        "data": {"rows": {"train": "rows.jsonl", "validation": 0.25, "tasks": {"first": {}}, **source}},
        "training": {"epochs": 3, "plan": "probe", "head_learning_rate": 0.05, "bf16": False},
    }
    path = folder / "stored.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


def test_a_head_learns_and_answers_on_stored_embeddings(backbones: Callable[[str], Path], tmp_path: Path) -> None:
    write_data(tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    model = Polyhead.from_pretrained(backbones("bert"), dtype="float32")
    vectors = model.encode([row["text"] for row in rows])
    np.save(tmp_path / "vectors.npy", vectors)
    answers = []
    for name, source in (("texts", {}), ("npy", {"vectors": "vectors.npy"}), ("field", {"vectors": "vector"})):
        if name == "field":
            with (tmp_path / "rows.jsonl").open("w") as file:
                for row, vector in zip(rows, vectors.tolist(), strict=True):
                    file.write(json.dumps({"vector": vector, "first": row["first"]}) + "\n")
        recipe = stored(tmp_path, backbones("bert"), {"format": "jsonl", **source})
        train(load_recipe(recipe, overrides={"training.group_by_length": "false"}), tmp_path / name)
        made = Polyhead.from_pretrained(tmp_path / name, dtype="float32")
        from_vectors = [each["first"].score for each in made.predict_embeddings(vectors)]
        from_texts = [each["first"].score for each in made.predict([row["text"] for row in rows])]
        assert np.allclose(from_vectors, from_texts, atol=1e-4)
        answers.append(from_vectors)
    assert np.allclose(answers[0], answers[1], atol=1e-3)
    assert np.allclose(answers[1], answers[2], atol=1e-6)
    labels = [{"first": row["first"]} for row in rows]
    texts = [Example(row["text"], own) for row, own in zip(rows, labels, strict=True)]
    known = [Example("", own, vector=vector) for own, vector in zip(labels, vectors, strict=True)]
    done: list[int] = []
    assert made.evaluate(known, advance=done.append).metrics() == made.evaluate(texts).metrics()
    assert sum(done) == len(rows)
    with pytest.raises(UserError, match=r"embeddings: must be floating-point numbers of shape \(texts, 32\), found"):
        made.predict_embeddings(vectors[:, :5])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"training.plan": "full"}, r"data\.rows\.vectors: the encoder must stay as it is"),
        ({"tasks.first.input": "pooled"}, r"data\.rows\.vectors: task first reads texts; give it input: embedding"),
        ({"data.rows.vectors": "narrow.npy"}, r"rows\.jsonl:1: an embedding of this model has 32 numbers, found 3"),
        ({"data.rows.vectors": "short.npy"}, r"rows\.jsonl:8: short\.npy has only 7 rows, this file has more"),
        ({"data.rows.vectors": "long.npy"}, r"long\.npy: has 130 rows, but the data has only 120"),
        ({"data.rows.vectors": "flat.npy"}, r"flat\.npy: must hold floating-point numbers of shape \(texts, width\)"),
        ({"data.rows.vectors": "rows.jsonl.npy"}, r"rows\.jsonl\.npy: no such file"),
        ({"data.rows.vectors": "size"}, r"rows\.jsonl:1: size must hold an embedding of finite numbers, found"),
        ({"data.rows.stream": "true"}, r"stream: stored embeddings are small enough for memory"),
    ],
)
def test_stored_embeddings_that_do_not_fit(
    backbones: Callable[[str], Path], tmp_path: Path, change: dict[str, str], says: str
) -> None:
    write_data(tmp_path)
    for name, shape in (("vectors", (120, 32)), ("narrow", (120, 3)), ("short", (7, 32)), ("long", (130, 32)),
                        ("flat", (120,))):  # fmt: skip
        np.save(tmp_path / f"{name}.npy", np.ones(shape, dtype=np.float32))
    recipe = stored(tmp_path, backbones("bert"), {"format": "jsonl", "vectors": "vectors.npy"})
    with pytest.raises(UserError, match=says):
        train(load_recipe(recipe, overrides=change), tmp_path / "run")


def test_unlabelled_texts_are_a_data_set_that_teaches_nothing(backbones: Callable[[str], Path], tmp_path: Path) -> None:
    write_data(tmp_path)
    (tmp_path / "plain.txt").write_text("some text\nanother one\n")
    path = recipe_of(tmp_path, backbones("bert"), epochs=1)
    document = yaml.safe_load(path.read_text())
    document["data"]["plain"] = {"format": "text", "train": "plain.txt"}
    path.write_text(yaml.safe_dump(document))
    steps: list[int] = []
    from polyhead.recipe import Watcher

    train(load_recipe(path), tmp_path / "run", watcher=Watcher(on_step=lambda report: steps.append(report.steps)))
    assert steps[0] == -(-90 // 16) + -(-90 // 24)
    document["data"] = {"plain": {"format": "text", "train": "plain.txt", "tasks": {"first": {}}}}
    document["tasks"] = {"first": {"kind": "classification", "labels": ["a", "b"]}}
    path.write_text(yaml.safe_dump(document))
    with pytest.raises(UserError, match="no field 'first'"):
        train(load_recipe(path), tmp_path / "other")
