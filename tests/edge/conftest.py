"""The edge that the contract suite asks.

By default that is the local nginx, rendered from the model. EDGE_URL names another one that has
echo services (`echo.py`) behind it, EDGE_KIND says which it is, and EDGE_SOURCE is the first of the
addresses that the suite may come from:

    EDGE_URL=http://10.0.0.1 EDGE_KIND=ingress-nginx EDGE_SOURCE=10.1.0.1 pytest tests/edge

EDGE_ROUTING is what was laid over the routing model for it, in JSON.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from pydantic_settings import BaseSettings
from tests.edge.client import Client, Edge, addresses
from tests.edge.local import echo_services, local_edge

from harena_edge import capabilities, model
from harena_edge.capabilities import EdgeKind

EdgeStarter = Callable[..., Edge]


class EdgeSettings(BaseSettings):
    """Which edge is asked."""

    edge_url: str = ""
    edge_kind: EdgeKind = "nginx"
    edge_source: str = ""
    edge_routing: dict[str, Any] = {}


@pytest.fixture(scope="session")
def routing() -> model.Routing:
    return model.load(EdgeSettings().edge_routing)


@pytest.fixture(scope="session")
def upstreams(routing: model.Routing) -> Iterator[dict[str, str]]:
    """The addresses of echo services."""
    with echo_services(dict.fromkeys(routing.services, 0)) as addresses:
        yield addresses


@pytest.fixture(scope="session")
def edge(
    routing: model.Routing, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Edge]:
    """The edge under test."""
    settings = EdgeSettings()
    can = capabilities.load().of(settings.edge_kind)
    if settings.edge_url:
        sources = addresses(settings.edge_source) if settings.edge_source else None
        yield Edge(settings.edge_url, settings.edge_kind, can, routing, sources)
        return
    upstreams = request.getfixturevalue("upstreams")  # not started for an edge that has its own
    with local_edge(routing, upstreams, tmp_path_factory.mktemp("edge")) as url:
        yield Edge(url, settings.edge_kind, can, routing)


@pytest.fixture
def edge_with(upstreams: dict[str, str], tmp_path: Path) -> Iterator[EdgeStarter]:
    """Starts a local edge of another configuration than the edge under test."""
    with ExitStack() as stack:

        def start(overrides: Mapping[str, Any], **addresses: str) -> Edge:
            routing = model.load(overrides)
            url = stack.enter_context(local_edge(routing, {**upstreams, **addresses}, tmp_path))
            return Edge(url, "nginx", capabilities.load().of("nginx"), routing)

        yield start


@pytest.fixture
async def client(edge: Edge) -> AsyncIterator[Client]:
    async with edge.client() as client:
        yield client
