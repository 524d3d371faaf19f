"""The queue in which requests of all endpoints meet, and the threads that compute, one a lane of the engine.

Whenever a thread is free it takes a round of what is there: no more than its part of that and of what the others have
in work, so that rounds stay as large as each other. When it has just answered some requests, their clients are likely
to send the next ones, so it gives them a tenth of the round's time, 10 ms at most, and starts sooner if as many are
there again; a request that comes while nothing was going on starts at once. Each request in turn gives as many texts
as a share of the engine's token budget holds, its longest first, until the budget is full; so a request of one text
beside one of ten thousand waits for a round, not for all of it. The round is then cut into batches of texts of like
length, as everywhere.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from polyhead.inference.predictor import FEWEST, Read, Row
from polyhead.serving.errors import RequestError
from polyhead.serving.models import Served

_SHARES = 4
"""Turns of requests that fill a round."""
_PATIENCE, _MOST_PATIENCE = 0.1, 0.01
"""For the clients that were just answered: a share of the round's time, and seconds."""


class Job:
    """One request's texts for one model, in the order of their turns, and what came of them so far."""

    def __init__(self, served: Served, reads: Sequence[Read], tasks: frozenset[str]) -> None:
        self.served = served
        self.reads = reads
        self.tasks = tasks
        self.loop = asyncio.get_running_loop()
        self.done: asyncio.Future[list[Row]] = self.loop.create_future()
        self.rows: list[Row | None] = [None] * len(reads)
        self.submitted = time.perf_counter()
        self.begun = 0.0
        self.seconds = 0.0
        """From its first round to its last; other requests' texts were in them, too."""
        self.tokens = sum(each.tokens for each in reads)
        """Of the texts whose turn has not come."""
        self._turns = sorted(range(len(reads)), key=lambda number: -reads[number].tokens)
        self._next = 0
        self._missing = len(reads)

    @property
    def waiting(self) -> int:
        """Texts whose turn has not come."""
        return len(self._turns) - self._next

    def take(self, tokens: int) -> list[int]:
        """The numbers of the texts whose turn it is: one at least, and more while they are within ``tokens``."""
        self.begun = self.begun or time.perf_counter()
        first = self._next
        while self._next < len(self._turns):
            tokens -= self.reads[self._turns[self._next]].tokens
            if tokens < 0 and self._next > first:
                break
            self._next += 1
        self.tokens -= sum(self.reads[number].tokens for number in self._turns[first : self._next])
        return self._turns[first : self._next]

    def give(self, number: int, row: Row) -> bool:
        """Note a text's row; whether it was the last."""
        self.rows[number] = row
        self._missing -= 1
        return self._missing == 0


@dataclass(frozen=True, slots=True)
class Round:
    """What was computed together: how many texts and tokens, which heads, for how many seconds."""

    model: str
    texts: int
    tokens: int
    tasks: frozenset[str]
    seconds: float


@dataclass(slots=True)
class _Lane:
    """A thread that computes: since when, if it does, and how much; how many requests it waits for until when."""

    began: float = 0.0
    tokens: int = 0
    expected: int = 0
    until: float = 0.0


