"""The portal as an app on two ports, and as a process."""

import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.types import ASGIApp, Receive, Scope, Send

from harena_core import docs, logging
from harena_core.app import create_app
from harena_core.drain import Drain
from harena_core.errors import add_error_handlers
from harena_core.http import open_client
from harena_core.metrics import Instruments
from harena_core.middleware import QUIET, RequestMiddleware
from harena_core.serve import server
from harena_portal import api
from harena_portal.service import ASK_SECONDS, Platform
from harena_portal.settings import PortalSettings


@asynccontextmanager
async def _resources(settings: PortalSettings, _: Instruments) -> AsyncIterator[Mapping[str, Any]]:
    """What asks the services. None is a dependency: the pages say how each is."""
    urls = settings.service_urls
    async with open_client(seconds=ASK_SECONDS, max_connections=2 * len(urls)) as client:
        yield {"platform": Platform(client, urls, cache_seconds=settings.health_cache_seconds)}


class Portal:
    """Pages on one port, probes and metrics on another, and one lifespan for both.

    They are two apps rather than one with a list of what to hide: the edge sends every unknown path
    to the pages, and what is not in them cannot be reached.
    """

    def __init__(self, settings: PortalSettings) -> None:
        self.internal_port = settings.internal_port
        self.operations = create_app(
            settings, service="portal", routers=[], resources=_resources, serves_docs=False
        )
        self.drain: Drain = self.operations.state.drain
        self.pages = _pages(settings, self.operations.state.instruments, self.drain)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        internal = scope["type"] == "lifespan" or scope["server"][1] == self.internal_port
        app: ASGIApp = self.operations if internal else self.pages
        await app(scope, receive, send)


def _pages(settings: PortalSettings, instruments: Instruments, drain: Drain) -> FastAPI:
    app = FastAPI(title="Harena", openapi_url=None, redirect_slashes=False)
    environment = Environment(
        loader=PackageLoader("harena_portal"), undefined=StrictUndefined, autoescape=True
    )
    app.state.index = environment.get_template("index.html.j2")
    app.add_middleware(
        RequestMiddleware,
        settings=settings,
        instruments=instruments,
        drain=drain,
        quiet=QUIET | {api.STATUS_PATH},
    )
    add_error_handlers(app)
    app.include_router(api.router)
    docs.mount_assets(app, api.STATIC)
    return app


def listen(settings: PortalSettings) -> list[socket.socket]:
    """Both ports. Raises OSError where one is taken."""
    ports = (settings.port, settings.internal_port)
    return [socket.create_server((settings.host, port), backlog=2048) for port in ports]


def serve() -> None:
    """Runs the portal until it is told to stop."""
    settings = PortalSettings()
    logging.configure("portal", settings.log_level)
    portal = Portal(settings)
    server(portal, settings, portal.drain).run(sockets=listen(settings))
