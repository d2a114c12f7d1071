"""The one place where a service becomes an ASGI app."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import version
from typing import Any, TypeVar

import structlog
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel

from harena_core import docs, health, metrics
from harena_core.auth import LOGIN_PATH
from harena_core.drain import Drain
from harena_core.errors import ErrorBody, add_error_handlers
from harena_core.health import Check, HealthMonitor
from harena_core.metrics import Instruments, watched_lag
from harena_core.middleware import RequestMiddleware
from harena_core.settings import CoreSettings

log = structlog.get_logger()

S = TypeVar("S", bound=CoreSettings)

# Opens what the app holds while it runs (pools, clients) and yields it by name, for
# `request.state`. `checks` among the names are the dependencies that its health reports.
Resources = Callable[[S, Instruments], AbstractAsyncContextManager[Mapping[str, Any]]]


class Welcome(BaseModel):
    """What stands at the root of a service."""

    service: str
    version: str
    docs: str = "/docs"


def create_app(
    settings: S,
    *,
    service: str,
    routers: Sequence[APIRouter],
    resources: Resources[S],
    serves_docs: bool = True,
) -> FastAPI:
    """An app with health, metrics, docs, errors, request ids and logs, and these routes."""
    number = version(f"harena-{service}")
    instruments = Instruments(service)
    drain = Drain(settings.drain_seconds, settings.shutdown_seconds)
    instruments.gauge("harena_sockets_open", "WebSockets that are open.", lambda: drain.sockets)
    instruments.gauge("harena_streams_open", "Answers that come in parts.", lambda: drain.streams)
    instruments.gauge("harena_draining", "1 while the process ends.", lambda: drain.begun)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        async with watched_lag(instruments), resources(settings, instruments) as opened:
            checks: Sequence[Check] = opened.get("checks", ())
            log.info("service_started", version=number, checks=[check.name for check in checks])
            yield {
                **opened,
                "settings": settings,
                "clock": settings.clock,
                "drain": drain,
                "health": HealthMonitor(service, number, checks),
            }
        log.info("service_stopped")

    app = FastAPI(
        title=f"Harena – {service}",
        version=number,
        lifespan=lifespan,
        redirect_slashes=False,  # the address of a redirect would be ours, not the edge's
        openapi_url=None,  # the pages and the schema are ours: see `docs`
        responses={
            422: {"model": ErrorBody, "description": "The request names its culprit."},
            503: {"model": ErrorBody, "description": "A dependency is down; try again."},
            504: {"model": ErrorBody, "description": "A dependency takes too long."},
        },
    )
    app.state.instruments = instruments
    app.state.drain = drain
    app.add_middleware(RequestMiddleware, settings=settings, instruments=instruments, drain=drain)
    add_error_handlers(app)

    @app.get("/", include_in_schema=False)
    async def root() -> Welcome:
        return Welcome(service=service, version=number)

    # Routes are tried in turn, and a service's own are asked for most.
    for router in (*routers, health.router, metrics.router):
        app.include_router(router)
    if serves_docs:
        docs.add_docs(app, service)
        _let_docs_log_in(app, settings.public_url)
    return app


def _let_docs_log_in(app: FastAPI, public_url: str) -> None:
    """Points the Authorize button at the edge, where a service is opened on its own port."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        schema = generate()
        for scheme in schema.get("components", {}).get("securitySchemes", {}).values():
            scheme["flows"]["password"]["tokenUrl"] = public_url.rstrip("/") + LOGIN_PATH
        return schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend it
