"""Redis, as a cache that may be absent.

Nothing lives in Redis alone. A read that fails is a miss and a write that fails is skipped: the
service goes on, slower, and says so in its health. After a failure Redis is left alone for a
second, so that an outage costs one time-out a second and not one a request.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from harena_core.metrics import Instruments
from harena_core.settings import ServiceSettings

log = structlog.get_logger()

T = TypeVar("T")

SOCKET_SECONDS = 0.5
REST_SECONDS = 1.0
MAX_CONNECTIONS = 50


class Cache:
    """Get and set, which never raise; `client` for what needs more, which does."""

    def __init__(self, client: "Redis | None", instruments: Instruments) -> None:
        self.client = client
        self._count = {
            outcome: instruments.cache.labels(instruments.service, outcome)
            for outcome in ("hit", "miss", "error")
        }
        self._rests_until = 0.0
        self._running: set[asyncio.Future[Any]] = set()

    @property
    def available(self) -> bool:
        """False without a Redis, and for a second after one failed."""
        return self.client is not None and time.monotonic() >= self._rests_until

    def failed(self, error: RedisError) -> None:
        """Notes a failure: the next second passes without Redis."""
        self._rests_until = time.monotonic() + REST_SECONDS
        self._count["error"].inc()
        log.warning("redis_unavailable", error=type(error).__name__)

    async def get(self, key: str) -> bytes | None:
        if self.client is None or not self.available:
            return None
        try:
            value = await self._whole(self.client.get(key))
        except RedisError as error:
            self.failed(error)
            return None
        self._count["miss" if value is None else "hit"].inc()
        return value.encode() if isinstance(value, str) else value

    async def set(
        self, key: str, value: bytes, *, seconds: int, only_if_absent: bool = False
    ) -> None:
        if self.client is None or not self.available:
            return
        try:
            await self._whole(self.client.set(key, value, ex=seconds, nx=only_if_absent))
        except RedisError as error:
            self.failed(error)

    async def ping(self) -> None:
        """Raises where Redis does not answer."""
        if self.client is not None:
            await self._whole(self.client.ping())

    async def _whole(self, command: Awaitable[T]) -> T:
        """A command to its end, whoever stops waiting for it, such as a socket that closes.

        redis-py 8.1 loses the connection of one that is cancelled while it connects: 19 of 42
        stayed open in a run of sockets that looked at their sessions all the time.
        """
        running = asyncio.ensure_future(command)
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        return await asyncio.shield(running)

    async def settle(self) -> None:
        """Waits for what nobody waits for any more. Time-outs bound it."""
        await asyncio.gather(*self._running, return_exceptions=True)


@asynccontextmanager
async def open_cache(settings: ServiceSettings, instruments: Instruments) -> AsyncIterator[Cache]:
    """Connects lazily; without a `REDIS_URL` every read is a miss."""
    if settings.redis_url is None:
        yield Cache(None, instruments)
        return
    client: Redis = Redis.from_url(
        settings.redis_url.get_secret_value(),
        socket_timeout=SOCKET_SECONDS,
        socket_connect_timeout=SOCKET_SECONDS,
        max_connections=MAX_CONNECTIONS,
        retry=Retry(NoBackoff(), 1),  # once: a connection of the pool may have died idle
        client_name=f"harena-{instruments.service}",
    )
    cache = Cache(client, instruments)
    try:
        yield cache
    finally:
        await cache.settle()
        await client.aclose()
