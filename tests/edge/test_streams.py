"""Streams and WebSockets."""

import asyncio
import math
import time
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx2
import pytest
from tests.edge.client import SECONDS, Client, check_headers, received
from websockets.exceptions import InvalidStatus


async def _read(parts: AsyncIterator[bytes]) -> bytes:
    async with asyncio.timeout(SECONDS):
        return await anext(parts)


# nginx passes chunks on as they come even where it buffers; a stream of known length it would hold.
@pytest.mark.parametrize("sized", ["", "&sized=1"], ids=["in-chunks", "sized"])
@pytest.mark.parametrize("media_type", ["text/event-stream", "text/plain"])
async def test_a_stream_arrives_part_by_part(client: Client, media_type: str, sized: str) -> None:
    """The second part is not made before the first has arrived, so no buffer can hold it back."""
    name = uuid4().hex
    path = "/api/v3/conversation/1/stream"
    request = client.http.stream(
        "POST",
        f"{path}?stream={name}&type={media_type}{sized}",
        headers={"Accept-Encoding": "gzip, br"},
    )
    async with request as answer:
        parts = answer.aiter_raw()
        assert await _read(parts) == b"data: first\n\n"
        await client.http.get(f"{path}?release={name}")
        assert await _read(parts) == b"data: second\n\n"
        with pytest.raises(StopAsyncIteration):
            await _read(parts)

    assert answer.headers["content-type"].startswith(media_type)
    assert "content-encoding" not in answer.headers
    check_headers(client.edge, answer)


async def test_a_websocket_echoes_in_both_directions(client: Client) -> None:
    async with client.websocket("/api/v3/ws") as socket:
        for message in ("a", "é", "x" * 70_000):
            await socket.send(message)
            assert await socket.recv() == f"conversation:{message}"


async def test_websockets_do_not_meet(client: Client) -> None:
    async with client.websocket("/api/v3/ws") as one, client.websocket("/api/v3/ws") as two:
        await one.send("1")
        await two.send("2")
        assert await two.recv() == "conversation:2"
        assert await one.recv() == "conversation:1"


async def test_a_websocket_handshake_is_counted(client: Client) -> None:
    route = client.edge.model.routes["conversation"]
    requests = 3 * route.burst
    alone = "one_bucket_at_first" not in client.edge.can

    async def handshake() -> int:
        try:
            async with client.websocket("/api/v3/ws") as socket:
                return socket.response.status_code if socket.response else 0
        except InvalidStatus as refusal:
            return refusal.response.status_code

    begin = time.perf_counter()
    first = [await handshake() for _ in range(alone)]
    statuses = first + await asyncio.gather(*(handshake() for _ in range(requests - alone)))

    refilled = math.ceil(route.rate * (time.perf_counter() - begin)) + 2
    assert set(statuses) == {101, 429}
    at_once = client.edge.at_once(route)
    assert at_once <= statuses.count(101) <= at_once + refilled


async def test_a_request_after_an_upgrade_is_an_ordinary_one(client: Client) -> None:
    async with client.websocket("/api/v3/ws") as socket:
        await socket.send("a")
        answer: httpx2.Response = await client.http.post("/api/v3/query", content=b"{}")
        assert answer.json()["service"] == "conversation"
        assert await socket.recv() == "conversation:a"


async def test_a_websocket_opens_on_routes_that_have_them_only(client: Client) -> None:
    """Elsewhere it is an ordinary request, which the service answers."""
    if "websocket_of_route" in client.edge.can:
        with pytest.raises(InvalidStatus) as refused:
            async with client.websocket("/api/v1/users/me"):
                pass
        assert refused.value.response.status_code == 200
    else:
        async with client.websocket("/api/v1/users/me") as socket:
            await socket.send("a")
            assert await socket.recv() == "user:a"


@pytest.mark.parametrize("path", ["/api/v3/query", "/api/v1/users/me"])
async def test_no_other_upgrade_passes(client: Client, path: str) -> None:
    upgrade = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMA"}
    answer = await client.http.get(path, headers=upgrade)

    assert answer.status_code == 200
    assert received(answer, "upgrade") == ([] if "upgrade_dropped" in client.edge.can else ["h2c"])
