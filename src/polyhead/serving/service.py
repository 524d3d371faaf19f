"""From texts to answers: limits, the cache, tokens, the queue. Every route goes through here."""

import asyncio
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from polyhead.data.example import Example
from polyhead.documents import Document
from polyhead.inference.predictor import Read
from polyhead.predictions import Prediction
from polyhead.serving.cache import Answer, Cache
from polyhead.serving.errors import RequestError
from polyhead.serving.metrics import Metrics
from polyhead.serving.models import Served
from polyhead.serving.queue import Queue
from polyhead.serving.settings import Overflow, ServingSettings

_AT_ONCE = 4000
"""Characters that are tokenized sooner than they are handed to another thread."""
_A_TEXT = 50
"""Characters that a text costs beside its own."""
_LONGEST = 1_000_000
"""Characters of a text that is looked at, whatever becomes of what the model does not read."""
_SLICE = 256
"""Answers that are put away at a time, other requests' turns between."""
_FRESH = 1.0
"""Seconds for which a finding about the models' health holds."""
_Result = TypeVar("_Result")


@dataclass(slots=True)
class Times:
    """Seconds that a request's texts took."""

    tokenize: float = 0.0
    queue: float = 0.0
    inference: float = 0.0


@dataclass(frozen=True, slots=True)
class Answered:
    """Each text's answer, or what is wrong with the text; ``tokens`` of all that were read."""

    answers: Sequence[Answer | RequestError]
    times: Times = field(default_factory=Times)

    @property
    def tokens(self) -> int:
        """Tokens that were read."""
        return sum(each.document.read_tokens for each in self.answers if isinstance(each, Answer))

    @property
    def truncated(self) -> int:
        """Texts that were cut."""
        return sum(bool(each.document.cut_texts) for each in self.answers if isinstance(each, Answer))

    def all(self, field: str = "inputs") -> Sequence[Answer]:
        """The answers to texts, which are so called in the request's body.

        Raises:
            RequestError: the first of what is wrong.
        """
        for each in self.answers:
            if isinstance(each, RequestError):
                each.param = field
                raise each
        return [each for each in self.answers if isinstance(each, Answer)]


