"""In: five fake services that answer `/health` as a test says. Out: the portal on its two ports."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2
import pytest
import pytest_asyncio
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from harena_core.serve import server
from harena_core.settings import CoreSettings
from harena_core.testing import eventually, free_port
from harena_portal.main import Portal, listen
from harena_portal.settings import PortalSettings

SERVICES = ("user", "search", "metric", "budget", "conversation")


@dataclass
class FakeService:
    """A service that is as it is told to be."""

    url: str
    status: int = 200
    body: str = ""
    delay: float = 0
    asked: int = 0

    def says(self, state: str, status: int = 200, version: str = "1.2.3") -> None:
        checks = {"database": {"status": "unhealthy"}}
        self.status = status
        self.body = json.dumps({"status": state, "version": version, "checks": checks})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked += 1
        await asyncio.sleep(self.delay)
        found = scope["path"] == "/health"
        await Response(self.body, self.status if found else 404)(scope, receive, send)


@dataclass(frozen=True)
class Ports:
    """Clients of the portal: what the edge reaches, and what it does not."""

    pages: httpx2.AsyncClient
    internal: httpx2.AsyncClient


Services = dict[str, FakeService]


@asynccontextmanager
async def served(
    app: ASGIApp, settings: CoreSettings, sockets: list[socket.socket]
) -> AsyncIterator[None]:
    """The app behind a real uvicorn, on several ports."""
    uvicorn = server(app, settings)
    serving = asyncio.create_task(uvicorn._serve(sockets))

    async def started() -> bool:
        if serving.done():
            serving.result()
        return uvicorn.started

    await eventually(started)
    try:
        yield
    finally:
        uvicorn.should_exit = True
        await serving


@asynccontextmanager
async def portal_of(settings: PortalSettings) -> AsyncIterator[Ports]:
    """The portal, as `harena-portal` runs it."""
    async with (
        served(Portal(settings), settings, listen(settings)),
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{settings.port}", trust_env=False) as pages,
        httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{settings.internal_port}", trust_env=False
        ) as internal,
    ):
        yield Ports(pages, internal)


def settings_for(services: Services, **changes: object) -> PortalSettings:
    """A portal of these services that asks each time it is asked."""
    urls = {f"{name}_service_url": fake.url for name, fake in services.items()}
    return PortalSettings.model_validate(
        {"port": free_port(), "internal_port": free_port(), "health_cache_seconds": 0}
        | urls
        | changes
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running_services() -> AsyncIterator[Services]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in SERVICES]
    ports = [listener.getsockname()[1] for listener in sockets]
    fakes = [FakeService(f"http://127.0.0.1:{port}") for port in ports]
    by_port = dict(zip(ports, fakes, strict=True))

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await by_port[scope["server"][1]](scope, receive, send)

    async with served(app, CoreSettings(shutdown_seconds=1), sockets):
        yield dict(zip(SERVICES, fakes, strict=True))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def portal(running_services: Services) -> AsyncIterator[Ports]:
    """A portal that asks each time it is asked."""
    async with portal_of(settings_for(running_services)) as ports:
        yield ports


@pytest.fixture
def services(running_services: Services) -> Services:
    """The services behind the portal, all well until the test says otherwise."""
    for fake in running_services.values():
        fake.says("healthy")
        fake.delay = fake.asked = 0
    return running_services
