"""Folders that are damaged, foreign, tampered with, or no models at all: one line each, and nothing is loaded."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer

from polyhead import Polyhead, UserError


@pytest.fixture
def folder(backbones: Callable[[str], Path], tmp_path: Path) -> Path:
    model = Polyhead.from_pretrained(backbones("bert"))
    model.add_head("topic", "classification", ["a", "b"])
    model.add_head("type", "tagging", ["PER"], word_shapes=True)
    model.save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def change_json(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def change_weights(path: Path) -> None:
    tensors = {name: tensor.clone() for name, tensor in load_file(path).items()}
    next(iter(tensors.values())).view(-1)[0] += 1e-3
    save_file(tensors, path, metadata={"format": "pt"})


def only_pickle(folder: Path) -> None:
    torch.save({}, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def no_tokenizer(folder: Path) -> None:
    for path in folder.glob("tokenizer*"):
        path.unlink()


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "truncated weights": (
        lambda f: (f / "model.safetensors").write_bytes(b"\x10" + bytes(7) + b"{"),
        "damaged weights",
    ),
    "cut in half": (
        lambda f: (f / "model.safetensors").write_bytes((f / "model.safetensors").read_bytes()[:9000]),
        "damaged weights",
    ),
    "tampered encoder": (lambda f: change_weights(f / "model.safetensors"), "was trained on encoder"),
    "tampered head": (lambda f: change_weights(f / "heads/topic/model.safetensors"), "not those that were saved"),
    "truncated head": (lambda f: (f / "heads/topic/model.safetensors").write_bytes(b"1234"), "damaged weights"),
    "head without weights": (lambda f: (f / "heads/topic/model.safetensors").unlink(), "missing"),
    "head without config": (lambda f: (f / "heads/topic/config.json").unlink(), "missing"),
    "head of another size": (
        lambda f: change_json(
            f / "heads/topic/config.json", task={"kind": "classification", "labels": ["a", "b", "c"]}
        ),
        "do not fit",
    ),
    "unknown kind": (lambda f: change_json(f / "heads/topic/config.json", task={"kind": "magic"}), "found 'magic'"),
    "newer format": (lambda f: change_json(f / "polyhead.json", format_version=9), "update polyhead"),
    "heads that lead out": (lambda f: change_json(f / "polyhead.json", heads=["../x"]), "task names"),
    "broken manifest": (lambda f: (f / "polyhead.json").write_text("{"), "no readable JSON"),
    "no config": (lambda f: (f / "config.json").unlink(), "no model that can be opened"),
    "pickle only": (only_pickle, "no model that can be opened"),
    "no tokenizer": (no_tokenizer, "no tokenizer that can be opened"),
    "broken config": (lambda f: (f / "config.json").write_text("[]"), "no model that can be opened"),
    "foreign module": (
        lambda f: (f / "modules.json").write_text(
            json.dumps([{"idx": 0, "name": "0", "path": "", "type": "evil.code.Transformer"}])
        ),
        "foreign code",
    ),
    "unknown module": (
        lambda f: (f / "modules.json").write_text(
            json.dumps(
                [
                    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
                    {"idx": 1, "name": "1", "path": "1_LSTM", "type": "sentence_transformers.models.LSTM"},
                ]
            )
        ),
        "found 'Transformer + LSTM'",
    ),
    "no attention heads": (lambda f: change_json(f / "config.json", num_attention_heads=0), "no model that can be"),
    "a width that is no number": (lambda f: change_json(f / "config.json", hidden_size="abc"), "no model that can be"),
    "a length that is no number": (
        lambda f: change_json(f / "sentence_bert_config.json", max_seq_length="128"),
        "max_seq_length must be a whole number",
    ),
    "prompts that are no mapping": (
        lambda f: change_json(f / "config_sentence_transformers.json", prompts=["x"]),
        "prompts must map names",
    ),
    "code of its own": (
        lambda f: change_json(f / "config.json", model_type="own", auto_map={"AutoConfig": "c.C", "AutoModel": "m.M"}),
        "no model that can be opened",
    ),
    "unknown pooling": (
        lambda f: (f / "1_Pooling/config.json").write_text(json.dumps({"pooling_mode": "weightedmean"})),
        "found 'weightedmean'",
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_one_line(folder: Path, name: str) -> None:
    damage, words = DAMAGES[name]
    damage(folder)
    with pytest.raises(UserError) as caught:
        Polyhead.from_pretrained(folder)
    (fault,) = caught.value.faults
    assert words in fault
    assert str(folder) in fault


def test_what_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    for name, words in (
        (tmp_path / "file", "found a file"),
        (tmp_path / "empty", "found an empty folder"),
        (tmp_path / "nothing", "no such folder"),
        ("no/such-model-anywhere", "the Hub did not give it"),
    ):
        with pytest.raises(UserError, match=words):
            Polyhead.from_pretrained(name)


def test_heads_left_behind_by_another_encoder_are_found_out(folder: Path) -> None:
    theirs = SentenceTransformer(str(folder), device="cpu")
    with torch.no_grad():
        next(theirs.parameters()).add_(0.01)
    theirs.save_pretrained(str(folder))
    assert (folder / "heads/topic").is_dir()
    with pytest.raises(UserError, match="was trained on encoder"):
        Polyhead.from_pretrained(folder)
    model = Polyhead.from_pretrained(folder, allow_mismatch=True)
    assert list(model.tasks) == ["topic", "type"]
    model.save_pretrained(folder)
    with pytest.raises(UserError, match="was trained on encoder"):  # saving does not wash it clean
        Polyhead.from_pretrained(folder)


def test_other_heads_and_the_embedding_do_not_notice_a_head(folder: Path) -> None:
    model = Polyhead.from_pretrained(folder, dtype="float32")
    before = model.predict("Anna walks to the station")
    model.add_head("new", "classification", ["x", "y", "z"])
    after = model.predict("Anna walks to the station")
    assert after["topic"] == before["topic"]
    assert after["type"] == before["type"]
    assert after.embedding is not None
    assert before.embedding is not None
    assert np.array_equal(after.embedding, before.embedding)
    model.remove_head("new")
    with pytest.raises(UserError, match="found 'new'"):
        model.remove_head("new")


@pytest.mark.parametrize("name", ["embedding", "Topic", "a b", "", "../x", "a.b"])
def test_names_that_cannot_be_tasks(folder: Path, name: str) -> None:
    with pytest.raises(UserError, match="task's name"):
        Polyhead.from_pretrained(folder).add_head(name, "classification", ["a", "b"])


def test_saving_over_a_model_leaves_only_the_new_one(folder: Path) -> None:
    model = Polyhead.from_pretrained(folder)
    model.remove_head("topic")
    model.save_pretrained(folder)
    assert sorted(path.name for path in (folder / "heads").iterdir()) == ["type"]
    assert not [path for path in folder.parent.iterdir() if path.name.startswith(".")]


def test_a_run_folder_stands_for_its_model(folder: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    shutil.copytree(folder, run / "model")
    assert list(Polyhead.from_pretrained(run).tasks) == ["topic", "type"]


def test_a_full_disk_leaves_the_old_model_as_it_was(folder: Path) -> None:
    """The largest file that the process may write is made too small for the weights."""
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    code = (
        "import resource, signal, sys; from polyhead import Polyhead, UserError\n"
        f"model = Polyhead.from_pretrained({str(folder)!r}); model.remove_head('topic')\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        f"try: model.save_pretrained({str(folder)!r})\n"
        "except UserError as error: print(len(error.faults), error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("1 ")
    assert "cannot be written" in done.stdout
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert not [path for path in folder.parent.iterdir() if path.name.startswith(".")]


def test_saving_destroys_nothing_but_a_model(folder: Path, tmp_path: Path) -> None:
    model = Polyhead.from_pretrained(folder)
    other = tmp_path / "thesis"
    other.mkdir()
    (other / "thesis.txt").write_text("years of work")
    with pytest.raises(UserError, match=r"saving replaces a model folder or an empty one; here is 'thesis.txt'"):
        model.save_pretrained(other)
    (folder / ".git").mkdir()
    with pytest.raises(UserError, match=r"here is '\.git'"):
        model.save_pretrained(folder)
    assert (other / "thesis.txt").read_text() == "years of work"
    assert (folder / ".git").is_dir()
