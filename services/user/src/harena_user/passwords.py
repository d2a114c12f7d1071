"""Passwords off the event loop, two at a time; and which of them nobody may choose."""

import secrets
from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

import structlog
from anyio import CapacityLimiter, to_thread
from pwdlib.exceptions import UnknownHashError
from zxcvbn.frequency_lists import FREQUENCY_LISTS  # type: ignore[import-untyped] # ships none

from harena_core.errors import Unavailable
from harena_core.passwords import hash_password, verify_password

log = structlog.get_logger()

MIN_LENGTH = 8
MAX_LENGTH = 128

AT_ONCE = 2  # 19 MiB and one core each
# About a second of work. Whoever comes later is told to come back rather than kept waiting.
MAX_WAITING = 64

T = TypeVar("T")


@lru_cache(maxsize=1)
def _common() -> frozenset[str]:
    return frozenset(word for word in FREQUENCY_LISTS["passwords"] if len(word) >= MIN_LENGTH)


def is_common(password: str) -> bool:
    """Whether it is among the thirty thousand that people use most, whatever its case."""
    return password.casefold() in _common()


class Passwords:
    """Hashes and verifies, slowly by design."""

    def __init__(self) -> None:
        self._limiter = CapacityLimiter(AT_ONCE)
        self._asked = 0
        self._nobodys = hash_password(secrets.token_hex())

    async def hash(self, password: str) -> str:
        """Raises Unavailable where too many are waiting."""
        return await self._run(lambda: hash_password(password))

    async def verify(self, password: str, stored: str | None) -> tuple[bool, str | None]:
        """Whether it is the password, and what to store instead where the hash is outdated.

        Takes as long where nothing is stored. Raises Unavailable where too many are waiting.
        """
        try:
            fits, better = await self._run(
                lambda: verify_password(password, stored or self._nobodys)
            )
        except UnknownHashError:
            log.error("password_hash_unreadable")
            return await self.verify(password, None)
        return (fits, better) if stored else (False, None)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._asked >= AT_ONCE + MAX_WAITING:
            raise Unavailable(
                "Trop de connexions en même temps. Réessayez dans un instant.", code="TOO_BUSY"
            )
        self._asked += 1
        try:
            return await to_thread.run_sync(work, limiter=self._limiter)
        finally:
            self._asked -= 1
