"""The queue: what is computed together, in which order, and what becomes of it when something fails."""

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from conftest import sentences
from polyhead import Polyhead
from polyhead.data.example import Example
from polyhead.inference.predictor import Read, Row
from polyhead.serving.errors import RequestError
from polyhead.serving.models import Served
from polyhead.serving.queue import Job, Queue, Round


class Stepped:
    """A served model of which a test lets each round go, and sees what is in it."""

    def __init__(self, model: Polyhead, name: str = "tiny") -> None:
        self.real = Served(name, model)
        self.name = name
        self.tasks = self.real.tasks
        self.predictor = self
        self.engine = self.real.predictor.engine
        self.rounds: list[list[str]] = []
        self.go = threading.Semaphore(0)
        self.fault: Exception | None = None

    def read(self, texts: Sequence[str], tasks: Sequence[str] = ()) -> list[Read]:
        return self.real.predictor.read([Example(text) for text in texts], tasks=tasks)

    def run(self, reads: Sequence[Read], *, tasks: Sequence[str] = (), lanes: int | None = None) -> list[Row]:
        self.rounds.append([each.documents[0].text for each in reads])
        assert self.go.acquire(timeout=20)
        if self.fault is not None:
            raise self.fault
        return self.real.predictor.run(reads, tasks=tasks)


@pytest.fixture
def stepped(served: Polyhead) -> Stepped:
    return Stepped(served)


@pytest.fixture
def queue() -> Iterator[Queue]:
    made = Queue(1000)
    made.start()
    yield made
    made.stop()


async def until(condition: Any) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.002)


def asked(queue: Queue, served: Any, texts: Sequence[str], tasks: Sequence[str] = (), **more: Any) -> asyncio.Task[Job]:
    return asyncio.create_task(queue.compute(served, served.read(texts, tasks), frozenset(tasks), **more))


def test_rows_are_the_texts_own_in_their_order(queue: Queue, stepped: Stepped, served: Polyhead) -> None:
    texts = sentences(300, seed=2)

    async def main() -> None:
        for _ in range(200):
            stepped.go.release()
        jobs = await asyncio.gather(
            *(asked(queue, stepped, part, ["topic"]) for part in (texts, texts[:3], texts[5:9]))
        )
        expected = served.encode(texts)
        for job, part in zip(jobs, (slice(300), slice(3), slice(5, 9)), strict=True):
            rows = job.done.result()
            np.testing.assert_allclose([row.embedding for row in rows], expected[part], atol=1e-5)
            assert [row.document.text for row in rows] == texts[part]
            assert all(row.logits.keys() >= {"topic"} for row in rows)

    asyncio.run(main())


def test_a_short_request_does_not_wait_for_a_long_one(queue: Queue, stepped: Stepped) -> None:
    texts = [f"{text} {number}" for number, text in enumerate(sentences(600, seed=2, longest=30))]

    async def main() -> None:
        long = asked(queue, stepped, texts)
        await until(lambda: stepped.rounds)
        short = asked(queue, stepped, ["one alone"])
        await until(lambda: queue.texts > 0 and len(queue._jobs) == 2)
        stepped.go.release()
        await until(lambda: len(stepped.rounds) == 2)
        assert "one alone" in stepped.rounds[1], "its turn comes in the next round"
        assert len(stepped.rounds[1]) > 10, "beside the long one's"
        stepped.go.release()
        await short
        assert not long.done()
        for _ in range(600):
            stepped.go.release()
        await long
        assert sorted(text for part in stepped.rounds for text in part) == sorted([*texts, "one alone"])

    asyncio.run(main())


def test_heads_run_only_when_asked_for(served: Polyhead, stepped: Stepped) -> None:
    seen: list[Round] = []
    queue = Queue(1000, seen.append)
    queue.start()

    async def main() -> None:
        for _ in range(5):
            stepped.go.release()
        await asked(queue, stepped, ["a"])
        await asked(queue, stepped, ["a"], ["entities"])
        job = await asked(queue, stepped, ["b", "c"], ["topic"])
        assert set(job.done.result()[0].logits) == {"topic"}

    asyncio.run(main())
    queue.stop()
    assert [each.tasks for each in seen] == [frozenset(), {"entities"}, {"topic"}]
    assert [each.texts for each in seen] == [1, 1, 2]


def test_requests_for_different_heads_share_a_pass(queue: Queue, stepped: Stepped, served: Polyhead) -> None:
    async def main() -> None:
        first = asked(queue, stepped, ["the first"])
        await until(lambda: stepped.rounds)
        tags = asked(queue, stepped, ["Anna visits Oslo"], ["entities"])
        topic = asked(queue, stepped, ["a river and a bridge"], ["topic"])
        await until(lambda: len(queue._jobs) == 2)
        stepped.go.release(2)
        jobs = await asyncio.gather(first, tags, topic)
        assert len(stepped.rounds) == 2
        own = served.predictor.run(stepped.read(["Anna visits Oslo"], ["entities"]), tasks=["entities"])[0]
        np.testing.assert_allclose(jobs[1].done.result()[0].logits["entities"], own.logits["entities"], atol=1e-4)

    asyncio.run(main())


