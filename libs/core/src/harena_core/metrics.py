"""What every service measures of itself, and the page that Prometheus reads.

Requests are counted by route **template**, never by path, and unmatched paths share one label: a
scanner must not be able to make series. One registry an app, so that two apps can live in one
process (tests do that).
"""

from collections.abc import Callable
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
)
from prometheus_client.exposition import choose_encoder

UNMATCHED = "(unmatched)"

# From the 2 ms of a cached figure to the 60 s at which the edge gives up.
_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_REQUEST_LABELS = ("service", "method", "route", "status")


@dataclass(frozen=True, slots=True)
class Instruments:
    """The metrics of one app. A service adds its own to `registry`."""

    service: str
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    requests: Counter = field(init=False)
    latency: Histogram = field(init=False)
    in_flight: Gauge = field(init=False)
    sessions: Counter = field(init=False)
    cache: Counter = field(init=False)

    def __post_init__(self) -> None:
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
                "Time from the request's first byte to the answer's last.",
                ("service", "method", "route"),
                buckets=_BUCKETS,
                registry=registry,
            ),
            "in_flight": Gauge(
                "harena_http_requests_in_flight",
                "Requests being answered.",
                ("service",),
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
        for name, metric in made.items():
            object.__setattr__(self, name, metric)

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


router = APIRouter(tags=["operations"], include_in_schema=False)


@router.get("/metrics")
def metrics(request: Request) -> Response:
    """Not async: collecting reads /proc and runs in the thread pool."""
    instruments: Instruments = request.app.state.instruments
    return exposition(instruments.registry, request)
