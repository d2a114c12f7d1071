"""A load generator: keep-alive connections that each ask again as soon as they are answered.

It runs in the event loop of its own process and does no more than HTTP/1.1 asks: a request of ours
is bytes made once, and an answer is read up to its declared length. It costs about a tenth of what
the cheapest service costs per request, so it is never what is measured.
"""

import asyncio
import time
from dataclasses import dataclass, field
from typing import cast

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length:"
ANSWER_SECONDS = 30.0


class BadAnswer(Exception):
    """An answer that is not a 200, or has no length: nothing may be measured by it."""


@dataclass(slots=True)
class Sample:
    """What was measured in one go."""

    seconds: float
    latencies: list[float] = field(default_factory=list)
    """Seconds of each answer."""

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.latencies) / self.seconds


def request(path: str, token: str) -> bytes:
    """A whole GET, as bytes."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n"
        f"Accept: application/json\r\n\r\n"
    ).encode()


class _Asker(asyncio.Protocol):
    """One connection. Asks, waits for the whole answer, asks again until the time is over."""

    def __init__(self, requests: list[bytes], first: int, until: float, sample: Sample) -> None:
        self._requests = requests
        self._next = first
        self._until = until
        self._latencies = sample.latencies
        self._buffer = b""
        self._asked_at = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._ask()

    def _ask(self) -> None:
        self._asked_at = time.perf_counter()
        self._transport.write(self._requests[self._next % len(self._requests)])
        self._next += 1

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(_HEAD_END)
        if head < 0:
            return
        headers = self._buffer[:head].lower()
        at = headers.find(_LENGTH)
        if not headers.startswith(b"http/1.1 200") or at < 0:
            self._end(BadAnswer(self._buffer[:300].decode(errors="replace")))
            return
        length = int(headers[at + len(_LENGTH) :].split(b"\r\n", 1)[0])
        if len(self._buffer) < head + len(_HEAD_END) + length:
            return
        now = time.perf_counter()
        self._latencies.append(now - self._asked_at)
        self._buffer = b""
        if now < self._until:
            self._ask()
        else:
            self._end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc or BadAnswer("the connection was closed"))

    def _end(self, error: Exception | None) -> None:
        if not self.done.done():
            if error is None:
                self.done.set_result(None)
            else:
                self.done.set_exception(error)
        self._transport.close()


async def load(port: int, requests: list[bytes], *, concurrency: int, seconds: float) -> Sample:
    """Asks 127.0.0.1:port for that long over so many connections.

    Raises BadAnswer for any answer but a 200.
    """
    loop = asyncio.get_running_loop()
    sample = Sample(seconds)
    begin = time.perf_counter()
    askers: list[_Asker] = []
    for number in range(concurrency):
        _, asker = await loop.create_connection(
            lambda number=number: _Asker(requests, number, begin + seconds, sample),  # type: ignore[misc]
            "127.0.0.1",
            port,
        )
        askers.append(asker)
    async with asyncio.timeout(seconds + ANSWER_SECONDS):
        await asyncio.gather(*(asker.done for asker in askers))
    sample.seconds = time.perf_counter() - begin
    return sample
