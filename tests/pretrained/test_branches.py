"""A saved branch comes back as it was, beside a model that sentence-transformers opens; what is wrong is refused."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from polyhead import Polyhead, UserError
from polyhead.kinds import ClassificationTask
from polyhead.modeling.branch import Branch
from polyhead.pretrained import load, save

TEXTS = ["Anna visits Berlin.", "the quick software of Tokyo closes", "a"]


@pytest.fixture
def folder(backbones: Callable[[str], Path], tmp_path: Path) -> Path:
    pretrained = load(backbones("bert"))
    encoder = pretrained.model.encoder
    pretrained.model.set_branch("fork", Branch(encoder.backbone, encoder.pooling, depth=1))
    with torch.no_grad():
        for parameter in pretrained.model.branches["fork"].parameters():
            parameter.add_(0.05)
    pretrained.add_head("plain", ClassificationTask(labels=("a", "b")))
    pretrained.add_head("topic", ClassificationTask(labels=("a", "b")), branch="fork")
    return save(pretrained, tmp_path / "model")


def test_it_comes_back(folder: Path, backbones: Callable[[str], Path]) -> None:
    model = Polyhead.from_pretrained(folder, dtype="float32")
    assert model.pretrained.heads["topic"].branch == "fork"
    assert model.pretrained.heads["plain"].branch is None
    again = load(folder)
    save(again, folder)  # to be saved once more changes nothing
    other = Polyhead.from_pretrained(folder, dtype="float32")
    for one, two in zip(model.predict(TEXTS), other.predict(TEXTS), strict=True):
        assert one["topic"] == two["topic"]
    plain = Polyhead.from_pretrained(backbones("bert"), dtype="float32")
    assert np.array_equal(model.encode(TEXTS), plain.encode(TEXTS))


def test_sentence_transformers_opens_it(folder: Path) -> None:
    from sentence_transformers import SentenceTransformer

    theirs = SentenceTransformer(str(folder), device="cpu").encode(TEXTS)
    ours = Polyhead.from_pretrained(folder, dtype="float32").encode(TEXTS)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_another_branch_is_refused(folder: Path) -> None:
    path = folder / "branches" / "fork" / "model.safetensors"
    tensors = load_file(path)
    first = next(iter(tensors))
    save_file({**tensors, first: tensors[first] + 1}, path)
    with pytest.raises(UserError, match="not those that were saved"):
        load(folder)
    assert load(folder, allow_mismatch=True).heads["topic"].encoder_hash is not None
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UserError, match="damaged weights"):
        load(folder)
    path.unlink()
    with pytest.raises(UserError, match="missing"):
        load(folder)


@pytest.mark.parametrize("name", ["../../elsewhere", "", ".."])
def test_a_branch_s_name_cannot_lead_out_of_the_folder(folder: Path, name: str) -> None:
    path = folder / "polyhead.json"
    manifest = json.loads(path.read_text())
    manifest["branches"] = {name: manifest["branches"]["fork"]}
    path.write_text(json.dumps(manifest))
    with pytest.raises(UserError, match=r"polyhead\.json"):
        load(folder)


WHOLE = {"encoder_hash": "", "weights_hash": ""}


@pytest.mark.parametrize(
    "damage",
    [
        *({"branches": each} for each in (["fork"], {"fork": {"depth": 1}}, {"fork": 3}, "fork")),
        {"branches": {"fork": {"depth": "1", **WHOLE}}},
        {"embedding": ["x"]},
        {"embedding": {"texts": 1}},
        {"origin": "x"},
    ],
)
def test_what_is_not_as_it_was_written_is_refused(folder: Path, damage: dict[str, object]) -> None:
    path = folder / "polyhead.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **damage}))
    with pytest.raises(UserError, match=r"polyhead\.json"):
        load(folder)


def test_a_depth_must_be_within_the_backbone(folder: Path) -> None:
    path = folder / "polyhead.json"
    manifest = json.loads(path.read_text())
    manifest["branches"]["fork"]["depth"] = 2
    path.write_text(json.dumps(manifest))
    with pytest.raises(UserError, match="depth 2"):
        load(folder)


def test_a_re_saved_encoder_takes_the_branch_s_heads_along(folder: Path, backbones: Callable[[str], Path]) -> None:
    """The lower layers are the encoder's: where they are others, the heads on the branch are refused, too."""
    path = folder / "model.safetensors"
    tensors = load_file(path)
    save_file({name: tensor + 0.01 for name, tensor in tensors.items()}, path, metadata={"format": "pt"})
    with pytest.raises(UserError, match="trained on encoder"):
        load(folder)
