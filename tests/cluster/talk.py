"""People who talk while something is rolled out: sockets that are open, answers being written."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import httpx2
from tests.cluster.cluster import EDGE, HOST
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

SOCKETS, STREAMS = 20, 5
# Of a third of a second each: an answer that is running when its pod is told to end.
PIECES = "15"
PING_SECONDS = 1.0
TIMEOUT_SECONDS = 15.0

_EDGE = httpx2.URL(EDGE)


@dataclass
class Talk:
    """What became of the sockets and the answers."""

    closes: Counter[int] = field(default_factory=Counter)
    """By code."""
    unannounced: int = 0
    """Closed without `reconnect` before."""
    refused: Counter[str] = field(default_factory=Counter)
    """Connections that were not made, by what happened."""
    gaps: list[float] = field(default_factory=list)
    """Seconds from the loss of a socket until the next one answered."""
    ended: int = 0
    """Answers with their `response_end`."""
    broken: Counter[str] = field(default_factory=Counter)
    """Answers without, or with an `error`."""


@dataclass
class _Line:
    """One open socket, and whether it was told to come again."""

    socket: ClientConnection
    told: bool = False

    async def receive(self) -> str:
        """The type of the next event."""
        kind: str = json.loads(await self.socket.recv())["type"]
        self.told |= kind == "reconnect"
        return kind

    async def ping(self) -> None:
        # Closed while this was about to be sent: what came before is still to be received.
        with suppress(ConnectionClosed):
            await self.socket.send('{"type": "ping"}')

    async def ask(self) -> None:
        await self.ping()
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while await self.receive() != "pong":
                pass

    async def use(self, over: asyncio.Event) -> None:
        while not over.is_set():
            try:
                async with asyncio.timeout(PING_SECONDS):
                    await self.receive()
            except TimeoutError:
                await self.ping()


class _Sockets:
    def __init__(self, talk: Talk, token: str, over: asyncio.Event) -> None:
        self._talk, self._token, self._over = talk, token, over
        self.open = 0

    async def hold(self, source: str) -> None:
        """Keeps one socket open, and opens the next when it is lost."""
        loop = asyncio.get_running_loop()
        lost_at: float | None = None
        while not self._over.is_set():
            try:
                async with connect(
                    f"ws://{HOST}/api/v3/ws",
                    additional_headers={"Authorization": self._token},
                    host=_EDGE.host,
                    port=_EDGE.port,
                    local_addr=(source, 0),
                    proxy=None,
                    open_timeout=TIMEOUT_SECONDS,
                ) as socket:
                    line = _Line(socket)
                    try:
                        await line.ask()
                        if lost_at is not None:
                            self._talk.gaps.append(loop.time() - lost_at)
                            lost_at = None
                        self.open += 1
                        try:
                            await line.use(self._over)
                        finally:
                            self.open -= 1
                    except ConnectionClosed as closed:
                        self._talk.closes[closed.rcvd.code if closed.rcvd else 1006] += 1
                        self._talk.unannounced += not line.told
            except (OSError, TimeoutError, InvalidHandshake) as error:
                self._talk.refused[type(error).__name__] += 1
                await asyncio.sleep(0.2)
            lost_at = loop.time() if lost_at is None else lost_at


async def _listen(client: httpx2.AsyncClient, path: str, talk: Talk, over: asyncio.Event) -> None:
    """Asks, reads the answer to its end, and asks again."""
    while not over.is_set():
        last, failed = "", ""
        try:
            async with client.stream("POST", path, json={"message": PIECES}) as answer:
                failed = "" if answer.status_code == 200 else str(answer.status_code)
                async for line in answer.aiter_lines():
                    if line.startswith("data:"):
                        event = json.loads(line.removeprefix("data:"))
                        last = event["type"]
                        failed = failed or event.get("error_code", "")
        except httpx2.HTTPError as error:
            failed = type(error).__name__
        if failed or last != "response_end":
            talk.broken[failed or f"ended by {last}"] += 1
            await asyncio.sleep(0.2)
        else:
            talk.ended += 1


@asynccontextmanager
async def talking(token: str, user_id: int, sources: Sequence[str]) -> AsyncIterator[Talk]:
    """20 sockets and 5 running answers; returns when all sockets are open.

    `token` is the value of the header. The sockets come from the first address but one each, as
    the edge counts connections by address; the answers from the last.
    """
    talk, over = Talk(), asyncio.Event()
    sockets = _Sockets(talk, token, over)
    *addresses, own = sources
    async with httpx2.AsyncClient(
        base_url=EDGE,
        headers={"Host": HOST, "Authorization": token},
        timeout=TIMEOUT_SECONDS,
        trust_env=False,
        transport=httpx2.AsyncHTTPTransport(local_address=own),
    ) as client:
        path = f"/api/v3/conversation/{user_id}/stream"
        async with asyncio.TaskGroup() as group:
            for number in range(SOCKETS):
                group.create_task(sockets.hold(addresses[number % len(addresses)]))
            for _ in range(STREAMS):
                group.create_task(_listen(client, path, talk, over))
            try:
                async with asyncio.timeout(60):
                    while sockets.open < SOCKETS:  # noqa: ASYNC110 -- no event says it
                        await asyncio.sleep(0.05)
                yield talk
            finally:
                over.set()
