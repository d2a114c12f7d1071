"""Ends a process without dropping anybody.

uvicorn, told to end, closes its listener and every WebSocket at once, while the edge may still send
requests for some seconds. So the end begins before uvicorn's:

    told to end ─► /readyz is 503, the listener stays open           for drain_seconds
                   sockets are asked to leave, one by one
                ─► the listener closes, what runs may end            for shutdown_seconds
                   what still runs then is told to end properly      in the last END_SECONDS of them
                ─► uvicorn's own end

`serve.Server` goes through these steps. Whatever lives longer than a request opens itself here:

    with drain.socket() as opened: ...
"""

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

log = structlog.get_logger()

# What a stream needs to send its last events, and a socket its close.
END_SECONDS = 2.0
# Sockets leave in the second part of the window: in the first the edge may not know yet that this
# process ends, and would bring them back.
QUIET_PART = 0.5
# A signal handler can set a flag, and cannot wake a coroutine; uvicorn looks every 0.1 s, too.
LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """Something that lives longer than a request, and what it is asked."""

    leave: asyncio.Event = field(default_factory=asyncio.Event)
    """Go as soon as nothing is half done. A stream, which ends by itself, need not look."""
    end: asyncio.Event = field(default_factory=asyncio.Event)
    """Go now, with proper last words."""


class Drain:
    """What is open in this process, and how far its end has come. Times are seconds."""

    def __init__(self, drain_seconds: float, shutdown_seconds: float) -> None:
        self._window = drain_seconds
        self._shutdown = shutdown_seconds
        self._sockets: set[Opened] = set()
        self._streams: set[Opened] = set()
        self._begun_at: float | None = None
        self._ends = False
        self._abandoned = False

    @property
    def begun(self) -> bool:
        return self._begun_at is not None

    @property
    def sockets(self) -> int:
        return len(self._sockets)

    @property
    def streams(self) -> int:
        return len(self._streams)

    @contextmanager
    def socket(self) -> Iterator[Opened]:
        """Around the life of a WebSocket."""
        with self._open(self._sockets) as opened:
            yield opened

    @contextmanager
    def stream(self) -> Iterator[Opened]:
        """Around an answer that comes in parts."""
        with self._open(self._streams) as opened:
            yield opened

    @contextmanager
    def _open(self, kind: set[Opened]) -> Iterator[Opened]:
        opened = Opened()
        kind.add(opened)
        if self.begun:
            self._ask_to_leave(opened)
        if self._ends:
            opened.end.set()
        try:
            yield opened
        finally:
            kind.discard(opened)

    async def keep_serving(self) -> None:
        """The first step; returns when the window is over, or when somebody lost patience."""
        self._begin()
        await self._wait(lambda: False, self._window)

    async def finish(self) -> float:
        """The second step, with the listener closed; how many seconds are left for requests."""
        deadline = time.monotonic() + self._shutdown
        if not self.begun:
            self._window = 0.0
            self._begin()
        for opened in self._all():
            opened.leave.set()
        last = min(END_SECONDS, self._shutdown / 2)
        await self._wait(lambda: not self._all(), self._shutdown - last)
        self._ends = True
        cut_short = self._all()
        for opened in cut_short:
            opened.end.set()
        await self._wait(lambda: not self._all(), last)
        log.info("drain_ended", cut_short=len(cut_short), dropped=len(self._all()))
        return max(0.0, deadline - time.monotonic())

    def abandon(self) -> None:
        """Waits for nothing any more. Only sets a flag, so a signal handler may call it."""
        self._abandoned = True

    def _begin(self) -> None:
        self._begun_at = time.monotonic()
        log.info("drain_begun", seconds=self._window, sockets=self.sockets, streams=self.streams)
        for opened in self._all():
            self._ask_to_leave(opened)

    def _ask_to_leave(self, opened: Opened) -> None:
        """At some moment of what is left of the window: all at once would all come back at once."""
        assert self._begun_at is not None  # noqa: S101 -- asked for after the begin only
        moment = self._begun_at + self._window * random.uniform(QUIET_PART, 1)  # noqa: S311
        delay = max(0.0, moment - time.monotonic())
        asyncio.get_running_loop().call_later(delay, opened.leave.set)

    def _all(self) -> list[Opened]:
        return [*self._sockets, *self._streams]

    async def _wait(self, condition: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not (self._abandoned or condition()) and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(LOOK_SECONDS)
