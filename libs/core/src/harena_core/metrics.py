"""What every service measures of itself, and the page that Prometheus reads.

Requests are counted by route **template**, never by path; unmatched paths share one label, and so
do methods and close codes that we do not use: a scanner must not be able to make series. Times are
kept by class of status, so that quick failures do not make answers look quick. One registry an app,
so that two apps can live in one process (tests do that).
"""

import asyncio
import time
from collections import Counter as Count
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field

from fastapi import APIRouter, Request, Response
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.types import Scope

UNMATCHED = "(unmatched)"
OTHER = "other"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# Those of the protocol that a server meets, and our own; a client may send any of 2000 more.
CLOSE_CODES = frozenset(
    {1000, 1001, 1002, 1005, 1006, 1007, 1008, 1009, 1011, 1012, 1013, 4401, 4408, 4429}
)
REFUSED = "refused"
"""In place of a close code: the handshake was answered with an HTTP status."""

# From the 2 ms of a cached figure to the 60 s at which the edge gives up.
_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_REQUEST_LABELS = ("service", "method", "route", "status")


def method_of(scope: Scope) -> str:
    """The method of a request, or the one word for all that nobody of ours sends."""
    return scope["method"] if scope["method"] in METHODS else OTHER


def route_of(scope: Scope) -> str:
    """The template of the route, once it has been found: never the path."""
    return getattr(scope.get("route"), "path", UNMATCHED)


class InFlight(Collector):
    """Requests being answered, counted when they are asked for.

    Not a gauge that goes up and down: when a request begins, its route is not known yet.
    """

    def __init__(self, service: str) -> None:
        self._service = service
        self._scopes: dict[int, Scope] = {}

    @contextmanager
    def counting(self, scope: Scope) -> Iterator[None]:
        """Counts the request of this scope for as long as the block lasts."""
        self._scopes[id(scope)] = scope
        try:
            yield
        finally:
            del self._scopes[id(scope)]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """A series for each route and method that is waited for: that of the scrape at least."""
        family = GaugeMetricFamily(
            "harena_http_requests_in_flight",
            "Requests being answered, by route template.",
            labels=("service", "method", "route"),
        )
        # A copy in one step: requests come and go in another thread.
        waiting = Count((method_of(scope), route_of(scope)) for scope in [*self._scopes.values()])
        for labels, number in waiting.items():
            family.add_metric((self._service, *labels), number)
        yield family


@dataclass(frozen=True, slots=True)
class Instruments:
    """The metrics of one app. A service adds its own to `registry`."""

    service: str
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    requests: Counter = field(init=False)
    latency: Histogram = field(init=False)
    in_flight: InFlight = field(init=False)
    socket_closes: Counter = field(init=False)
    sessions: Counter = field(init=False)
    cache: Counter = field(init=False)

    def __post_init__(self) -> None:
        # Of the whole process: when a counter began is a series of its own, which nobody reads.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        registry = self.registry
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        made = {
            "requests": Counter(
                "harena_http_requests",
                "Requests answered, by route template.",
                _REQUEST_LABELS,
                registry=registry,
            ),
            "latency": Histogram(
                "harena_http_request_duration_seconds",
                "Time from the request's first byte to the answer's last, by class of status.",
                _REQUEST_LABELS,
                buckets=_BUCKETS,
                registry=registry,
            ),
            "in_flight": InFlight(self.service),
            "socket_closes": Counter(
                "harena_socket_closes",
                "WebSockets that ended, by close code, whichever side sent it.",
                ("service", "code"),
                registry=registry,
            ),
            "sessions": Counter(
                "harena_token_checks",
                "Tokens checked, by outcome.",
                ("service", "outcome"),
                registry=registry,
            ),
            "cache": Counter(
                "harena_cache_requests",
                "Reads of the Redis cache, by outcome: hit, miss or error.",
                ("service", "outcome"),
                registry=registry,
            ),
        }
        registry.register(made["in_flight"])
        for name, metric in made.items():
            object.__setattr__(self, name, metric)

    def answered(self, scope: Scope, status: int, seconds: float) -> None:
        """Counts a request that has been answered, and how long that took."""
        labels = (self.service, method_of(scope), route_of(scope))
        self.requests.labels(*labels, str(status)).inc()
        self.latency.labels(*labels, f"{status // 100}xx").observe(seconds)

    def gauge(
        self, name: str, documentation: str, read: Callable[[], float], **labels: str
    ) -> None:
        """A figure that is read when it is asked for."""
        labels = {"service": self.service, **labels}
        gauge = Gauge(name, documentation, tuple(labels), registry=self.registry)
        gauge.labels(**labels).set_function(read)


def exposition(registry: CollectorRegistry, request: Request) -> Response:
    """What the registry holds, in the Prometheus format that the caller likes best."""
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(registry), media_type=content_type)


LAG_EVERY_SECONDS = 0.5
# As many as fit into the interval of a scrape, so that none of them is missed.
LAGS_KEPT = 30


@asynccontextmanager
async def watched_lag(instruments: Instruments) -> AsyncIterator[None]:
    """Measures how late the event loop wakes whoever sleeps: by so much all else is late.

    The figure is the worst of the last 15 s, so that every scraper sees a short stall, however many
    scrapers there are. While the loop stands still nothing is measured; afterwards all of it is.
    """
    lags = [0.0] * LAGS_KEPT

    async def watch() -> None:
        slot = 0
        while True:
            begin = time.monotonic()
            await asyncio.sleep(LAG_EVERY_SECONDS)
            lags[slot] = max(0.0, time.monotonic() - begin - LAG_EVERY_SECONDS)
            slot = (slot + 1) % LAGS_KEPT

    instruments.gauge(
        "harena_event_loop_lag_seconds", "Worst delay of the event loop in 15 s.", lambda: max(lags)
    )
    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


router = APIRouter(tags=["operations"], include_in_schema=False)


@router.get("/metrics")
def metrics(request: Request) -> Response:
    """Not async: collecting reads /proc and runs in the thread pool."""
    instruments: Instruments = request.app.state.instruments
    return exposition(instruments.registry, request)
