"""Each route's answers, against the model's own."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import sentences
from live import Live, serving
from polyhead import Polyhead
from polyhead.pretrained import load
from polyhead.serving import Served

TEXTS = sentences(5, seed=8)
LONG = " ".join(["Berlin"] * 200)


def ok(answer: Any) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_analyze_gives_every_task_of_every_text(live: Live, served: Polyhead) -> None:
    body = ok(live.http.post("/v1/analyze", json={"inputs": TEXTS}))
    assert body["model"] == "tiny"
    for found, expected in zip(body["results"], served.predict(TEXTS), strict=True):
        own = expected.as_dict()
        assert found.keys() == own.keys() - {"text"} | {"embedding"}
        np.testing.assert_allclose(found["embedding"], own["embedding"], atol=1e-5)
        assert found["topic"]["label"] == own["topic"]["label"]
        assert found["stars"]["value"] == pytest.approx(own["stars"]["value"], abs=1e-4)
        assert [each["word"] for each in found["entities"]["entities"]] == [
            each["word"] for each in own["entities"]["entities"]
        ]
        assert (found["tokens"], found["truncated"]) == (own["tokens"], False)
    assert body["usage"]["total_tokens"] == sum(each["tokens"] for each in body["results"])
    assert body["seconds"].keys() == {"tokenize", "queue", "inference"}


def test_analyze_takes_words_and_pairs_and_gives_bad_items_their_own_error(live: Live, served: Polyhead) -> None:
    inputs: list[Any] = [["Anna", "visits", "Oslo"], {"text": TEXTS[0], "text_pair": TEXTS[1]}, 7, {"text": "x"},
                         TEXTS[2], LONG]  # fmt: skip
    body = ok(live.http.post("/v1/analyze", json={"inputs": inputs, "tasks": ["same", "topic", "entities"]}))
    first, pair, number, half, alone, long = body["results"]
    assert first["error"]["message"] == "inputs[0]: a task here reads text and text_pair"
    assert pair["same"]["label"] == served.predict(inputs[1])["same"].label
    assert "embedding" not in pair
    assert pair["tokens"] == sum(each.tokens for each in served.predict([TEXTS[0], TEXTS[1]]))
    assert number["error"]["message"].startswith("inputs[2]: must be a text, a list of words, or a pair of texts")
    assert half["error"]["message"].startswith("inputs[3]: a pair has two texts")
    assert "error" in alone
    body = ok(live.http.post("/v1/analyze", json={"inputs": [*inputs[:1], LONG], "tasks": ["entities"]}))
    words = served.predict([inputs[0]])[0]["entities"].entities
    assert len(body["results"][0]["entities"]["entities"]) == len(words)
    assert body["results"][1]["error"]["code"] == "text_too_long"
    assert "64 tokens" in body["results"][1]["error"]["message"]
    assert long["error"]


def test_overflow(live: Live) -> None:
    cut = ok(live.http.post("/v1/analyze", json={"inputs": [LONG, "short"], "overflow": "truncate"}))
    assert [each["truncated"] for each in cut["results"]] == [True, False]
    assert cut["results"][0]["tokens"] == 64
    again = ok(live.http.post("/v1/analyze", json={"inputs": [LONG], "overflow": "error"}))
    assert "error" in again["results"][0], "what was remembered of the cut text is no answer"
    answer = live.http.post("/v1/analyze", json={"inputs": [LONG], "overflow": "window"})
    assert answer.status_code == 422
    assert answer.json()["error"]["param"] == "overflow"
    for path, field in (("/embed", "inputs"), ("/v1/embeddings", "input"), ("/pipeline/feature-extraction", "inputs")):
        assert live.http.post(path, json={field: LONG}).status_code == 422
    answer = live.http.post("/embed", json={"inputs": [LONG, "short"], "truncate": True})
    assert answer.headers["x-truncated"] == "1"
    assert int(answer.headers["x-compute-tokens"]) > 64


def test_embed(live: Live, served: Polyhead) -> None:
    for path in ("/embed", "/", "/models/tiny/embed", "/models/tiny/tasks/embedding/embed"):
        expected = served.encode(TEXTS, normalize_embeddings=True)
        np.testing.assert_allclose(ok(live.http.post(path, json={"inputs": TEXTS})), expected, atol=1e-5)
    raw = ok(live.http.post("/embed", json={"inputs": TEXTS[0], "normalize": False, "dimensions": 5}))
    np.testing.assert_allclose(raw, [served.encode(TEXTS[0])[:5]], atol=1e-5)
    assert ok(live.http.post("/embed", json={"inputs": []})) == []
    assert live.http.post("/embed", json={"inputs": "a", "prompt_name": "query"}).status_code == 422


def test_routes_stand_under_models_and_heads(live: Live, served: Polyhead) -> None:
    np.testing.assert_allclose(
        ok(live.http.post("/models/tiny", json={"inputs": TEXTS[0]})),
        [served.encode(TEXTS[0], normalize_embeddings=True)],
        atol=1e-5,
    )
    [found] = ok(live.http.post("/models/tiny/tasks/topic/v1/analyze", json={"inputs": TEXTS[:1]}))["results"]
    assert found.keys() == {"topic", "tokens", "truncated"}
    [half] = ok(live.http.post("/models/tiny/tasks/same/v1/analyze", json={"inputs": TEXTS[:1]}))["results"]
    assert half["error"]["message"] == "inputs[0]: a task here reads text and text_pair"
    for name in (*served.tasks, "embedding"):
        assert ok(live.http.get(f"/models/tiny/tasks/{name}/info"))["model_id"] == "tiny"
    assert live.http.get("/models/tiny/tasks/none/info").status_code == 404
    assert [each["id"] for each in ok(live.http.get("/models/tiny/v1/models"))["data"]] == ["tiny"]
    assert live.http.get("/models/none/v1/models").status_code == 404


def test_half_a_surrogate_pair_is_an_error_of_its_item(live: Live, served: Polyhead) -> None:
    content = (
        b'{"inputs": ["one", "\\ud800", {"text": "a", "text_pair": "\\udfff"}, "\\ud83d\\ude00"], "tasks": ["topic"]}'
    )
    one, half, pair, whole = ok(live.http.post("/v1/analyze", content=content))["results"]
    assert one["topic"]["label"] == served.predict("one")["topic"].label
    assert half["error"]["message"].startswith("inputs[1]: half a surrogate pair is no character")
    assert pair["error"]["message"].startswith("inputs[2]: ")
    assert whole["topic"]["label"] == served.predict("😀")["topic"].label
    for content in (b'{"inputs": ["\\ud800"', b'{"inputs": "\\ud800"}', b'{"inputs": ["a"], "tasks": ["\\ud800"]}'):
        assert live.http.post("/v1/analyze", content=content).status_code == 422


def test_prompts(backbones: Callable[[str], Path]) -> None:
    pretrained = load(backbones("bert"))
    pretrained.settings = replace(
        pretrained.settings, prompts={"query": "ask: ", "document": "tell: "}, default_prompt_name="document"
    )
    model = Polyhead(pretrained, dtype="float32")
    asked = {name: model.encode(TEXTS, prompt_name=name, normalize_embeddings=True) for name in ("query", "document")}
    with serving([Served("tiny", model)]) as live:
        for name, told in (("query", {"prompt_name": "query"}), ("document", {})):
            found = ok(live.http.post("/embed", json={"inputs": TEXTS, **told}))
            np.testing.assert_allclose(found, asked[name], atol=1e-5)
            rows = ok(live.http.post("/v1/analyze", json={"inputs": TEXTS, "tasks": ["embedding"], **told}))["results"]
            vectors = np.array([each["embedding"] for each in rows])
            np.testing.assert_allclose(vectors / np.linalg.norm(vectors, axis=1)[:, None], asked[name], atol=1e-5)
            tokens = ok(live.http.post("/tokenize", json={"inputs": TEXTS, **told}))
            assert [len(each) for each in tokens] == [each["tokens"] for each in rows]
            alike = ok(
                live.http.post(
                    "/similarity",
                    json={"inputs": {"source_sentence": TEXTS[0], "sentences": TEXTS[1:]}, "parameters": told},
                )
            )
            np.testing.assert_allclose(alike, asked[name][1:] @ asked[name][0], atol=1e-5)
        for path in ("/embed", "/v1/analyze", "/tokenize"):
            answer = live.http.post(path, json={"inputs": TEXTS, "prompt_name": "none"})
            assert answer.status_code == 422
            assert "query, document" in answer.text
        answer = live.http.post("/embed", json={"inputs": TEXTS, "truncation_direction": "Left"})
        assert (answer.status_code, answer.json()["error"]) == (
            422, "truncation_direction: Input should be 'Right' or 'right'",
        )  # fmt: skip


def test_predict(live: Live, served: Polyhead) -> None:
    path = "/models/tiny/tasks/topic/predict"
    one = ok(live.http.post(path, json={"inputs": TEXTS[0]}))
    expected = served.predict(TEXTS[0])["topic"].scores
    assert [each["label"] for each in one] == [each.label for each in expected]
    assert [each["score"] for each in one] == sorted((each["score"] for each in one), reverse=True)
    batch = ok(live.http.post(path, json={"inputs": [[text] for text in TEXTS]}))
    assert batch[0] == one
    assert ok(live.http.post(path, json={"inputs": TEXTS})) == batch
    raw = ok(live.http.post(path, json={"inputs": TEXTS[0], "raw_scores": True}))
    logits = np.array([each["score"] for each in raw])
    powers = np.exp(logits - logits.max())
    np.testing.assert_allclose(powers / powers.sum(), [each["score"] for each in one], atol=1e-5)


def test_predict_of_pairs(live: Live, served: Polyhead) -> None:
    path, texts = "/models/tiny/tasks/same/predict", TEXTS[:2]
    one = ok(live.http.post(path, json={"inputs": texts}))
    assert one[0]["label"] == served.predict({"text": texts[0], "text_pair": texts[1]})["same"].label
    assert ok(live.http.post(path, json={"inputs": [texts]})) == [one]
    answer = live.http.post(path, json={"inputs": TEXTS[0]})
    assert (answer.status_code, answer.json()["error"]) == (422, "inputs: this head reads two texts, found 1")


@pytest.mark.parametrize("function", ["softmax", "sigmoid", "none"])
def test_a_pipelines_function(live: Live, function: str) -> None:
    path = "/models/tiny/tasks/topic/pipeline/text-classification"
    raw = ok(live.http.post("/models/tiny/tasks/topic/predict", json={"inputs": TEXTS[0], "raw_scores": True}))
    body = {"inputs": TEXTS[0], "parameters": {"function_to_apply": function}}
    [found] = ok(live.http.post(path, json=body))
    logits = np.array([each["score"] for each in raw])
    expected = {
        "none": logits,
        "sigmoid": 1 / (1 + np.exp(-logits)),
        "softmax": np.exp(logits) / np.exp(logits).sum(),
    }[function]
    np.testing.assert_allclose([each["score"] for each in found], expected, atol=1e-5)


def test_multilabel_is_a_text_classification(live: Live, served: Polyhead) -> None:
    [found] = ok(live.http.post("/models/tiny/tasks/themes/pipeline/text-classification", json={"inputs": TEXTS[0]}))
    expected = [(each.label, each.score) for each in served.predict(TEXTS[0])["themes"].scores]
    assert [(each["label"], pytest.approx(each["score"], abs=1e-5)) for each in found] == expected


def test_similarity_and_tokenize(live: Live, served: Polyhead) -> None:
    body = {"inputs": {"source_sentence": TEXTS[0], "sentences": TEXTS}}
    found = ok(live.http.post("/similarity", json=body))
    encoded = served.encode(TEXTS)
    np.testing.assert_allclose(found, served.similarity(encoded[:1], encoded)[0], atol=1e-5)
    text = "Anna visits Zürich"
    [tokens] = ok(live.http.post("/tokenize", json={"inputs": text}))
    assert [each["id"] for each in tokens] == list(served.pretrained.tokenizer([text])[0].ids)
    assert [each["special"] for each in tokens[:: len(tokens) - 1]] == [True, True]
    assert text[tokens[1]["start"] : tokens[1]["stop"]].lower() == tokens[1]["text"]
    [bare] = ok(live.http.post("/tokenize", json={"inputs": text, "add_special_tokens": False}))
    assert bare == tokens[1:-1]
    [long] = ok(live.http.post("/tokenize", json={"inputs": LONG}))
    assert len(long) > 200, "nothing is cut"
    assert len(served.pretrained.tokenizer([LONG])[0].ids) == 64, "and the model's limit stays"


def test_info(live: Live, both: Live, served: Polyhead) -> None:
    found = ok(live.http.get("/info"))
    assert (found["model_id"], found["max_input_length"], found["embedding_width"]) == ("tiny", 64, 32)
    labels = ["travel", "politics", "other"]
    assert found["heads"]["topic"] == {"kind": "classification", "level": "sentence", "labels": labels}
    assert both.http.get("/info").status_code == 422
    assert ok(both.http.get("/models/other/info"))["model_sha"] != found["model_sha"]
    assert ok(both.http.get("/models/tiny/info"))["model_sha"] == found["model_sha"]


@pytest.mark.parametrize(
    ("path", "choices"),
    [
        ("/predict", ["/models/tiny/tasks/topic", "/models/tiny/tasks/sentiment", "/models/tiny/tasks/themes",
                      "/models/tiny/tasks/same"]),
        ("/pipeline/text-classification", ["/models/tiny/tasks/topic", "/models/tiny/tasks/sentiment",
                                           "/models/tiny/tasks/themes"]),
        ("/models/tiny/tasks/entities/predict", []),
        ("/models/tiny/tasks/topic/pipeline/token-classification", []),
    ],
)  # fmt: skip
def test_what_could_be_meant_is_listed(live: Live, path: str, choices: list[str]) -> None:
    answer = live.http.post(path, json={"inputs": "a"})
    assert answer.status_code == 422
    assert answer.json()["choices"] == choices


def test_which_model_is_meant(both: Live) -> None:
    answer = both.http.post("/embed", json={"inputs": "a"})
    assert (answer.status_code, answer.json()["choices"]) == (422, ["tiny", "other"])
    assert both.http.post("/models/none/embed", json={"inputs": "a"}).status_code == 404
    assert both.http.post("/models/tiny/tasks/none/predict", json={"inputs": "a"}).status_code == 404
    assert both.http.post("/models/tiny/tasks/topic/embed", json={"inputs": "a"}).status_code == 422
    found = ok(both.http.post("/v1/analyze", json={"inputs": ["a"], "model": "other"}))
    assert found["model"] == "other"
    assert set(found["results"][0]) == {"embedding", "tone", "names", "tokens", "truncated"}
    answer = both.http.post("/v1/analyze", json={"inputs": ["a"], "model": "other", "tasks": ["topic"]})
    assert answer.json()["error"]["choices"] == ["embedding", "tone", "names"]


def test_models_are_listed_under_each_prefix(both: Live) -> None:
    for prefix in ("/models/tiny", "/models/tiny/tasks/topic"):
        assert [each["id"] for each in ok(both.http.get(f"{prefix}/v1/models"))["data"]] == ["tiny"]
        assert ok(both.http.get(f"{prefix}/v1/models/tiny"))["id"] == "tiny"


def test_errors_have_the_shape_of_the_route_whatever_the_model_is_called(served: Polyhead) -> None:
    with serving([Served("v1", served)]) as found:
        assert found.http.post("/models/v1/embed", json={}).json().keys() >= {"error", "error_type"}
        for path in ("/v1/embeddings", "/models/v1/embeddings", "/models/v1/tasks/embedding/v1/embeddings"):
            error = found.http.post(path, json={"input": LONG}).json()["error"]
            assert (error["param"], error["code"]) == ("input", "text_too_long")
            assert "polyhead serve --overflow truncate" in error["message"]
        assert "there are feature-extraction, " in found.http.post("/pipeline/none", json={}).json()["error"]
        plain = found.http.post("/v1/embeddings", json={"input": "a", "encoding_format": None})
        assert len(ok(plain)["data"][0]["embedding"]) == served.width


def test_the_only_model_answers_to_any_name(live: Live) -> None:
    """Clients must send a name, and most have one of their own."""
    found = ok(live.http.post("/v1/embeddings", json={"input": "a", "model": "text-embedding-3-small"}))
    assert found["model"] == "tiny"
