"""The portal as a process that is told to end, as every service is."""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx2

from harena_core.testing import eventually, free_port, process

WINDOW_SECONDS = 1.5


@asynccontextmanager
async def portal(
    log: Path, **more: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, httpx2.AsyncClient, httpx2.AsyncClient]]:
    """The process, its pages and its operations."""
    port, internal = free_port(), free_port()
    environment = {"PORT": str(port), "INTERNAL_PORT": str(internal), **more}
    command = [str(Path(sys.prefix, "bin", "harena-portal"))]
    async with (
        process(command, environment, port=internal, log=log) as started,
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as pages,
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{internal}", trust_env=False) as operations,
    ):
        yield started, pages, operations


async def test_it_serves_until_the_edge_has_learned_of_its_end(tmp_path: Path) -> None:
    async with portal(tmp_path / "log", DRAIN_SECONDS=str(WINDOW_SECONDS)) as (
        started,
        pages,
        operations,
    ):
        assert (await operations.get("/readyz")).json() == {"ready": True, "failing": []}
        assert "close" not in (await pages.get("/docs")).headers.get("connection", "")
        begin = time.monotonic()
        started.send_signal(signal.SIGTERM)

        async def draining() -> bool:
            ready = await operations.get("/readyz")
            return (ready.status_code, ready.json()["failing"]) == (503, ["draining"])

        await eventually(draining)
        metrics = (await operations.get("/metrics")).text
        assert 'harena_draining{service="portal"} 1.0' in metrics
        served = 0
        with suppress(httpx2.TransportError):
            while True:
                answer = await pages.get("/docs")
                assert answer.status_code == 200
                # Kept connections would break when the process goes.
                assert answer.headers["connection"] == "close"
                served += 1
        assert served > 10
        assert time.monotonic() - begin >= WINDOW_SECONDS
        async with asyncio.timeout(10):
            assert await started.wait() == -signal.SIGTERM


async def test_it_ends_at_once_where_no_window_is_set(tmp_path: Path) -> None:
    async with portal(tmp_path / "log") as (started, _, _):
        begin = time.monotonic()
        started.send_signal(signal.SIGINT)
        async with asyncio.timeout(10):
            await started.wait()

    assert time.monotonic() - begin < 5


async def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    async with portal(tmp_path / "log", DRAIN_SECONDS="3600") as (started, _, operations):
        started.send_signal(signal.SIGTERM)

        async def draining() -> bool:
            return (await operations.get("/readyz")).status_code == 503

        await eventually(draining)
        assert started.returncode is None
        started.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            assert await started.wait() == -signal.SIGTERM