class Queue:
    """Requests that wait, and the threads that compute them. ``on_round`` is told of each, by one thread at a time."""

    def __init__(self, limit: int, on_round: Callable[[Round], None] = lambda done: None) -> None:
        self.limit = limit
        self.texts = 0
        """Texts that wait."""
        self.rate = 0.0
        """Texts a second, of late."""
        self.done_texts = self.done_tokens = 0
        self._jobs: deque[Job] = deque()
        self._changed = threading.Condition()
        self._stopped = False
        self._on_round = on_round
        self._lanes: list[_Lane] = []
        self._threads: list[threading.Thread] = []

    def start(self, lanes: int = 1, enter_lane: Callable[[], None] = lambda: None) -> None:
        """Compute, in so many threads, each of which calls ``enter_lane`` first."""

        def work(lane: _Lane) -> None:
            enter_lane()
            self._work(lane)

        self._lanes = [_Lane() for _ in range(lanes)]
        self._threads = [
            threading.Thread(target=work, args=(lane,), name="polyhead-compute", daemon=True) for lane in self._lanes
        ]
        for thread in self._threads:
            thread.start()

    @property
    def round_seconds(self) -> float:
        """For how long the oldest of the rounds that are computed now has been."""
        began = [lane.began for lane in self._lanes if lane.began]
        return time.perf_counter() - min(began) if began else 0.0

    async def compute(
        self, served: Served, reads: Sequence[Read], tasks: frozenset[str], *, first: bool = False
    ) -> Job:
        """Have the texts computed when it is their turn: the job, done. ``first`` goes before all others.

        Raises:
            RequestError: 429 where too many wait, 503 where the model failed or the queue is stopped.
        """
        job = Job(served, reads, tasks)
        with self._changed:
            if self._stopped:
                raise RequestError(503, "the server is stopping", retry_after=1)
            if not first:
                self.check(len(reads))
            self.texts += len(reads)
            (self._jobs.appendleft if first else self._jobs.append)(job)
            self._changed.notify_all()
        try:
            await job.done
        finally:
            if job.done.cancelled():
                self._forget(job)
        return job

    def check(self, texts: int) -> None:
        """Whether so many more may wait; an empty queue takes any request.

        Raises:
            RequestError: 429.
        """
        if self.texts and self.texts + texts > self.limit:
            message = f"{self.texts:,} texts wait already; try again later"
            raise RequestError(429, message, retry_after=self.retry_after())

    def retry_after(self) -> int:
        """Seconds after which half of what waits will be done."""
        return max(1, min(60, round(self.texts / 2 / self.rate))) if self.rate else 1

    def stop(self) -> None:
        """End the threads after their rounds; what waits gets 503."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        until = time.monotonic() + 10
        for thread in self._threads:
            thread.join(timeout=max(0.0, until - time.monotonic()))

    def _forget(self, job: Job) -> None:
        """Nobody waits for it any more."""
        with self._changed:
            if job in self._jobs:
                self._jobs.remove(job)
                self.texts -= job.waiting

    def _work(self, lane: _Lane) -> None:
        while (chosen := self._round(lane)) is not None:
            self._run(chosen, lane)
            lane.began = 0.0
        stopped = RequestError(503, "the server is stopping", retry_after=1)
        with self._changed:
            left = list(self._jobs)
            self._jobs.clear()
            self.texts = 0
        _end([(job, stopped) for job in left])

    def _round(self, lane: _Lane) -> list[tuple[Job, int]] | None:
        """What a lane computes next: texts of one model, a turn a request; None when it is time to stop."""
        with self._changed:
            while not self._stopped and (not self._jobs or len(self._jobs) < lane.expected):
                left = lane.until - time.perf_counter() if self._jobs else None
                if left is not None and left <= 0:
                    break
                self._changed.wait(left)
            if self._stopped:
                return None
            served = self._jobs[0].served
            here = sum(job.tokens for job in self._jobs if job.served is served)
            own = -(-(here + sum(each.tokens for each in self._lanes)) // len(self._lanes))
            left = budget = min(served.predictor.engine.max_tokens, max(FEWEST, own))
            lane.began = time.perf_counter()
            others: list[Job] = []
            chosen: list[tuple[Job, int]] = []
            while self._jobs and left > 0:
                job = self._jobs.popleft()
                if job.served is not served:
                    others.append(job)
                    continue
                turn = job.take(budget // _SHARES)
                chosen += [(job, number) for number in turn]
                left -= sum(job.reads[number].tokens for number in turn)
                if job.waiting:
                    self._jobs.append(job)
            self._jobs.extendleft(reversed(others))
            self.texts -= len(chosen)
            lane.tokens = budget - left
            if self._jobs:
                self._changed.notify_all()
            return chosen

    def _run(self, chosen: list[tuple[Job, int]], lane: _Lane) -> None:
        served = chosen[0][0].served
        jobs = dict.fromkeys(job for job, _ in chosen)
        tasks = frozenset().union(*(job.tasks for job in jobs))
        reads = [job.reads[number] for job, number in chosen]
        started = time.perf_counter()
        try:
            rows = served.predictor.run(reads, tasks=sorted(tasks), lanes=1)
        except Exception as error:  # noqa: BLE001  (whatever the engine raises: its requests must get an answer)
            failed = RequestError(503, f"the model failed ({type(error).__name__}); try again")
            failed.__cause__ = error
            lane.tokens = 0
            for job in jobs:
                self._forget(job)
            _end([(job, failed) for job in jobs])
            return
        seconds = time.perf_counter() - started
        done = Round(served.name, len(chosen), sum(each.tokens for each in reads), tasks, seconds)
        with self._changed:
            lane.tokens = 0
            for job in jobs:
                job.seconds = time.perf_counter() - job.begun
            self.rate += 0.1 * (len(self._lanes) * done.texts / seconds - self.rate)
            self.done_texts += done.texts
            self.done_tokens += done.tokens
            self._on_round(done)
            finished = [job for (job, number), row in zip(chosen, rows, strict=True) if job.give(number, row)]
            lane.expected = len(finished) + len(self._jobs)
        lane.until = time.perf_counter() + min(_MOST_PATIENCE, _PATIENCE * seconds)
        _end([(job, None) for job in finished])


def _end(jobs: Sequence[tuple[Job, RequestError | None]]) -> None:
    """Tell who waits for these jobs that they are done, or what went wrong; one call for all of a loop."""
    loops: dict[asyncio.AbstractEventLoop, list[tuple[Job, RequestError | None]]] = {}
    for job, error in jobs:
        loops.setdefault(job.loop, []).append((job, error))
    for loop, own in loops.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_tell, own)


def _tell(jobs: Sequence[tuple[Job, RequestError | None]]) -> None:
    for job, error in jobs:
        if job.done.done():
            continue
        if error is None:
            job.done.set_result([row for row in job.rows if row is not None])
        else:
            job.done.set_exception(error)