def test_models_take_turns(queue: Queue, stepped: Stepped, other: Polyhead) -> None:
    second = Stepped(other, "other")

    async def main() -> None:
        first = asked(queue, stepped, sentences(400, seed=1))
        await until(lambda: stepped.rounds)
        theirs = asked(queue, second, ["theirs"])
        await until(lambda: len(queue._jobs) == 2)
        stepped.go.release(2)
        second.go.release()
        await theirs
        assert len(stepped.rounds) <= 3
        stepped.go.release(400)
        await first

    asyncio.run(main())


def test_a_failing_pass_is_503_and_the_next_one_works(queue: Queue, stepped: Stepped) -> None:
    async def main() -> None:
        stepped.fault = MemoryError("too much")
        stepped.go.release(3)
        with pytest.raises(RequestError, match=r"the model failed \(MemoryError\)") as caught:
            await asked(queue, stepped, sentences(900, seed=1))
        assert caught.value.status == 503
        assert queue.texts == 0
        stepped.fault = None
        assert len((await asked(queue, stepped, ["a"])).done.result()) == 1

    asyncio.run(main())


def test_nobody_computes_for_one_who_left(queue: Queue, stepped: Stepped) -> None:
    async def main() -> None:
        first = asked(queue, stepped, ["first"])
        await until(lambda: stepped.rounds)
        gone = asked(queue, stepped, ["gone", "away"])
        await until(lambda: len(queue._jobs) == 1)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        assert queue.texts == 0
        stepped.go.release(2)
        await first
        await asked(queue, stepped, ["last"])
        assert stepped.rounds == [["first"], ["last"]]

    asyncio.run(main())


def test_the_limit_counts_what_waits(stepped: Stepped) -> None:
    queue = Queue(4)
    queue.start()

    async def main() -> None:
        alone = asked(queue, stepped, ["as many as it likes"] * 900)  # an empty queue takes any request
        await until(lambda: stepped.rounds)
        with pytest.raises(RequestError) as caught:
            await asked(queue, stepped, ["x"] * 5)
        assert caught.value.status == 429
        probe = asked(queue, stepped, ["health"], first=True)
        stepped.go.release(900)
        await asyncio.gather(alone, probe)

    asyncio.run(main())
    queue.stop()


def test_what_waits_when_it_stops_gets_503(stepped: Stepped) -> None:
    queue = Queue(100)
    queue.start()

    async def main() -> None:
        first = asked(queue, stepped, ["first"])
        await until(lambda: stepped.rounds)
        second = asked(queue, stepped, ["second"])
        await until(lambda: len(queue._jobs) == 1)
        stopping = asyncio.create_task(asyncio.to_thread(queue.stop))
        await until(lambda: queue._stopped)
        stepped.go.release()
        await first
        with pytest.raises(RequestError, match="stopping"):
            await second
        await stopping
        with pytest.raises(RequestError, match="stopping"):
            await asked(queue, stepped, ["third"])

    asyncio.run(main())


def test_lanes_share_what_waits_and_a_long_request(stepped: Stepped) -> None:
    queue, entered = Queue(10_000), list[str]()
    texts = [f"{text} {number}" for number, text in enumerate(sentences(400, seed=3, longest=30))]

    async def main() -> None:
        queue.start(2, lambda: entered.append(threading.current_thread().name))
        long = asked(queue, stepped, texts)
        await until(lambda: len(stepped.rounds) == 2)
        assert queue.round_seconds > 0
        for _ in range(400):
            stepped.go.release()
        rows = (await long).done.result()
        assert [row.document.text for row in rows] == texts
        assert sorted(text for part in stepped.rounds for text in part) == sorted(texts)
        stepped.rounds.clear()
        stepped.fault = MemoryError()
        failing = [asked(queue, stepped, part) for part in (texts, texts[:3])]
        answers = await asyncio.gather(*failing, return_exceptions=True)
        assert all(isinstance(each, RequestError) and each.status == 503 for each in answers)
        assert queue.texts == 0

    asyncio.run(main())
    queue.stop()
    assert len(entered) == 2
    assert queue.round_seconds == 0
    assert not any(thread.is_alive() for thread in queue._threads)


def test_few_tokens_are_not_shared_out(stepped: Stepped) -> None:
    queue = Queue(100)

    async def main() -> None:
        queue.start(2)
        stepped.go.release(10)
        await asked(queue, stepped, ["a", "b", "c", "d"])
        assert stepped.rounds == [["a", "b", "c", "d"]]

    asyncio.run(main())
    queue.stop()


def test_a_thread_leaves_the_others_their_part(stepped: Stepped) -> None:
    queue = Queue(100)

    async def main() -> None:
        queue.start(2)
        asking = [asked(queue, stepped, ["first"])]
        await until(lambda: len(stepped.rounds) == 1)
        asking.append(asked(queue, stepped, ["second"]))
        await until(lambda: len(stepped.rounds) == 2)
        asking += [asked(queue, stepped, [f"The river rises at the old stone bridge {number}"]) for number in range(30)]
        await until(lambda: queue.texts == 30)
        stepped.go.release()
        await until(lambda: len(stepped.rounds) == 3)
        assert 14 <= len(stepped.rounds[2]) <= 17
        stepped.go.release()  # of the second, which has waited longest: as much as the first has in work is left
        await until(lambda: len(stepped.rounds) == 4)
        assert len(stepped.rounds[3]) == 30 - len(stepped.rounds[2])
        stepped.go.release(20)
        await asyncio.gather(*asking)

    asyncio.run(main())
    queue.stop()
