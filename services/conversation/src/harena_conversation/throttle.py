"""How much one client may ask of this process. Counted here, not in Redis: see `settings`."""

import math
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager

from harena_core.errors import TooManyRequests, Unavailable

MINUTE = 60.0
# Users remembered; of more, those who have not asked for longest are forgotten.
MAX_USERS = 10_000


class Questions:
    """So many questions of one user in any minute."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._asked: dict[int, deque[float]] = {}

    def take(self, user_id: int) -> None:
        """Counts one. Raises TooManyRequests, and then counts nothing."""
        now = time.monotonic()
        asked = self._asked.get(user_id, deque(maxlen=self._per_minute))
        if len(asked) == self._per_minute and now - asked[0] < MINUTE:
            raise TooManyRequests(
                "Trop de questions en peu de temps. Patientez un instant.",
                retry_after=math.ceil(MINUTE - (now - asked[0])),
                code="TOO_MANY_QUESTIONS",
            )
        asked.append(now)
        self._asked.pop(user_id, None)
        if len(self._asked) >= MAX_USERS:
            self._asked.pop(next(iter(self._asked)))
        self._asked[user_id] = asked


class Places:
    """So many open sockets of one address, and of all."""

    def __init__(self, per_address: int, at_most: int) -> None:
        self._per_address = per_address
        self._at_most = at_most
        self._taken: Counter[str] = Counter()

    @contextmanager
    def taken(self, address: str) -> Iterator[None]:
        """Around the life of a socket. Raises TooManyRequests, or Unavailable where all is full."""
        if self._taken[address] >= self._per_address:
            raise TooManyRequests("Trop de connexions ouvertes.", retry_after=1)
        if self._taken.total() >= self._at_most:
            raise Unavailable("Trop de connexions ouvertes. Réessayez dans un instant.")
        self._taken[address] += 1
        try:
            yield
        finally:
            self._taken[address] -= 1
            if not self._taken[address]:
                del self._taken[address]
