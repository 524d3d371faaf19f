"""``Polyhead`` as a library: one pass for all tasks, offsets into the original text, heads chosen per call."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from polyhead import Classification, Polyhead, Prediction, Tagging, UserError
from polyhead.modeling.encoded import Encoded, Inputs
from polyhead.modeling.encoder import Encoder

TEXTS = [
    "Zoë Müller flew from São Paulo to İzmir 🛫 on Monday.",
    "U.N. officials didn't comment.",
    "東京 is large.",
    "",
    "a\u200bb \u200b c",
    "word " * 300,
]


@pytest.fixture(scope="module")
def model(backbones: Callable[[str], Path]) -> Polyhead:
    torch.manual_seed(5)
    model = Polyhead.from_pretrained(backbones("bert"), dtype="float32")
    model.add_head("type", "classification", ["x", "y", "z"])
    model.add_head("names", "tagging", ["PER", "LOC"], word_shapes=True)
    for parameter in model.pretrained.model.heads.parameters():  # untrained heads say O to everything
        torch.nn.init.normal_(parameter, std=1.0)
    return model


def test_every_task_comes_from_one_pass(model: Polyhead, monkeypatch: pytest.MonkeyPatch) -> None:
    passes: list[int] = []
    forward = Encoder.forward

    def counted(self: Encoder, inputs: Inputs, *, layers: bool = False) -> Encoded:
        passes.append(1)
        return forward(self, inputs, layers=layers)

    monkeypatch.setattr(Encoder, "forward", counted)
    answer = model.predict("Anna walks to the station")
    assert len(passes) == 1
    assert isinstance(answer, Prediction)
    assert isinstance(answer["type"], Classification)
    assert isinstance(answer["names"], Tagging)
    assert answer.embedding is not None
    assert np.allclose(answer.embedding, model.encode("Anna walks to the station"), atol=1e-6)


def test_offsets_are_those_of_the_original_text(model: Polyhead) -> None:
    found = 0
    for text, answer in zip(TEXTS, model.predict(TEXTS), strict=True):
        names = answer["names"]
        assert "".join(word.word for word in names.words) == "".join(text.split())
        for each in (*names.entities, *names.words):
            assert text[each.start : each.end] == each.word
            assert 0 <= each.score <= 1
        assert all(each.score > 0 for each in names.entities)
        found += len(names.entities)
    assert found > 5


def test_no_invalid_sequence_comes_out(model: Polyhead) -> None:
    for answer in model.predict(TEXTS):
        tags = ["O", *(word.tag for word in answer["names"].words if word.tag)]
        for before, tag in pairwise(tags):
            assert not tag.startswith("I-") or before[2:] == tag[2:], tags


def test_word_lists_are_taken_as_they_are(model: Polyhead) -> None:
    words = ["U.N.", "didn't", "New York", "\u200b", "x"]
    (answer,) = model.predict([words])
    assert answer.text == " ".join(words)
    assert [word.word for word in answer["names"].words] == words
    assert answer["names"].unseen_words == 1
    assert answer["names"].words[3].tag == "O"
    assert model.predict([words])[0]["type"] == model.predict(" ".join(words))["type"]


def test_what_was_cut_is_counted(model: Polyhead) -> None:
    answer = model.predict(TEXTS[-1])
    assert answer.truncated
    assert answer.tokens == model.max_length == 64
    unread = answer["names"].cut_words
    assert unread > 200
    words = answer["names"].words
    assert {(word.tag, word.score) for word in words[-unread:]} == {(None, 0.0)}, "nobody knows what they are"
    assert all(word.tag for word in words[:-unread])
    assert not model.predict(TEXTS[0]).truncated


def test_heads_are_chosen_per_call(model: Polyhead) -> None:
    only = model.predict(TEXTS[0], tasks=["type"])
    assert set(only.tasks) == {"type"}
    assert only.embedding is None
    assert model.predict(TEXTS[0], tasks=["embedding"]).tasks == {}
    assert only["type"] == model.predict(TEXTS[0])["type"]


def test_company_in_a_batch_changes_no_answer(model: Polyhead) -> None:
    for text, together in zip(TEXTS, model.predict(TEXTS), strict=True):
        alone = model.predict(text)
        assert alone["names"].entities == pytest.approx(together["names"].entities) or [
            (each.start, each.end, each.entity_group) for each in alone["names"].entities
        ] == [(each.start, each.end, each.entity_group) for each in together["names"].entities]
        assert alone["type"].score == pytest.approx(together["type"].score, abs=1e-5)


def test_probabilities(model: Polyhead) -> None:
    matrix = model.predict_proba(TEXTS, "type")
    assert matrix.shape == (len(TEXTS), 3)
    assert np.allclose(matrix.sum(axis=1), 1, atol=1e-5)
    best = [model.tasks["type"].labels[index] for index in matrix.argmax(axis=1)]
    assert best == [answer["type"].label for answer in model.predict(TEXTS)]
    with pytest.raises(UserError, match="needs a classification or multilabel task"):
        model.predict_proba(TEXTS, "names")


def test_json_ready(model: Polyhead) -> None:
    row = model.predict(TEXTS[0]).as_dict()
    assert set(row) == {"text", "type", "names", "embedding", "tokens", "truncated"}
    assert set(row["names"]["entities"][0]) == {"entity_group", "score", "word", "start", "end"}


def test_freeze_and_unfreeze(model: Polyhead) -> None:
    network = model.pretrained.model
    model.freeze("backbone", "type")
    assert not any(each.requires_grad for each in network.encoder.backbone.parameters())
    assert all(each.requires_grad for each in network.heads["names"].parameters())
    model.unfreeze("backbone", "type")
    assert all(each.requires_grad for each in network.parameters())


def test_heads_named_like_methods_of_modules(backbones: Callable[[str], Path], tmp_path: Path) -> None:
    model = Polyhead.from_pretrained(backbones("bert"), dtype="float32")
    for name in ("type", "train", "eval", "half", "forward", "keys", "ner", "ner_fine", "a-b", "0"):
        model.add_head(name, "classification", ["x", "y"])
    before = model.predict("Anna walks")
    model.save_pretrained(tmp_path)
    again = Polyhead.from_pretrained(tmp_path, dtype="float32")
    assert list(again.tasks) == list(model.tasks)
    assert again.predict("Anna walks").tasks == before.tasks


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda model: model.remove_head("embedding"), "this model's heads are: type, names; found 'embedding'"),
        (lambda model: model.freeze("embedding"), "found 'embedding'"),
        (lambda model: model.add_head("e", "classification", []), "at least one label"),
        (lambda model: model.predict(["x"], batch_size=0), "batch_size: must be at least 1"),
        (lambda model: model.encode("x", device="abacus"), "device: must be one"),
        (lambda model: model.add_head("e", "classification", ["a"], colour="red"), "colour"),
        (lambda model: model.add_head("type", "classification", ["a"]), "already"),
    ],
)
def test_wrong_calls_are_named_and_change_nothing(
    model: Polyhead, call: Callable[[Polyhead], object], words: str
) -> None:
    before = model.encode("x")
    with pytest.raises(UserError, match=words):
        call(model)
    assert np.array_equal(model.encode("x"), before)


def test_one_text_is_one_row_of_probabilities(model: Polyhead) -> None:
    assert model.predict_proba("hello", "type").shape == (1, 3)
