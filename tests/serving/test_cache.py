"""Remembered answers: the same as the first time, and never more bytes than allowed."""

import asyncio
import dataclasses
import sys

import numpy as np
from hypothesis import given
from hypothesis import strategies as some

from conftest import sentences
from live import Live, serving
from polyhead import Polyhead
from polyhead.data.example import Example
from polyhead.documents import Document
from polyhead.serving import Served, ServingSettings
from polyhead.serving.cache import Answer, Cache
from polyhead.serving.errors import RequestError
from polyhead.serving.service import Service, _key

TEXTS = sentences(6, seed=21)


def answers_of(model: Polyhead, tasks: list[str]) -> list[Answer]:
    return [Answer.of(row, tasks) for row in model.predictor.rows([Example(text) for text in TEXTS], tasks=tasks)]


@given(some.lists(some.integers(0, 19), max_size=60), some.integers(0, 9000))
def test_bytes_are_bounded_and_the_latest_are_there(keys: list[int], limit: int) -> None:
    cache = Cache(limit)
    for key in keys:
        vector = np.zeros(50 + 10 * key, dtype=np.float32)
        answer = Answer(Document(str(key), {}, tokens=1), vector, {})
        cache.put(key, answer)
        assert cache.bytes <= limit
        assert (cache.get(key, frozenset()) is not None) == (answer.size + sys.getsizeof(key) <= limit)
    assert cache.bytes == sum(size for _, size in cache._answers.values())


def test_an_answer_without_the_head_is_none_and_is_completed(served: Polyhead) -> None:
    cache = Cache(10**6)
    [bare, *_], [tagged, *_] = answers_of(served, []), answers_of(served, ["entities"])
    cache.put("a", bare)
    assert cache.get("a", frozenset()) is bare
    assert cache.get("a", frozenset({"entities"})) is None
    cache.put("a", tagged)
    found = cache.get("a", frozenset({"entities"}))
    assert found is not None
    served.tasks["entities"].decode(found.logits["entities"], found.document)
    cache.put("a", answers_of(served, ["topic"])[0])
    found = cache.get("a", frozenset({"entities", "topic"}))
    assert found is not None
    assert found.document.words
    assert (cache.hits, cache.misses) == (3, 1)


def test_an_answers_arrays_are_its_own(served: Polyhead) -> None:
    """A row's are parts of its batch's: to keep one would keep all."""
    for answer in answers_of(served, ["topic", "entities"]):
        for array in (answer.embedding, *answer.logits.values()):
            assert array.base is None
        assert answer.size > answer.embedding.nbytes + sum(each.nbytes for each in answer.logits.values())


def test_a_text_keeps_only_the_answers_that_it_was_read_for(served: Polyhead) -> None:
    """Heads of its round were run on it for others; without its words their answers mean nothing."""
    long = [" ".join(sentences(3, seed=number))[:200] for number in range(30)]

    async def main() -> None:
        service, model = Service(ServingSettings()), Served("tiny", served)
        service.open([model])
        mixed = [
            service.answer(model, [Example(text) for text in long], overflow="truncate"),
            *(service.answer(model, [Example(text)], ["entities"]) for text in TEXTS),
        ]
        await asyncio.gather(*mixed)
        again = await service.answer(model, [Example(text) for text in long], ["entities"], overflow="truncate")
        for text, answer in zip(long, again.all(), strict=True):
            own = served.predict(text)["entities"]
            found = served.tasks["entities"].decode(answer.logits["entities"], answer.document)
            assert [each.word for each in found.entities] == [each.word for each in own.entities]  # type: ignore[union-attr]
        service.close()

    asyncio.run(main())


def test_a_second_text_that_was_cut_stays_cut(served: Polyhead) -> None:
    pair = Example("a", others=("Berlin " * 100,))

    async def main() -> None:
        service, model = Service(ServingSettings()), Served("tiny", served)
        service.open([model])
        await service.answer(model, [pair])
        [first] = (await service.answer(model, [pair], ["same"], overflow="truncate")).answers
        assert isinstance(first, Answer)
        assert first.document.cut_texts == 1
        [second] = (await service.answer(model, [pair], ["same"], overflow="error")).answers
        assert isinstance(second, RequestError)
        service.close()

    asyncio.run(main())


def test_keys_do_not_grow_and_tell_everything_apart(served: Polyhead, other: Polyhead) -> None:
    one, two = Served("a", served), Served("b", other)
    examples = [Example("a b"), Example("a b", words=((0, 1), (2, 3))), Example("a", others=("b",)), Example("a\0b")]
    keys = {_key(served, example, prompt) for served in (one, two) for example in examples for prompt in ("", "q: ")}
    assert len(keys) == 16
    assert {len(key) for key in keys} == {32}
    pooled = dataclasses.replace(served.pretrained.settings, pooling="cls")
    changed = Polyhead(dataclasses.replace(served.pretrained, settings=pooled), dtype="float32")
    assert Served("c", changed).hash != one.hash, "what the weights do not say counts, too"


def test_the_second_answer_is_the_first(served: Polyhead, other: Polyhead) -> None:
    with serving([Served("tiny", served), Served("other", other)]) as live:
        ask = {"inputs": TEXTS, "model": "tiny"}
        first = live.http.post("/v1/analyze", json=ask).json()["results"]
        texts = _texts(live)
        assert live.http.post("/v1/analyze", json=ask).json()["results"] == first
        assert _texts(live) == texts, "nothing was computed"
        live.http.post("/v1/analyze", json={**ask, "inputs": [*TEXTS, "another"]})
        assert _texts(live) == texts + 1
        others = live.http.post("/v1/analyze", json={"inputs": TEXTS, "model": "other"}).json()["results"]
        assert others[0]["embedding"] != first[0]["embedding"], "another model has answers of its own"
        words = live.http.post("/v1/analyze", json={**ask, "inputs": [TEXTS[0].split()]}).json()["results"]
        assert words[0]["embedding"] == first[0]["embedding"] or _texts(live) > texts + 1
        assert live.app.state.service.cache.bytes > 0


def _texts(live: Live) -> int:
    lines = live.http.get("/metrics").text.splitlines()
    return sum(round(float(line.split()[1])) for line in lines if line.startswith("polyhead_texts_total"))
