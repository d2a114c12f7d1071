"""How the suite speaks to an edge, and what it expects of every answer."""

import asyncio
import itertools
import ssl
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address, ip_address
from typing import Any

import httpx2
import websockets

from harena_edge.capabilities import EdgeKind
from harena_edge.model import Route, Routing

SECONDS = 20.0
ORIGIN = {"Origin": "http://app.test"}
PREFLIGHT = {**ORIGIN, "Access-Control-Request-Method": "POST"}


def addresses(first: str = "127.1.0.1") -> Iterator[str]:
    """Addresses to come from: buckets of one's own, instead of waiting for shared ones."""
    return (str(IPv4Address(first) + number) for number in itertools.count())


@dataclass
class Edge:
    """An edge with echo services behind it."""

    url: str
    kind: EdgeKind
    can: frozenset[str]
    model: Routing
    sources: Iterator[str] | None = None
    """None for one that is too far away to choose; a local one has all of loopback."""
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)  # 0.1 s to make
    drained_at: float = 0.0

    def __post_init__(self) -> None:
        if self.sources is None and self.is_local:
            self.sources = addresses()

    def at_once(self, route: Route) -> int:
        """How many requests of a route a bucket that has rested lets pass together."""
        return route.burst + ("one_above_burst" in self.can)

    @property
    def is_local(self) -> bool:
        host = httpx2.URL(self.url).host
        return host == "localhost" or (host[:1].isdigit() and ip_address(host).is_loopback)

    @asynccontextmanager
    async def client(self, **kwargs: Any) -> AsyncIterator["Client"]:
        """A client that has used no bucket yet: a new address, or the old one after a while."""
        source = next(self.sources) if self.sources else None
        if not source:
            await self._until_drained()
        async with httpx2.AsyncClient(
            base_url=self.url,
            transport=httpx2.AsyncHTTPTransport(
                local_address=source,
                verify=self.tls,
                limits=httpx2.Limits(max_connections=200),
            ),
            timeout=SECONDS,
            **kwargs,
        ) as http:
            yield Client(self, http, source)
        if not source:
            routes = self.model.enabled_routes.values()
            drain = max((route.burst + 1) / route.rate for route in routes)
            self.drained_at = time.monotonic() + drain

    async def _until_drained(self) -> None:
        await asyncio.sleep(max(0.0, self.drained_at - time.monotonic()))


@dataclass
class Client:
    """One client of an edge, by HTTP and WebSocket, from one address."""

    edge: Edge
    http: httpx2.AsyncClient
    source: str | None
    """None where the edge is too far away to choose one."""

    async def raw(self, target: str, method: str = "GET") -> httpx2.Response:
        """A request whose target goes out as it is written, dots and percents included."""
        return await self.http.request(method, "/", extensions={"target": target.encode()})

    async def burst(self, paths: Sequence[str]) -> "Burst":
        """Asks for all of them at once, after a first alone where the edge must know its client."""
        alone = "one_bucket_at_first" not in self.edge.can
        begin = time.perf_counter()
        first = [await self.http.get(path) for path in paths[:alone]]
        answers = await asyncio.gather(*(self.http.get(path) for path in paths[alone:]))
        return Burst([*first, *answers], time.perf_counter() - begin)

    async def refused(self, path: str) -> httpx2.Response:
        """An answer of a bucket that is full."""
        route = self.edge.model.routes[self.edge.model.route_of(path)[0]]
        async with asyncio.timeout(SECONDS):
            while True:
                burst = await self.burst([path] * 3 * route.burst)
                for answer in burst.answers:
                    if answer.status_code == 429:
                        return answer

    def websocket(self, path: str, **kwargs: Any) -> websockets.connect:
        return websockets.connect(
            self.edge.url.replace("http", "ws", 1) + path,
            local_addr=(self.source, 0) if self.source else None,
            proxy=None,
            open_timeout=SECONDS,
            **kwargs,
        )


@dataclass
class Burst:
    """Answers to requests sent together, and how long they took in all."""

    answers: list[httpx2.Response]
    seconds: float

    def admitted(self, refusal: int = 429) -> int:
        return sum(answer.status_code != refusal for answer in self.answers)


def values(answer: httpx2.Response, name: str) -> list[str]:
    """Every header of this name, one by one."""
    return [value for key, value in answer.headers.multi_items() if key.lower() == name.lower()]


def received(answer: httpx2.Response, name: str) -> list[str]:
    """Every header of this name that the echo service got."""
    return [value for key, value in answer.json()["headers"] if key == name]


def listed(value: str) -> set[str]:
    return {part.strip() for part in value.split(",")}


def check_headers(edge: Edge, answer: httpx2.Response) -> None:
    """What stands on every answer, whoever made it: security and CORS headers, once each."""
    for name, value in edge.model.security_headers.items():
        assert values(answer, name) == [value], name
    over_tls = [edge.model.strict_transport_security] if edge.url.startswith("https") else []
    assert values(answer, "Strict-Transport-Security") == over_tls

    if answer.status_code == 413 and "cors_on_large_bodies" not in edge.can:
        return  # a service's own has them, the edge's has none
    cors = edge.model.cors
    preflight = answer.request.method == "OPTIONS"
    allowed = "*" if cors.allows_any else answer.request.headers["Origin"]
    assert values(answer, "Access-Control-Allow-Origin") == [allowed]
    for name, expected, everywhere in (
        ("Expose-Headers", cors.expose, True),
        ("Allow-Methods", cors.methods, "cors_methods_everywhere" in edge.can),
        ("Allow-Headers", cors.headers, "cors_methods_everywhere" in edge.can),
    ):
        found = values(answer, f"Access-Control-{name}")
        assert len(found) <= 1, name
        if (everywhere or preflight) and not (preflight and name == "Expose-Headers"):
            assert [listed(value) for value in found] == [set(expected)], name
    if preflight:
        assert values(answer, "Access-Control-Max-Age") == [str(cors.max_age)]
    assert len(values(answer, "X-Request-ID")) <= 1


def check_own_error(edge: Edge, answer: httpx2.Response, status: int, code: str) -> None:
    """An error that the edge answers itself."""
    assert answer.status_code == status
    check_headers(edge, answer)
    if status == 413 and "cors_on_large_bodies" not in edge.can:
        assert values(answer, "Access-Control-Allow-Origin") == []
    if "json_errors" in edge.can:
        assert answer.headers["content-type"] == "application/json"
        body = answer.json()
        assert body.keys() == {"detail", "error_code", "request_id"}
        assert body["error_code"] == code
        assert body["detail"].endswith(".")
        assert [body["request_id"]] == values(answer, "X-Request-ID")
    else:
        assert "json" not in answer.headers.get("content-type", "")
    assert len(values(answer, "X-Request-ID")) == ("request_id_on_errors" in edge.can)


def check_not_found(answer: httpx2.Response) -> None:
    """The platform's 404, which the portal makes."""
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert body.keys() == {"detail", "error_code", "request_id"}
    assert body["error_code"] == "NOT_FOUND"
    assert [body["request_id"]] == values(answer, "X-Request-ID")
