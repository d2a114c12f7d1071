"""The conversation service as a process that is told to end, with everything open that can be."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest
from tests.integration.conversation import slow_answers
from tests.integration.conversation.conftest import (
    Event,
    Person,
    Socket,
    asking,
    socket_of,
)

from harena_conversation.settings import ConversationSettings
from harena_core.testing import eventually, free_port, process

SOCKETS, STREAMS = 20, 5
FOR_EVER = "100000"


@dataclass
class Served:
    """The process, and a client of it."""

    process: asyncio.subprocess.Process
    client: httpx2.AsyncClient

    async def drains(self) -> bool:
        ready = await self.client.get("/readyz")
        return (ready.status_code, ready.json()["failing"]) == (503, ["draining"])

    async def ended(self) -> int:
        async with asyncio.timeout(20):
            return await self.process.wait()


Run = Callable[..., AbstractAsyncContextManager[Served]]


@pytest.fixture
def run(settings: ConversationSettings, tmp_path: Path) -> Run:
    @asynccontextmanager
    async def run(**more: str) -> AsyncIterator[Served]:
        port = free_port()
        assert settings.redis_url
        environment = {
            "PATH": os.defpath,
            "PORT": str(port),
            "DATABASE_URL": settings.database_url.get_secret_value(),
            "REDIS_URL": settings.redis_url.get_secret_value(),
            "KEY_SET_FILE": str(settings.key_set_file),
            "SOCKETS_PER_ADDRESS": "100",
            "QUESTIONS_PER_MINUTE": "100",
            **more,
        }
        command = (sys.executable, str(Path(slow_answers.__file__)))
        async with (
            process(command, environment, port=port, log=tmp_path / "log") as started,
            httpx2.AsyncClient(
                base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30
            ) as client,
        ):
            yield Served(started, client)

    return run


@dataclass
class Flow:
    """Requests one after the other, until the first that fails."""

    person: Person
    statuses: list[int] = field(default_factory=list)
    failed_at: float = 0.0

    async def run(self, base_url: str) -> None:
        async with httpx2.AsyncClient(base_url=base_url, trust_env=False, timeout=30) as client:
            with suppress(httpx2.TransportError):
                while True:
                    answer = await client.post(
                        self.person.stream, json={"message": ""}, headers=self.person.headers
                    )
                    self.statuses.append(answer.status_code)
        self.failed_at = time.monotonic()


async def farewell(socket: Socket) -> tuple[list[Event], int | None, float]:
    """All that a socket hears to its end, the close code, and when that was."""
    events = [await socket.hear()]
    while events[-1]["type"] != "reconnect":
        events.append(await socket.hear())
    return events, await socket.closed(), time.monotonic()


async def test_nothing_is_dropped(run: Run, ada: Person) -> None:
    window = 4.0
    async with (
        run(DRAIN_SECONDS=str(window), SHUTDOWN_SECONDS="15") as served,
        AsyncExitStack() as stack,
    ):
        client = served.client
        sockets = [await stack.enter_async_context(socket_of(client, ada)) for _ in range(SOCKETS)]
        streams = [
            # Longer than the window, shorter than what comes after it.
            await stack.enter_async_context(asking(client, ada, "20"))
            for _ in range(STREAMS)
        ]
        for socket in sockets:
            await socket.say("ping")
            assert await socket.hear() == {"type": "pong"}
        busy, *idle = sockets
        await busy.say("message", message="20")
        await busy.hear()
        for stream in streams:
            await stream.next()
        metrics = (await client.get("/metrics")).text
        assert f'harena_sockets_open{{service="conversation"}} {SOCKETS}.0' in metrics
        assert f'harena_streams_open{{service="conversation"}} {STREAMS}.0' in metrics

        flows = [Flow(ada) for _ in range(2)]
        flowing = [asyncio.create_task(flow.run(str(client.base_url))) for flow in flows]

        async def steady() -> bool:
            return all(len(flow.statuses) > 3 for flow in flows)

        await eventually(steady)
        told = time.monotonic()
        served.process.send_signal(signal.SIGTERM)
        leaving = [asyncio.create_task(farewell(socket)) for socket in idle]
        ending = asyncio.create_task(farewell(busy))
        answers = [asyncio.create_task(stream.rest()) for stream in streams]
        await eventually(served.drains)

        # The edge does not know yet: what it still sends is served, and told in the window.
        async with socket_of(client, ada) as late:
            events, code, _ = await farewell(late)
            assert (events, code) == ([{"type": "reconnect"}], 1012)

        left = [await each for each in leaving]
        for events, code, _ in left:
            assert (events, code) == ([{"type": "reconnect"}], 1012)
        moments = sorted(moment - told for _, _, moment in left)
        assert moments[0] >= window / 2
        assert moments[-1] < window + 2
        assert moments[-1] - moments[0] > window / 10

        await asyncio.gather(*flowing)
        for flow in flows:
            assert set(flow.statuses) == {422}  # the service's own answer, each time
            assert flow.failed_at - told >= window
        for answer in answers:
            events = await answer
            assert events[-1] == {"type": "response_end", "metadata": {"pieces": 20}}
        events, code, _ = await ending
        assert [event["type"] for event in events[-2:]] == ["response_end", "reconnect"]
        assert events[-2]["metadata"] == {"pieces": 20}
        assert code == 1012
        assert await served.ended() == -signal.SIGTERM


async def test_what_does_not_end_in_time_is_ended_properly(run: Run, ada: Person) -> None:
    restarting = {
        "type": "error",
        "message": "Le service redémarre. Reposez votre question dans un instant.",
        "error_code": "SERVICE_RESTARTING",
    }
    async with (
        run(SHUTDOWN_SECONDS="5") as served,
        asking(served.client, ada, FOR_EVER) as stream,
        socket_of(served.client, ada) as socket,
    ):
        await socket.say("message", message=FOR_EVER)
        await socket.hear_until("response_chunk")
        await stream.next()
        told = time.monotonic()
        served.process.send_signal(signal.SIGTERM)
        leaving = asyncio.create_task(farewell(socket))

        events = await stream.rest()
        assert events[-2:] == [restarting, {"type": "response_end", "metadata": {}}]
        assert "response_end" not in next(read for read in stream.reads if '"error"' in read)
        heard, code, _ = await leaving
        assert [*heard[-3:], code] == [
            restarting,
            {"type": "response_end", "metadata": {}},
            {"type": "reconnect"},
            1012,
        ]
        assert await served.ended() == -signal.SIGTERM
        assert 3 <= time.monotonic() - told < 10


async def test_a_second_signal_ends_it_at_once(run: Run, ada: Person) -> None:
    async with (
        run(DRAIN_SECONDS="3600", SHUTDOWN_SECONDS="3600") as served,
        asking(served.client, ada, FOR_EVER) as stream,
        socket_of(served.client, ada),
    ):
        await stream.next()
        served.process.send_signal(signal.SIGTERM)
        await eventually(served.drains)
        again = time.monotonic()
        served.process.send_signal(signal.SIGTERM)

        assert await served.ended() == -signal.SIGTERM
        assert time.monotonic() - again < 10


async def test_with_nothing_open_it_ends_at_once(run: Run, ada: Person) -> None:
    async with run() as served, socket_of(served.client, ada) as socket:
        await socket.say("ping")
        await socket.hear()
        told = time.monotonic()
        served.process.send_signal(signal.SIGINT)

        assert (await farewell(socket))[:2] == ([{"type": "reconnect"}], 1012)
        await served.ended()
        assert time.monotonic() - told < 5
