"""What a deployment's values change: origins, time-outs, how many requests may be under way.

In: `changed`, which is the edge under test where EDGE_ROUTING gives it these VALUES, and a local
one with them else.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import uuid4

import pytest
from tests.edge.client import Client, Edge, check_own_error, listed, values
from tests.edge.conftest import EdgeStarter
from websockets.exceptions import InvalidStatus

from harena_core.testing import eventually

ORIGINS = ["https://app.test", "http://localhost:5173"]
STRANGERS = ["https://app.test.evil.test", "https://other.test", "null"]
AT_ONCE = 3
VALUES = {
    "cors": {"origins": ORIGINS},
    "routes": {
        "metric": {"timeouts": {"connect": 1, "send": 1, "read": 1}},
        "conversation": {"connections": AT_ONCE},
        "user": {"connections": AT_ONCE},
    },
}
PATH = "/api/v1/users/me"
SLOW = "/api/v1/metrics/coverage"
STREAM = "/api/v3/conversation/1/stream"
LISTED = {"Origin": ORIGINS[0]}
METHOD = {"Access-Control-Request-Method": "POST"}


@pytest.fixture
def changed(edge: Edge, edge_with: EdgeStarter) -> Edge:
    return edge_with(VALUES) if edge.model.cors.allows_any else edge


@pytest.mark.parametrize("origin", [*ORIGINS, *STRANGERS, None])
async def test_listed_origins_are_told_apart(changed: Edge, origin: str | None) -> None:
    headers = {"Origin": origin} if origin else {}
    allowed = [origin] if origin in ORIGINS else []
    async with changed.client() as client:
        for answer in (
            await client.http.get(PATH, headers=headers),
            await client.http.get(f"{PATH}?abort=1", headers=headers),
            await client.http.options(PATH, headers={**METHOD, **headers}),
        ):
            assert values(answer, "Access-Control-Allow-Origin") == allowed
            vary = listed(",".join(values(answer, "Vary")))
            assert ("Origin" in vary) == ("vary_origin" in changed.can)


@pytest.mark.parametrize("origin", [*ORIGINS, *STRANGERS])
async def test_a_preflight_is_answered_by_the_edge(changed: Edge, origin: str) -> None:
    async with changed.client() as client:
        answer = await client.http.options(PATH, headers={**METHOD, "Origin": origin})

    status = 204 if "preflight_204" in changed.can else 200
    if origin in STRANGERS and "strangers_preflight" not in changed.can:
        assert answer.json()["path"] == PATH  # of the service
    else:
        assert (answer.status_code, answer.content) == (status, b"")


async def test_a_slow_service_is_504_and_asked_once(changed: Edge) -> None:
    name = uuid4().hex
    async with changed.client() as client:
        answer = await client.http.get(f"{SLOW}?sleep=10&count={name}", headers=LISTED)
        counted = await client.http.get(f"{SLOW}?count={name}")

    check_own_error(changed, answer, 504, "GATEWAY_TIMEOUT")
    assert counted.json()["counted"] == 2


@asynccontextmanager
async def _stream(client: Client, path: str = STREAM) -> AsyncIterator[None]:
    async with client.http.stream("GET", f"{path}?stream={uuid4().hex}") as answer:
        parts = answer.aiter_raw()
        assert await anext(parts) == b"data: first\n\n"
        yield


@asynccontextmanager
async def _socket(client: Client) -> AsyncIterator[None]:
    async with client.websocket(STREAM) as socket:
        await socket.send("a")
        assert await socket.recv() == "conversation:a"
        yield


OPEN = {"stream": _stream, "socket": _socket}


@pytest.mark.parametrize("kind", OPEN)
async def test_so_many_are_under_way_and_no_more(changed: Edge, kind: str) -> None:
    """Until one ends; for this route and this client alone."""
    async with changed.client() as client, changed.client() as other, AsyncExitStack() as stack:
        for _ in range(AT_ONCE):
            await stack.enter_async_context(OPEN[kind](client))

        refused = await client.http.get(STREAM, headers=LISTED)
        check_own_error(changed, refused, 429, "TOO_MANY_REQUESTS")
        said = ["1"] if "retry_after_connections" in changed.can else []
        assert values(refused, "Retry-After") == said
        with pytest.raises(InvalidStatus) as handshake:
            async with client.websocket(STREAM):
                pass
        assert handshake.value.response.status_code == 429
        assert (await client.http.get("/docs")).status_code == 200
        assert (await other.http.get(STREAM)).status_code == 200
        await stack.aclose()

        async def passes() -> bool:
            return (await client.http.get(STREAM)).status_code == 200

        await eventually(passes)


async def test_all_paths_of_a_route_are_counted_together(changed: Edge) -> None:
    async with changed.client() as client, AsyncExitStack() as stack:
        for _ in range(AT_ONCE):
            await stack.enter_async_context(_stream(client, PATH))
        answer = await client.http.get("/api/v1/accounts")

    assert answer.status_code == (429 if "bucket_of_route" in changed.can else 200)
