"""Three questions, three answers.

`/livez`: is the process wedged? It touches nothing outside: a database outage must not make
anything restart five healthy services. `/readyz`: may traffic come here? Required dependencies
only, and not while the process ends. `/health`: how is it, in words for people and, where asked
for, in metrics for Prometheus.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import structlog
from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry, Gauge
from pydantic import BaseModel, Field

from harena_core.drain import Drain
from harena_core.metrics import exposition

log = structlog.get_logger()

CHECK_SECONDS = 2.0
# Long enough that probes of several watchers share one query, short enough for a rolling update.
CACHE_SECONDS = 1.0

# What stands in the way of traffic while the process ends: see `drain`.
DRAINING = "draining"

Status = Literal["healthy", "degraded", "unhealthy"]

# From worst to best, as metrics tell it.
LEVELS: Mapping[Status, float] = {"unhealthy": 0, "degraded": 0.5, "healthy": 1}


@dataclass(frozen=True, slots=True)
class Check:
    """One dependency. `probe` raises to say that it does not answer."""

    name: str
    probe: Callable[[], Awaitable[None]]
    required: bool = True


class CheckResult(BaseModel):
    """How one dependency answered."""

    status: Literal["healthy", "unhealthy"]
    required: bool = Field(description="An optional one only degrades the service.")
    latency_ms: float


class Health(BaseModel):
    """How the service is."""

    status: Status
    service: str
    version: str
    uptime_seconds: float
    checks: dict[str, CheckResult]


class Liveness(BaseModel):
    """That the process answers."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """Whether traffic may come, and what stands in the way."""

    ready: bool
    failing: list[str]


class HealthMonitor:
    """Runs the checks, at most once a second, whoever asks."""

    def __init__(self, service: str, version: str, checks: Sequence[Check]) -> None:
        self.service = service
        self.version = version
        self._checks = checks
        self._started = time.monotonic()
        self._lock = asyncio.Lock()
        self._results: dict[str, CheckResult] = {}
        self._checked_at = float("-inf")

    async def results(self) -> dict[str, CheckResult]:
        async with self._lock:
            if time.monotonic() - self._checked_at > CACHE_SECONDS:
                found = await asyncio.gather(*(_run(check) for check in self._checks))
                names = [check.name for check in self._checks]
                self._results = dict(zip(names, found, strict=True))
                self._checked_at = time.monotonic()
            return self._results

    async def health(self) -> Health:
        checks = await self.results()
        failing = [result for result in checks.values() if result.status == "unhealthy"]
        status: Status = "healthy"
        if failing:
            status = "unhealthy" if any(result.required for result in failing) else "degraded"
        return Health(
            status=status,
            service=self.service,
            version=self.version,
            uptime_seconds=round(time.monotonic() - self._started, 1),
            checks=checks,
        )


async def _run(check: Check) -> CheckResult:
    begin = time.perf_counter()
    status: Literal["healthy", "unhealthy"] = "healthy"
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await check.probe()
    except Exception as error:  # noqa: BLE001 -- whatever it is, the dependency does not answer
        log.warning("health_check_failed", check=check.name, error=type(error).__name__)
        status = "unhealthy"
    latency = round((time.perf_counter() - begin) * 1000, 2)
    return CheckResult(status=status, required=check.required, latency_ms=latency)


router = APIRouter()


@router.get("/livez", include_in_schema=False)
async def livez() -> Liveness:
    return Liveness()


@router.get("/readyz", include_in_schema=False)
async def readyz(request: Request, response: Response) -> Readiness:
    monitor: HealthMonitor = request.state.health
    results = await monitor.results()
    failing = [
        name for name, result in results.items() if result.required and result.status == "unhealthy"
    ]
    drain: Drain = request.state.drain
    if drain.begun:
        failing.append(DRAINING)
    response.status_code = 503 if failing else 200
    return Readiness(ready=not failing, failing=failing)


public = APIRouter(tags=["operations"])
"""`/health`, which a service may have under its own prefix as well."""


@public.get(
    "/health",
    summary="How the service is",
    response_model=Health,
    responses={503: {"model": Health, "description": "A required dependency does not answer."}},
)
async def health(request: Request, response: Response) -> Health | Response:
    """JSON for people; the same as metrics for a caller that accepts a Prometheus format."""
    monitor: HealthMonitor = request.state.health
    found = await monitor.health()
    if wants_metrics(request):
        return _as_metrics(found, request)
    response.status_code = 503 if found.status == "unhealthy" else 200
    return found


router.include_router(public)


def wants_metrics(request: Request) -> bool:
    """Whether the caller is Prometheus: people and probes name no format of its."""
    accept = request.headers.get("accept", "")
    return "application/openmetrics-text" in accept or "version=0.0.4" in accept


def _as_metrics(found: Health, request: Request) -> Response:
    """Always 200: Prometheus stores nothing of a scrape that fails."""
    registry = CollectorRegistry()
    Gauge(
        "harena_health",
        "1 healthy, 0.5 degraded, 0 unhealthy.",
        ("service",),
        registry=registry,
    ).labels(found.service).set(LEVELS[found.status])
    up = Gauge(
        "harena_dependency_up",
        "Whether the dependency answers.",
        ("service", "dependency", "required"),
        registry=registry,
    )
    for name, result in found.checks.items():
        required = str(result.required).lower()
        up.labels(found.service, name, required).set(result.status == "healthy")
    return exposition(registry, request)
