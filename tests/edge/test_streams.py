"""Streams and WebSockets."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest
from tests.edge.client import SECONDS, Client, check_headers


async def _read(parts: AsyncIterator[bytes]) -> bytes:
    async with asyncio.timeout(SECONDS):
        return await anext(parts)


@pytest.mark.parametrize("media_type", ["text/event-stream", "text/plain", "application/x-ndjson"])
async def test_a_stream_arrives_part_by_part(client: Client, media_type: str) -> None:
    """The second part is not made before the first has arrived, so no buffer can hold it back."""
    name = media_type.replace("/", "-")
    path = "/api/v3/conversation/1/stream"
    request = client.http.stream(
        "POST", f"{path}?stream={name}&type={media_type}", headers={"Accept-Encoding": "gzip, br"}
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
    await client.refused("/api/v3/query")

    with pytest.raises(Exception, match="HTTP 429"):
        async with client.websocket("/api/v3/ws"):
            pass


async def test_a_request_after_an_upgrade_is_an_ordinary_one(client: Client) -> None:
    async with client.websocket("/api/v3/ws") as socket:
        await socket.send("a")
        answer: httpx2.Response = await client.http.post("/api/v3/query", content=b"{}")
        assert answer.json()["service"] == "conversation"
        assert await socket.recv() == "conversation:a"
