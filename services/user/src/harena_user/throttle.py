"""Slows down whoever guesses, without locking out whoever knows.

Counts live in Redis, where all replicas share them; with Redis down in the process, bounded. Keys
are keyed hashes, so that neither place tells who logged in from where.
"""

import asyncio
import hashlib
import hmac
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from weakref import WeakValueDictionary

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from harena_core.errors import HarenaError, TooManyRequests
from harena_core.redis import Cache

log = structlog.get_logger()

MAX_KEYS = 10_000


@dataclass(frozen=True, slots=True)
class Tally:
    """How often something happened, and in how many seconds that is forgotten."""

    count: int = 0
    seconds: int = 0


class Counters:
    """Counts per key, each forgotten so long after its first."""

    def __init__(self, cache: Cache, secret: bytes) -> None:
        self._cache = cache
        self._secret = secret
        self._here: dict[str, tuple[int, float]] = {}

    async def read(self, *keys: str) -> list[Tally]:
        names = [self._name(key) for key in keys]
        client = self._client()
        if client is not None:
            try:
                async with client.pipeline() as pipe:
                    for name in names:
                        pipe.get(name)
                        pipe.ttl(name)
                    found = await pipe.execute()
            except RedisError as error:
                self._cache.failed(error)
            else:
                pairs = zip(found[::2], found[1::2], strict=True)
                return [Tally(int(count or 0), max(0, ttl)) for count, ttl in pairs]
        return [self._read_here(name) for name in names]

    async def add(self, key: str, *, seconds: int) -> Tally:
        """One more. The first starts the `seconds` after which all are forgotten."""
        name = self._name(key)
        client = self._client()
        if client is not None:
            try:
                async with client.pipeline() as pipe:
                    pipe.set(name, 0, ex=seconds, nx=True)
                    pipe.incr(name)
                    pipe.ttl(name)
                    _, count, ttl = await pipe.execute()
            except RedisError as error:
                self._cache.failed(error)
            else:
                return Tally(count, max(0, ttl))
        return self._add_here(name, seconds)

    async def clear(self, key: str) -> None:
        name = self._name(key)
        self._here.pop(name, None)
        client = self._client()
        if client is not None:
            try:
                await client.delete(name)
            except RedisError as error:
                self._cache.failed(error)

    def _client(self) -> "Redis | None":
        return self._cache.client if self._cache.available else None

    def _name(self, key: str) -> str:
        return "count:" + hmac.digest(self._secret, key.encode(), "sha256").hex()

    def _read_here(self, name: str) -> Tally:
        count, until = self._here.get(name, (0, 0.0))
        left = until - time.monotonic()
        return Tally(count, int(left) + 1) if left > 0 else Tally()

    def _add_here(self, name: str, seconds: int) -> Tally:
        if self._read_here(name).count == 0:
            self._here.pop(name, None)
            if len(self._here) >= MAX_KEYS:
                self._here.pop(next(iter(self._here)))
            self._here[name] = (0, time.monotonic() + seconds)
        count, until = self._here[name]
        self._here[name] = (count + 1, until)
        return self._read_here(name)


def counting_secret(private_pem: str) -> bytes:
    """What hides the keys: the same for all replicas, and known to nobody else."""
    return hashlib.sha256(b"harena counters" + private_pem.encode()).digest()


FAILURE_SECONDS = 15 * 60
FAILURES_PER_PAIR = 5
FAILURES_PER_ACCOUNT = 50
FAILURES_PER_ADDRESS = 100
KNOWN_SECONDS = 30 * 24 * 3600


class LoginGuard:
    """Counts failed logins: strictly for one account at one address, loosely for either alone.

    The loose limits do not hold for an account at an address where its password was given before:
    guessing from elsewhere, or at other accounts from here, locks nobody out of his own.
    """

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        # One attempt at a time for a pair: many at once would all be let in before one has failed.
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def attempt(
        self, account: str, address: str, *, failure: type[HarenaError]
    ) -> AsyncIterator[None]:
        """Around an attempt, which raises `failure` where the password is wrong.

        Raises TooManyRequests, whatever the password, after too many failures.
        """
        pair = f"pair {account} {address}"
        async with self._turns.setdefault(pair, asyncio.Lock()):
            await self._refuse_where_full(account, address, pair)
            try:
                yield
            except failure:
                for key in (pair, f"account {account}", f"address {address}"):
                    await self._counters.add(key, seconds=FAILURE_SECONDS)
                raise
            await self._counters.clear(pair)
            await self._counters.add(f"known {pair}", seconds=KNOWN_SECONDS)

    async def _refuse_where_full(self, account: str, address: str, pair: str) -> None:
        strict, known, *loose = await self._counters.read(
            pair, f"known {pair}", f"account {account}", f"address {address}"
        )
        full = [strict] if strict.count >= FAILURES_PER_PAIR else []
        if not known.count:
            limits = (FAILURES_PER_ACCOUNT, FAILURES_PER_ADDRESS)
            full += [
                tally for tally, limit in zip(loose, limits, strict=True) if tally.count >= limit
            ]
        if full:
            log.warning("login_throttled")
            refuse(max(tally.seconds for tally in full))


def refuse(seconds: int) -> None:
    """Raises TooManyRequests, in words that say when to come back."""
    minutes = -(-max(seconds, 1) // 60)
    raise TooManyRequests(
        f"Trop de tentatives. Réessayez dans {minutes} minute{'s' if minutes > 1 else ''}.",
        retry_after=seconds,
    )


class HourlyLimit:
    """So many an hour of what costs much, for one address or user."""

    def __init__(self, counters: Counters, what: str, per_hour: int) -> None:
        self._counters = counters
        self._what = what
        self._per_hour = per_hour

    async def attempt(self, who: object) -> None:
        """One more. Raises TooManyRequests."""
        tally = await self._counters.add(f"{self._what} {who}", seconds=3600)
        if tally.count > self._per_hour:
            log.warning("hourly_limit_reached", what=self._what)
            refuse(tally.seconds)
