"""The bundled MiniLM against sentence-transformers and transformers, on 500 texts of which many are cut."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from transformers import AutoModel, AutoTokenizer

from conftest import WORDS
from polyhead import Polyhead, UserError
from polyhead.pretrained import find

TOLERANCE = 1e-5


def varied(count: int) -> list[str]:
    """Texts of 1 to 400 words, so that many have more than 128 tokens and some more than 256."""
    generator = random.Random(5)
    lengths = [min(400, int(generator.lognormvariate(3.2, 1.2)) + 1) for _ in range(count)]
    return [" ".join(generator.choices(WORDS, k=length)) for length in lengths]


@pytest.fixture(scope="module")
def saved(minilm: Polyhead, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("minilm")
    minilm.save_pretrained(folder)
    return folder


def test_500_texts_give_the_vectors_of_sentence_transformers(minilm: Polyhead, saved: Path) -> None:
    texts = varied(500)
    encodings = minilm.pretrained.tokenizer(texts, offsets=False)
    assert sum(len(each) > 128 for each in encodings) > 50
    assert sum(each.truncated for each in encodings) > 10
    ours = minilm.encode(texts)
    original = SentenceTransformer(str(find("sentence-transformers/all-MiniLM-L6-v2")), device="cpu").encode(texts)
    resaved = SentenceTransformer(str(saved), device="cpu").encode(texts[:100])
    assert np.abs(ours - original).max() <= TOLERANCE
    assert np.abs(ours[:100] - resaved).max() <= TOLERANCE
    states = minilm.encode(texts[:100], output_value="token_embeddings")
    tokenizer, network = AutoTokenizer.from_pretrained(saved), AutoModel.from_pretrained(saved).eval()
    for text, mine in zip(texts[:100], states, strict=True):
        with torch.no_grad():
            theirs = network(**tokenizer(text, truncation=True, return_tensors="pt")).last_hidden_state[0]
        assert mine.shape == theirs.shape
        assert (mine - theirs).abs().max() <= TOLERANCE


def test_saved_weights_are_the_originals_bit_for_bit(saved: Path) -> None:
    from safetensors.torch import load_file

    original = load_file(find("sentence-transformers/all-MiniLM-L6-v2") / "model.safetensors")
    written = load_file(saved / "model.safetensors")
    for name, tensor in written.items():
        assert tensor.dtype == torch.float32
        assert torch.equal(tensor, original[name]), name


def test_bf16_computes_narrow_and_keeps_wide(minilm: Polyhead) -> None:
    texts = varied(64)
    narrow = Polyhead(minilm.pretrained, dtype="bfloat16")
    cosine = (narrow.encode(texts) * minilm.encode(texts)).sum(axis=1)
    assert cosine.min() >= 0.999
    assert {parameter.dtype for parameter in narrow.pretrained.model.parameters()} == {torch.float32}


def test_shapes_are_those_of_sentence_transformers_but_for_the_empty_list(minilm: Polyhead) -> None:
    assert minilm.encode("one").shape == (384,)
    assert minilm.encode(["one", "two"]).shape == (2, 384)
    assert minilm.encode([]).shape == (0, 384)
    assert minilm.encode(["one"], truncate_dim=64, normalize_embeddings=True).shape == (1, 64)
    assert np.isclose(np.linalg.norm(minilm.encode("one", truncate_dim=64, normalize_embeddings=True)), 1, atol=1e-5)
    assert isinstance(minilm.encode(["one"], convert_to_tensor=True), torch.Tensor)
    assert [each.shape for each in minilm.encode(["one", "two"], convert_to_numpy=False)] == [(384,), (384,)]
    assert minilm.encode(["one", "two"], precision="ubinary").shape == (2, 48)
    assert set(minilm.encode("one", output_value=None)) == {
        "input_ids", "attention_mask", "token_embeddings", "sentence_embedding"
    }  # fmt: skip
    assert minilm.similarity(minilm.encode("one"), minilm.encode(["one", "two"])).shape == (1, 2)


def test_batch_size_and_order_change_nothing(minilm: Polyhead) -> None:
    texts = varied(50)
    whole = minilm.encode(texts)
    assert np.abs(minilm.encode(texts, batch_size=3) - whole).max() <= TOLERANCE
    assert np.abs(minilm.encode(texts[::-1])[::-1] - whole).max() <= TOLERANCE


@pytest.mark.parametrize(
    "text", ["x" * 100_000, "word " * 20_000, "\ud800 lone", "nul\0nul", "", " \u200b ", "👨‍👩‍👧" * 40]
)
def test_odd_texts_are_read(minilm: Polyhead, text: str) -> None:
    vector = minilm.encode(text)
    assert np.isfinite(vector).all()
    assert np.isclose(np.linalg.norm(vector), 1, atol=1e-4)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda model: model.encode([3]), r"inputs\[0\]: must be a text"),
        (lambda model: model.encode("x", prompt_name="query"), "prompts are: none; found 'query'"),
        (lambda model: model.encode("x", output_value="all"), "output_value"),
        (lambda model: model.encode(["x"], precision="int4"), "precision"),
        (lambda model: model.encode("x", truncate_dim=0), "truncate_dim"),
        (lambda model: model.encode("x", batch_size=0), "batch_size"),
        (lambda model: model.predict("x", tasks=["topic"]), "this model has embedding; found 'topic'"),
        (lambda model: model.predict([["a", 1]]), r"inputs\[0\]: must be a text, a list of words"),
    ],
)
def test_wrong_arguments_are_named(minilm: Polyhead, call: object, words: str) -> None:
    with pytest.raises(UserError, match=words):
        call(minilm)  # type: ignore[operator]
