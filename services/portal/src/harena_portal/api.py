"""The pages. Whatever is not here is a 404, for every method."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import FileResponse, HTMLResponse
from prometheus_client import CollectorRegistry, Gauge

from harena_core.clock import Clock
from harena_core.health import LEVELS, wants_metrics
from harena_core.metrics import exposition
from harena_portal import words
from harena_portal.schemas import PlatformHealth, StatusPage
from harena_portal.service import Platform, Round

STATIC = Path(__file__).parent / "static"
STATUS_PATH = "/docs/status.json"

router = APIRouter()


def _platform(request: Request) -> Platform:
    platform: Platform = request.state.platform
    return platform


CurrentPlatform = Annotated[Platform, Depends(_platform)]


@router.api_route("/docs/", methods=["GET", "HEAD"], response_class=HTMLResponse)
@router.api_route("/docs", methods=["GET", "HEAD"], response_class=HTMLResponse)
async def index(request: Request, platform: CurrentPlatform) -> HTMLResponse:
    """The services, how they are, and where their documentation is."""
    clock: Clock = request.state.clock
    status = words.page(await platform.look(), platform.now())
    page = request.app.state.index.render(
        status=status,
        status_path=STATUS_PATH,
        checked_at=clock.timestamp() - timedelta(seconds=status.age_seconds),
        cards=words.CARDS,
        service_docs=request.state.settings.service_docs,
    )
    return HTMLResponse(page, headers={"Cache-Control": "no-cache"})


@router.api_route(STATUS_PATH, methods=["GET", "HEAD"])
async def status(response: Response, platform: CurrentPlatform) -> StatusPage:
    """What an open page asks for every few seconds. Always 200: it is the page that is well."""
    response.headers["Cache-Control"] = "no-store"
    return words.page(await platform.look(), platform.now())


@router.api_route("/health", methods=["GET", "HEAD"], response_model=PlatformHealth)
async def health(
    request: Request, response: Response, platform: CurrentPlatform
) -> PlatformHealth | Response:
    """200 while every service serves, a degraded one included; 503 otherwise.

    The same as metrics, with 200, for a caller that accepts a Prometheus format.
    """
    found = await platform.look()
    if wants_metrics(request):
        return _as_metrics(found, request)
    response.status_code = 503 if found.status == "unhealthy" else 200
    response.headers["Cache-Control"] = "no-store"
    return PlatformHealth(
        status=found.status,
        services={name: service.status for name, service in found.services.items()},
    )


@router.api_route("/favicon.ico", methods=["GET", "HEAD"], response_class=FileResponse)
async def icon() -> FileResponse:
    """What a browser asks for beside an answer that names no icon, such as JSON."""
    return FileResponse(STATIC / "harena.svg")


def _as_metrics(found: Round, request: Request) -> Response:
    registry = CollectorRegistry()
    Gauge(
        "harena_platform_health",
        "The worst of the services: 1 healthy, 0.5 degraded, 0 unhealthy.",
        registry=registry,
    ).set(LEVELS[found.status])
    services = Gauge(
        "harena_platform_service_health",
        "A service as the portal finds it: 1 healthy, 0.5 degraded, 0 unhealthy.",
        ("service",),
        registry=registry,
    )
    for name, service in found.services.items():
        services.labels(name).set(LEVELS[service.status])
    return exposition(registry, request)
