"""Clients that others wrote, unchanged but for the URL."""

import asyncio
import base64
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import numpy as np
import openai
import pytest
import torch
from huggingface_hub import InferenceClient
from huggingface_hub.errors import HfHubHTTPError
from langchain_openai import OpenAIEmbeddings
from llama_index.embeddings.text_embeddings_inference import TextEmbeddingsInference

from conftest import sentences
from live import Live, serving
from polyhead import Polyhead
from polyhead.serving import Served

TEXTS = sentences(12, seed=3)


@pytest.fixture(autouse=True)
def _online(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hugging Face's client speaks to nobody otherwise, this machine included."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)


@pytest.mark.parametrize("encoding", ["float", "base64", None])
@pytest.mark.parametrize("dimensions", [None, 7])
def test_openai(live: Live, served: Polyhead, encoding: str | None, dimensions: int | None) -> None:
    client = openai.OpenAI(base_url=f"{live.url}/v1", api_key="none")
    more = {"encoding_format": encoding, "dimensions": dimensions}
    found = client.embeddings.create(
        input=TEXTS,
        model="tiny",
        **{name: value for name, value in more.items() if value is not None},  # type: ignore[arg-type]
    )
    expected = served.encode(TEXTS, truncate_dim=dimensions, normalize_embeddings=dimensions is not None)
    vectors: list[Any] = [each.embedding for each in found.data]
    if encoding == "base64":  # who asks for it gets it as it is; who names nothing gets it decoded
        vectors = [np.frombuffer(base64.b64decode(each), "<f4") for each in vectors]
    np.testing.assert_allclose(vectors, expected, atol=1e-5)
    assert [each.index for each in found.data] == list(range(12))
    assert found.model == "tiny"
    assert found.usage.prompt_tokens == found.usage.total_tokens == sum(each.tokens for each in served.predict(TEXTS))


def test_openai_asynchronously(live: Live, served: Polyhead) -> None:
    async def ask() -> list[list[float]]:
        async with openai.AsyncOpenAI(base_url=f"{live.url}/v1", api_key="none") as client:
            answers = await asyncio.gather(*(client.embeddings.create(input=text, model="tiny") for text in TEXTS))
        return [answer.data[0].embedding for answer in answers]

    np.testing.assert_allclose(asyncio.run(ask()), served.encode(TEXTS), atol=1e-5)


def test_openai_lists_models_and_reads_errors(both: Live) -> None:
    client = openai.OpenAI(base_url=f"{both.url}/v1", api_key="none", max_retries=0)
    assert [each.id for each in client.models.list()] == ["tiny", "other"]
    assert client.models.retrieve("tiny").id == "tiny"
    with pytest.raises(openai.NotFoundError, match="the models are tiny, other; found"):
        client.embeddings.create(input="a", model="ada")
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("ada")
    with pytest.raises(openai.UnprocessableEntityError, match="dimensions must be from 1 to 32, found 33"):
        client.embeddings.create(input="a", model="tiny", dimensions=33)


def test_langchain(live: Live, served: Polyhead) -> None:
    options = {"base_url": f"{live.url}/v1", "api_key": "none", "model": "tiny"}
    found = OpenAIEmbeddings(**options, check_embedding_ctx_length=False).embed_documents(TEXTS)
    np.testing.assert_allclose(found, served.encode(TEXTS), atol=1e-5)


def test_token_ids_are_refused_by_naming_langchains_option(live: Live) -> None:
    for given in ([1, 2, 3], [[1, 2], [3]]):
        answer = live.http.post("/v1/embeddings", json={"input": given, "model": "tiny"})
        assert answer.status_code == 422
        assert "check_embedding_ctx_length=False" in answer.json()["error"]["message"]


def test_hugging_faces_inference_client(single: Live, other: Polyhead) -> None:
    def client(task: str) -> InferenceClient:
        return InferenceClient(f"{single.url}/pipeline/{task}")

    vectors = client("feature-extraction").feature_extraction(TEXTS)
    np.testing.assert_allclose(vectors, other.encode(TEXTS), atol=1e-5)
    long = client("feature-extraction").feature_extraction(TEXTS[0], normalize=True)
    assert np.linalg.norm(long) == pytest.approx(1, abs=1e-5)
    short = client("feature-extraction").feature_extraction(TEXTS, dimensions=4, encoding_format="float")
    np.testing.assert_allclose(short, vectors[:, :4])
    for refused in ({"truncation_direction": "left", "truncate": True}, {"encoding_format": "base64"}):
        with pytest.raises(HfHubHTTPError, match="422"):
            client("feature-extraction").feature_extraction(TEXTS, **refused)

    labels = client("text-classification").text_classification(TEXTS[0])
    expected = other.predict(TEXTS[0])["tone"].scores
    assert [each.label for each in labels] == [each.label for each in expected]
    assert [each.score for each in labels] == pytest.approx([each.score for each in expected], abs=1e-5)
    assert len(client("text-classification").text_classification(TEXTS[0], top_k=1)) == 1

    for text in TEXTS:
        entities = client("token-classification").token_classification(text)
        own = other.predict(text)["names"].entities
        assert [(each.entity_group, each.word, each.start, each.end) for each in entities] == [
            (each.entity_group, each.word, each.start, each.end) for each in own
        ]
    words = client("token-classification").token_classification(TEXTS[1], aggregation_strategy="none", ignore_labels=[])
    assert [each.word for each in words] == [each.word for each in other.predict(TEXTS[1])["names"].words]

    alike = client("sentence-similarity").sentence_similarity(TEXTS[0], other_sentences=TEXTS[1:4])
    encoded = other.encode(TEXTS[:4])
    np.testing.assert_allclose(alike, other.similarity(encoded[:1], encoded[1:])[0], atol=1e-5)


def test_inference_client_under_a_heads_own_route(both: Live, served: Polyhead) -> None:
    base = f"{both.url}/models/tiny/tasks"
    labels = InferenceClient(f"{base}/sentiment/pipeline/text-classification").text_classification(TEXTS[0])
    assert labels[0].label == served.predict(TEXTS[0])["sentiment"].label
    vectors = InferenceClient(f"{base}/embedding/pipeline/feature-extraction").feature_extraction(TEXTS[0])
    np.testing.assert_allclose(vectors[0], served.encode(TEXTS[0]), atol=1e-5)


def test_the_example(live: Live, served: Polyhead, capsys: pytest.CaptureFixture[str]) -> None:
    example = runpy.run_path(str(Path(__file__).parents[2] / "examples" / "clients" / "ask.py"))
    example["main"](live.url)
    out = capsys.readouterr().out
    tokens = sum(each.tokens for each in served.predict(example["TEXTS"]))
    assert out.startswith(f"tiny: 32 numbers a text, {tokens} tokens")
    for text in example["TEXTS"]:
        label = served.predict(text)["sentiment"]
        assert f"{label.label} {label.scores[0].score:.2f}" in out


def test_the_example_says_that_there_is_no_server() -> None:
    example = runpy.run_path(str(Path(__file__).parents[2] / "examples" / "clients" / "ask.py"))
    with pytest.raises(SystemExit, match="http://localhost:9: no server answers; start one with: polyhead serve"):
        example["main"]("http://localhost:9")


def test_llama_indexs_client_of_tei(live: Live, served: Polyhead) -> None:
    client = TextEmbeddingsInference(model_name="tiny", base_url=live.url)
    expected = served.encode(TEXTS, normalize_embeddings=True)
    np.testing.assert_allclose(client.get_text_embedding_batch(TEXTS), expected, atol=1e-5)
    np.testing.assert_allclose(asyncio.run(client.aget_query_embedding(TEXTS[0])), expected[0], atol=1e-5)


def test_aggregation_over_a_words_pieces(backbones: Callable[[str], Path]) -> None:
    model = Polyhead.from_pretrained(backbones("bert"), dtype="float32")
    model.add_head("names", "tagging", ["PER"])
    model.add_head("sure", "tagging", ["PER"], crf=True)
    with torch.no_grad():
        for weights in model.pretrained.model.heads["names"].parameters():
            weights.mul_(40)  # so that it finds something
    model.refresh()
    with serving([Served("tiny", model)]) as live:
        asked: dict[str, Any] = {"inputs": TEXTS, "parameters": {"ignore_labels": []}}

        def scores(head: str, strategy: str) -> Any:
            asked["parameters"]["aggregation_strategy"] = strategy
            return live.http.post(f"/models/tiny/tasks/{head}/pipeline/token-classification", json=asked)

        found = {name: scores("names", name).json() for name in ("simple", "first", "average", "max")}
        assert found["simple"] == found["first"]
        assert all(map(any, found.values()))
        assert found["first"] != found["average"] != found["max"] != found["first"]
        assert scores("sure", "first").status_code == 200
        refused = scores("sure", "average")
        assert refused.status_code == 422
        assert "has a CRF, which answers for words; use first" in refused.text
