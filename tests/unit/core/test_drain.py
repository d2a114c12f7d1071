"""The steps of an end, on the object that knows what is open. Processes: tests/integration."""

import asyncio
import time

import pytest
import structlog

from harena_core import drain as module
from harena_core.drain import Drain, Opened


@pytest.fixture(autouse=True)
def quick_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.005)


async def left_at(opened: Opened) -> float:
    await opened.leave.wait()
    return time.monotonic()


class TestWindow:
    async def test_sockets_are_asked_one_by_one_in_its_second_part(self) -> None:
        drain = Drain(drain_seconds=2, shutdown_seconds=1)
        begin = time.monotonic()
        sockets = [drain.socket() for _ in range(30)]
        leaving = [asyncio.create_task(left_at(socket.__enter__())) for socket in sockets]

        await drain.keep_serving()
        moments = sorted([await moment - begin for moment in leaving])

        assert moments[0] >= 1
        assert moments[-1] < 10
        # Thirty moments of 1 s: all within a tenth of it is a chance of 0.1 to the power of 29.
        assert moments[-1] - moments[0] > 0.1

    async def test_lasts_although_nothing_is_open(self) -> None:
        """Requests still come, for the edge learns late."""
        drain = Drain(drain_seconds=0.3, shutdown_seconds=1)
        begin = time.monotonic()

        await drain.keep_serving()

        assert time.monotonic() - begin >= 0.3

    async def test_a_socket_that_comes_now_is_asked_in_the_same_window(self) -> None:
        drain = Drain(drain_seconds=0.3, shutdown_seconds=1)
        serving = asyncio.create_task(drain.keep_serving())
        begin = time.monotonic()
        await asyncio.sleep(0)

        with drain.socket() as opened:
            await opened.leave.wait()

        assert time.monotonic() - begin < 10
        await serving

    async def test_is_over_when_patience_is(self) -> None:
        drain = Drain(drain_seconds=3600, shutdown_seconds=3600)
        with drain.stream():
            serving = asyncio.create_task(drain.keep_serving())
            await asyncio.sleep(0)
            drain.abandon()

            async with asyncio.timeout(5):
                await serving
                await drain.finish()


class TestFinish:
    async def test_waits_for_what_ends_by_itself(self) -> None:
        drain = Drain(drain_seconds=0, shutdown_seconds=60)

        async def answer() -> bool:
            with drain.stream() as opened:
                await asyncio.wait([asyncio.ensure_future(opened.end.wait())], timeout=0.1)
                return opened.end.is_set()

        answering = asyncio.create_task(answer())
        await asyncio.sleep(0)
        left = await drain.finish()

        assert await answering is False
        assert 50 < left < 60

    async def test_ends_what_does_not(self) -> None:
        drain = Drain(drain_seconds=0, shutdown_seconds=0.4)
        begin = time.monotonic()

        async def answer() -> float:
            with drain.stream() as opened:
                await opened.end.wait()
                return time.monotonic() - begin

        answering = asyncio.create_task(answer())
        await asyncio.sleep(0)
        with structlog.testing.capture_logs() as lines:
            await drain.finish()

        assert 0.2 <= await answering < 2
        [ended] = [line for line in lines if line["event"] == "drain_ended"]
        assert (ended["cut_short"], ended["dropped"]) == (1, 0)

    async def test_is_bounded_by_what_it_was_given(self) -> None:
        drain = Drain(drain_seconds=0, shutdown_seconds=0.2)
        begin = time.monotonic()

        with drain.socket():
            left = await drain.finish()

        assert left == 0
        assert 0.2 <= time.monotonic() - begin < 2

    async def test_without_a_window_sockets_are_asked_at_once(self) -> None:
        drain = Drain(drain_seconds=3600, shutdown_seconds=60)

        async def socket() -> None:
            with drain.socket() as opened:
                await opened.leave.wait()

        serving = asyncio.create_task(socket())
        await asyncio.sleep(0)
        async with asyncio.timeout(5):
            await drain.finish()
        await serving

    async def test_what_comes_after_all_is_told_at_once(self) -> None:
        drain = Drain(drain_seconds=0, shutdown_seconds=0.1)
        await drain.finish()

        with drain.socket() as opened:
            async with asyncio.timeout(5):
                await opened.leave.wait()
                await opened.end.wait()


def test_what_is_open_is_counted() -> None:
    drain = Drain(drain_seconds=0, shutdown_seconds=1)

    with drain.socket(), drain.socket(), drain.stream():
        assert (drain.sockets, drain.streams) == (2, 1)

    assert (drain.sockets, drain.streams) == (0, 0)
