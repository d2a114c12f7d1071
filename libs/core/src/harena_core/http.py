"""Calls to other servers: bounded in time, in number and in tries."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2

from harena_core.logging import request_id

CONNECT_SECONDS = 2.0
# Only connecting is tried again: nothing was sent yet, so no call can happen twice.
CONNECT_RETRIES = 1


async def _forward_request_id(request: httpx2.Request) -> None:
    request.headers.setdefault("X-Request-ID", request_id())


@asynccontextmanager
async def open_client(*, seconds: float, max_connections: int) -> AsyncIterator[httpx2.AsyncClient]:
    """A client whose every call ends within `seconds` of silence."""
    limits = httpx2.Limits(max_connections=max_connections)
    async with httpx2.AsyncClient(
        transport=httpx2.AsyncHTTPTransport(retries=CONNECT_RETRIES, limits=limits),
        timeout=httpx2.Timeout(seconds, connect=min(seconds, CONNECT_SECONDS)),
        event_hooks={"request": [_forward_request_id]},
        trust_env=False,
    ) as client:
        yield client
