"""Six architectures, all poolings: saved folders open in sentence-transformers and AutoModel with the same numbers."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from transformers import AutoModel, AutoTokenizer

from conftest import ARCHITECTURES, sentences
from polyhead import Polyhead, UserError
from polyhead.folder.settings import EncoderSettings, ProjectionSettings
from polyhead.pretrained import Pretrained, load

TEXTS = [*sentences(40, seed=1), " ".join(sentences(12, seed=2)), "", "🙂", "x"]
TOLERANCE = 1e-5


def opened(folder: Path, **changes: object) -> Pretrained:
    torch.manual_seed(3)
    return load(folder, change=lambda settings: replace(settings, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("pooling", ["mean", "cls", "max", "last"])
def test_same_vectors_in_sentence_transformers(
    backbones: Callable[[str], Path], tmp_path: Path, architecture: str, pooling: str
) -> None:
    model = Polyhead(
        opened(
            backbones(architecture), pooling=pooling, projection=ProjectionSettings(12), normalize=pooling == "mean"
        ),
        dtype="float32",
    )
    model.save_pretrained(tmp_path / "model")
    texts = [text for text in TEXTS if text]  # sentence-transformers fails on "" where there are no special tokens
    theirs = SentenceTransformer(str(tmp_path / "model"), device="cpu").encode(texts)
    ours = model.encode(texts)
    assert ours.shape == (len(texts), 12)
    assert np.abs(ours - theirs).max() <= TOLERANCE
    again = Polyhead.from_pretrained(tmp_path / "model", dtype="float32")
    assert np.array_equal(again.encode(texts), ours)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_same_token_states_in_auto_model(backbones: Callable[[str], Path], tmp_path: Path, architecture: str) -> None:
    model = Polyhead(opened(backbones(architecture)), dtype="float32")
    model.save_pretrained(tmp_path)
    tokenizer, network = AutoTokenizer.from_pretrained(tmp_path), AutoModel.from_pretrained(tmp_path).eval()
    texts = [text for text in TEXTS if text]
    inputs = tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
    with torch.no_grad():
        theirs = network(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"]).last_hidden_state
    for mine, other, mask in zip(
        model.encode(texts, output_value="token_embeddings"), theirs, inputs["attention_mask"], strict=True
    ):
        assert mine.shape == (int(mask.sum()), model.width)
        assert (mine - other[: len(mine)]).abs().max() <= TOLERANCE


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("pooling", ["mean", "cls", "max", "last", "attention"])
def test_neighbours_in_a_batch_change_nothing(
    backbones: Callable[[str], Path], architecture: str, pooling: str
) -> None:
    loaded = opened(backbones(architecture), pooling=pooling)
    if pooling == "attention":
        torch.nn.init.normal_(loaded.model.encoder.pooling.score.weight)  # type: ignore[union-attr, arg-type]
    model = Polyhead(loaded, dtype="float32")
    together = model.encode(TEXTS)
    alone = np.stack([model.encode(text) for text in TEXTS])
    assert np.abs(together - alone).max() <= TOLERANCE


def test_last_is_the_last_real_token_of_a_decoder(backbones: Callable[[str], Path]) -> None:
    model = Polyhead(opened(backbones("gpt_neo"), pooling="last"), dtype="float32")
    states = model.encode(TEXTS[:9], output_value="token_embeddings")
    assert np.allclose(model.encode(TEXTS[:9]), np.stack([state[-1].numpy() for state in states]), atol=1e-6)


def test_attention_pooling_starts_as_the_mean_and_survives_saving(
    backbones: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = backbones("bert")
    loaded = opened(folder, pooling="attention")
    mean = Polyhead(opened(folder, pooling="mean"), dtype="float32").encode(TEXTS[:5])
    assert np.allclose(Polyhead(loaded, dtype="float32").encode(TEXTS[:5]), mean, atol=1e-6)
    torch.nn.init.normal_(loaded.model.encoder.pooling.score.weight)  # type: ignore[union-attr, arg-type]
    model = Polyhead(loaded, dtype="float32")
    learned = model.encode(TEXTS[:5])
    assert np.abs(learned - mean).max() > 1e-3
    model.save_pretrained(tmp_path)
    assert np.array_equal(Polyhead.from_pretrained(tmp_path, dtype="float32").encode(TEXTS[:5]), learned)


def test_sentence_transformers_refuses_attention_pooling_rather_than_pool_in_some_other_way(
    backbones: Callable[[str], Path], tmp_path: Path
) -> None:
    Polyhead(opened(backbones("bert"), pooling="attention")).save_pretrained(tmp_path)
    with pytest.raises((ImportError, ValueError, AttributeError), match=r"(?i)polyhead"):
        SentenceTransformer(str(tmp_path), device="cpu")


@pytest.mark.parametrize("architecture", ["bert", "roberta", "gpt_neo"])
def test_folders_that_sentence_transformers_wrote_open_here(
    backbones: Callable[[str], Path], tmp_path: Path, architecture: str
) -> None:
    from sentence_transformers.sentence_transformer.modules import Dense, Normalize, Pooling, Transformer

    transformer = Transformer(str(backbones(architecture)))
    if transformer.tokenizer.pad_token is None:
        transformer.tokenizer.pad_token = transformer.tokenizer.eos_token
    parts = [transformer, Pooling(32, "mean"), Dense(32, 8), Normalize()]  # Dense is Tanh unless told otherwise
    theirs = SentenceTransformer(modules=parts, prompts={"query": "the question of "}, device="cpu")
    theirs.save_pretrained(str(tmp_path))
    ours = Polyhead.from_pretrained(tmp_path, dtype="float32")
    assert ours.prompts["query"] == "the question of "
    texts = [text for text in TEXTS if text]
    assert np.abs(ours.encode(texts) - theirs.encode(texts)).max() <= TOLERANCE
    assert np.abs(ours.encode_query(texts) - theirs.encode_query(texts)).max() <= TOLERANCE


def test_prompts_can_be_left_out_of_the_pooling(backbones: Callable[[str], Path], tmp_path: Path) -> None:
    prompts = {"query": "the question of ", "document": ""}
    model = Polyhead(opened(backbones("bert"), prompts=prompts, pool_prompt=False), dtype="float32")
    model.save_pretrained(tmp_path)
    theirs = SentenceTransformer(str(tmp_path), device="cpu")
    texts = TEXTS[:20]
    assert np.abs(model.encode_query(texts) - theirs.encode_query(texts)).max() <= TOLERANCE
    with_prompt = Polyhead(opened(backbones("bert"), prompts=prompts), dtype="float32")
    assert np.abs(model.encode_query(texts) - with_prompt.encode_query(texts)).max() > 1e-3


def test_max_length_beyond_the_position_table_is_refused(backbones: Callable[[str], Path]) -> None:
    assert opened(backbones("roberta")).tokenizer.max_length == 64  # 66 rows, of which two come before the first token
    with pytest.raises(UserError, match="max_length must be from 3 to 64"):
        opened(backbones("roberta"), max_length=65)


def test_a_plain_transformers_folder_is_pooled_by_the_mean(backbones: Callable[[str], Path]) -> None:
    assert load(backbones("bert")).settings == EncoderSettings(max_length=64)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_bf16_is_close_to_fp32(backbones: Callable[[str], Path], architecture: str) -> None:
    """Where the processor is fast at bf16, this runs with packed weights."""
    loaded = opened(backbones(architecture), normalize=True)
    texts = TEXTS[:20]
    wide, narrow = (Polyhead(loaded, dtype=dtype).encode(texts) for dtype in ("float32", "bfloat16"))
    assert (wide * narrow).sum(axis=1).min() > 0.99