class Service:
    """The models, and what stands between a request and them."""

    def __init__(self, settings: ServingSettings, metrics: Metrics | None = None) -> None:
        self.settings = settings
        self.metrics = metrics or Metrics()
        self.models: Sequence[Served] = ()
        self.cache = Cache(settings.cache_bytes)
        self.queue = Queue(settings.queue_texts, self.metrics.round)
        self.metrics.watch(self.queue, self.cache)
        self._health: asyncio.Task[str | None] | None = None
        self._health_began = 0.0
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="polyhead-texts")

    def open(self, models: Sequence[Served]) -> None:
        """Answer with these models from now on."""
        if self.settings.text_tokens is not None:
            for each in models:
                each.model.pretrained.tokenizer.limit(self.settings.text_tokens)
        self.models = models
        engine = max((each.predictor.engine for each in models), key=lambda engine: engine.lanes)
        self.queue.start(engine.lanes, engine.enter_lane)

    async def answer(
        self,
        served: Served,
        examples: Sequence[Example | RequestError],
        tasks: Sequence[str] = (),
        *,
        prompt: str | None = None,
        overflow: Overflow | None = None,
    ) -> Answered:
        """The texts' answers from one pass, in their order; what is wrong with one is in its place.

        Raises:
            RequestError: 429 where too many wait, 503.
        """
        examples = [_bounded(each) for each in examples]
        before = served.model.pretrained.settings.prompt_text() if prompt is None else prompt
        wanted, times = frozenset(tasks), Times()
        alone = frozenset(name for name in tasks if served.tasks[name].level != "pair")
        answers: list[Answer | RequestError | None] = [
            each
            if isinstance(each, RequestError)
            else self.cache.get(_key(served, each, before), wanted if each.others else alone)
            for each in examples
        ]
        missing = [(number, each) for number, each in enumerate(examples) if answers[number] is None]
        rest = [each for _, each in missing if isinstance(each, Example)]
        if rest:
            found = await self._compute(served, rest, wanted, before, overflow or self.settings.overflow, times)
            for place, ((number, example), each) in enumerate(zip(missing, found, strict=True), start=1):
                answers[number] = each
                if isinstance(each, Answer) and isinstance(example, Example):
                    self.cache.put(_key(served, example, before), each)
                if place % _SLICE == 0:
                    await asyncio.sleep(0)
        result = Answered([self._checked(each, served, overflow) for each in answers if each is not None], times)
        self.metrics.truncated.inc(result.truncated)
        return result

    async def _compute(
        self,
        served: Served,
        examples: Sequence[Example],
        tasks: frozenset[str],
        prompt: str,
        overflow: Overflow,
        times: Times,
    ) -> list[Answer | RequestError]:
        self.queue.check(len(examples))
        started = time.perf_counter()
        size = sum(_A_TEXT + len(text) for each in examples for text in each.texts)
        reads = await self.beside(size, lambda: served.predictor.read(examples, tasks=tasks, prompt=prompt))
        times.tokenize = time.perf_counter() - started
        self.metrics.tokenize.observe(times.tokenize)
        found = [_too_long(each, served) if overflow == "error" else None for each in reads]
        run = [read for read, fault in zip(reads, found, strict=True) if fault is None]
        rows = iter(await self._rows(served, run, tasks, times) if run else ())
        return [Answer.of(next(rows), tasks) if fault is None else fault for fault in found]

    async def _rows(self, served: Served, reads: Sequence[Read], tasks: frozenset[str], times: Times) -> Any:
        job = await self.queue.compute(served, reads, tasks)
        times.queue, times.inference = job.begun - job.submitted, job.seconds
        self.metrics.queue.observe(times.queue)
        return job.done.result()

    def _checked(
        self, answer: Answer | RequestError, served: Served, overflow: Overflow | None
    ) -> Answer | RequestError:
        """A remembered answer may be to a text that this request would not have cut."""
        cut = isinstance(answer, Answer) and answer.document.cut_texts
        return _refusal(served) if cut and (overflow or self.settings.overflow) == "error" else answer

    async def beside(self, size: int, work: Callable[[], _Result]) -> _Result:
        """Do ``work`` on so many characters or numbers: at once if they are few, else in another thread."""
        if size <= _AT_ONCE:
            return work()
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def status(self) -> dict[str, float]:
        """How much waits, and how much was done since the start; ``seconds`` is the clock for rates."""
        return {
            "seconds": time.perf_counter(),
            "queue_texts": self.queue.texts,
            "texts": self.queue.done_texts,
            "tokens": self.queue.done_tokens,
            "cache_hits": self.cache.hits,
            "cache_misses": self.cache.misses,
            "cache_bytes": self.cache.bytes,
        }

    async def healthy(self) -> str | None:
        """What is wrong, found by running every model on a word; None if nothing is.

        However many ask, it is run once at a time, and not again within a second.
        """
        if self._health is None or (self._health.done() and time.monotonic() - self._health_began > _FRESH):
            self._health, self._health_began = asyncio.create_task(self._check()), time.monotonic()
        return await asyncio.shield(self._health)

    async def _check(self) -> str | None:
        limit = self.settings.health_seconds
        if self.queue.round_seconds > limit:
            return f"a pass has taken more than {limit:g} seconds"
        for served in self.models:
            reads = served.predictor.read([Example("health")])
            try:
                async with asyncio.timeout(limit):
                    await self.queue.compute(served, reads, frozenset(), first=True)
            except TimeoutError:
                return f"{served.name} gave no answer in {limit:g} seconds"
            except RequestError as error:
                return error.message
        return None

    def close(self) -> None:
        """End the threads."""
        self.queue.stop()
        self._threads.shutdown(wait=False, cancel_futures=True)


def _key(served: Served, example: Example, prompt: str) -> bytes:
    """SHA-256 of all that decides the answer, so that a key's size does not depend on the texts."""
    digest = hashlib.sha256(served.hash.encode())
    for part in (prompt, *example.texts):
        content = part.encode("utf-8", "surrogatepass")
        digest.update(len(content).to_bytes(8, "little") + content)
    digest.update(repr(example.words and [*example.words]).encode())
    return digest.digest()


def _bounded(example: Example | RequestError) -> Example | RequestError:
    """The same, or what is wrong with it: what is cut has to be read first."""
    most = max(map(len, example.texts)) if isinstance(example, Example) else 0
    if most <= _LONGEST:
        return example
    return RequestError(
        422, f"a text of {most:,} characters; {_LONGEST:,} at most are looked at: shorten it", code="text_too_long"
    )


def _too_long(read: Read, served: Served) -> RequestError | None:
    """What is wrong with texts of which some are longer than the model reads."""
    return _refusal(served) if any(each.truncated for each in read.encodings) else None


def _refusal(served: Served) -> RequestError:
    return RequestError(
        422,
        f"a text is longer than the {served.model.max_length} tokens that {served.name} reads; shorten it, or have it"
        " cut (truncate or overflow in the body where there is such a field, or polyhead serve --overflow truncate)",
        code="text_too_long",
    )


def prediction(answer: Answer, served: Served, tasks: Sequence[str], *, embedding: bool) -> Prediction:
    """An answer, decoded: those of ``tasks`` that its texts are enough for."""
    own: Document = answer.document
    decoded: Mapping[str, Any] = {
        name: served.tasks[name].decode(answer.logits[name], own) for name in tasks if name in answer.logits
    }
    vector = answer.embedding if embedding else None
    return Prediction(own.text, decoded, vector, tokens=own.read_tokens, truncated=bool(own.cut_texts))
