"""Lanes: batches side by side in threads, the same answers in the same order, and threads to come are left alone."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from conftest import sentences
from polyhead import Polyhead
from polyhead.data.example import Example
from polyhead.kinds import ClassificationTask
from polyhead.modeling.branch import Branch


def in_a_thread(work: Callable[[], int]) -> int:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]


@contextmanager
def threads(count: int) -> Iterator[None]:
    """As if the process had so many cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@pytest.fixture(scope="module")
def wide(backbones: Callable[[str], Path]) -> Iterator[Polyhead]:
    """A model that computes two batches at a time."""
    with threads(2):
        model = Polyhead.from_pretrained(backbones("bert"), dtype="float32")
        model.add_head("topic", "classification", ["sport", "travel"])
        assert model.engine.lanes == 2
        yield model


def test_same_answers_in_the_same_order(wide: Polyhead) -> None:
    reads = wide.predictor.read([Example(text) for text in sentences(300, seed=1, longest=40)])
    done: list[int] = []
    one = wide.predictor.run(reads, tasks=["topic"], lanes=1)
    two = wide.predictor.run(reads, tasks=["topic"], advance=done.append)
    assert [row.document.text for row in two] == [read.documents[0].text for read in reads]
    assert sum(done) == 300
    for name in ("embedding", "topic"):
        left, right = (
            [row.embedding if name == "embedding" else row.logits[name] for row in rows] for rows in (one, two)
        )
        np.testing.assert_allclose(left, right, atol=1e-5)


def test_batches_overlap(wide: Polyhead, monkeypatch: pytest.MonkeyPatch) -> None:
    meeting = threading.Barrier(2, timeout=20)
    engine = wide.predictor.engine
    call = type(engine).__call__
    names: set[str] = set()

    def met(self: object, *given: object, **options: object) -> object:
        meeting.wait()
        names.add(threading.current_thread().name)
        return call(self, *given, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(type(engine), "__call__", met)
    assert wide.encode(sentences(32, seed=2, longest=40)).shape[0] == 32
    assert len(names) == 2
    meeting.abort()


def test_a_lane_takes_its_share_and_threads_to_come_take_all(wide: Polyhead) -> None:
    def share() -> int:
        wide.engine.enter_lane()
        torch.ones(4).sum()
        return torch.get_num_threads()

    assert in_a_thread(share) == 1
    assert in_a_thread(torch.get_num_threads) == 2
    assert torch.get_num_threads() == 2


def test_a_fault_in_a_lane_is_raised(wide: Polyhead, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise MemoryError("too much")

    monkeypatch.setattr(type(wide.engine), "__call__", fails)
    with pytest.raises(MemoryError, match="too much"):
        wide.encode(sentences(64, seed=2, longest=40))


@pytest.mark.parametrize("watched", ["a mix of layers", "a fork"])
def test_passes_that_are_watched_take_turns(watched: str, backbones: Callable[[str], Path]) -> None:
    """Hooks on shared layers would see other threads' states: two threads give what one gives."""
    texts = sentences(60, seed=6, longest=40)
    with threads(2):
        model = Polyhead.from_pretrained(backbones("bert"), dtype="float32")
        if watched == "a fork":
            encoder = model.pretrained.model.encoder
            model.pretrained.model.set_branch("own", Branch(encoder.backbone, encoder.pooling, depth=1))
            task = ClassificationTask(kind="classification", labels=("a", "b"))
            model.pretrained.add_head("topic", task, branch="own")
            model.refresh()
        else:
            model.add_head("topic", "classification", ["a", "b"], layers="mix")
        assert model.engine.lanes == 1
        expected = [model.logits(text)["topic"][0] for text in texts]
        found: dict[int, list[Any]] = {0: [], 1: []}

        def ask(number: int) -> None:
            found[number] += [model.logits(text)["topic"][0] for text in texts]

        both = [threading.Thread(target=ask, args=(number,)) for number in found]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()
    for each in found.values():
        np.testing.assert_allclose(each, expected, atol=1e-5)
