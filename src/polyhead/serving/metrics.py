"""What a server counts, for Prometheus."""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from polyhead.serving.cache import Cache
from polyhead.serving.queue import Queue, Round

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768)


class Metrics:
    """One server's numbers, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = own = CollectorRegistry()
        self.requests = Counter("polyhead_requests", "Requests that were answered.", ["route", "status"], registry=own)
        self.seconds = Histogram(
            "polyhead_request_seconds", "From a request's head to the end of its answer.", ["route"],
            buckets=_SECONDS, registry=own,
        )  # fmt: skip
        self.tokenize = Histogram(
            "polyhead_tokenize_seconds", "Texts to tokens, a request.", buckets=_SECONDS, registry=own
        )
        self.queue = Histogram(
            "polyhead_queue_seconds", "Until a request's first text had its turn.", buckets=_SECONDS, registry=own
        )
        self.inference = Histogram(
            "polyhead_inference_seconds", "A round of the engine.", ["model"], buckets=_SECONDS, registry=own
        )
        self.round_texts = Histogram("polyhead_round_texts", "Texts of a round.", buckets=_SIZES, registry=own)
        self.round_tokens = Histogram("polyhead_round_tokens", "Tokens of a round.", buckets=_SIZES, registry=own)
        self.texts = Counter("polyhead_texts", "Texts that went through the encoder.", ["model"], registry=own)
        self.tokens = Counter("polyhead_tokens", "Tokens that went through the encoder.", ["model"], registry=own)
        self.heads = Counter("polyhead_head_texts", "Texts that a head was run on.", ["model", "task"], registry=own)
        self.truncated = Counter("polyhead_truncated_texts", "Texts that were cut.", registry=own)

    def watch(self, queue: Queue, cache: Cache) -> None:
        """Show what these are like whenever the numbers are asked for."""
        gauges = {
            "polyhead_queue_texts": ("Texts that wait.", lambda: queue.texts),
            "polyhead_cache_bytes": ("Bytes of remembered answers.", lambda: cache.bytes),
            "polyhead_cache_answers": ("Remembered answers.", lambda: len(cache)),
        }
        for name, (about, value) in gauges.items():
            Gauge(name, about, registry=self.registry).set_function(value)
        self.registry.register(_Remembered(cache))

    def under_way(self, count: Callable[[], int]) -> None:
        """Show how many requests are worked on whenever the numbers are asked for."""
        about = "Requests that are worked on."
        Gauge("polyhead_requests_under_way", about, registry=self.registry).set_function(count)

    def round(self, done: Round) -> None:
        """Count what was computed together."""
        self.inference.labels(done.model).observe(done.seconds)
        self.round_texts.observe(done.texts)
        self.round_tokens.observe(done.tokens)
        self.texts.labels(done.model).inc(done.texts)
        self.tokens.labels(done.model).inc(done.tokens)
        for task in done.tasks:
            self.heads.labels(done.model, task).inc(done.texts)

    def text(self) -> bytes:
        """All of them, as Prometheus reads it."""
        return generate_latest(self.registry)


class _Remembered(Collector):
    """What the cache has counted itself, as counters."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def collect(self) -> Iterator[Metric]:
        """Called by the registry."""
        cache = self._cache
        yield CounterMetricFamily("polyhead_cache_hits", "Texts whose answer was remembered.", cache.hits)
        yield CounterMetricFamily("polyhead_cache_misses", "Texts whose answer was not.", cache.misses)
