"""What is measured, as processes that are started once and asked in turn."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psutil
from tests.bench.baselines import open_pool, same_sql
from tests.bench.load import Sample, load, request
from tests.bench.world import TODAY, Person, World

from harena_core.testing import eventually, free_port
from harena_db.testing import Database
from harena_ledger.periods import Comparison, Month, month_over_month, year_over_year
from harena_local.process import ENVIRONMENT

START_SECONDS = 30.0
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Case:
    """One figure of one person."""

    metric: str
    person: Person

    @property
    def name(self) -> str:
        return f"{self.metric}, user of {self.person.rows:,} rows"

    @property
    def days(self) -> dict[str, date]:
        """The bounds of the reference and of the target, as the service takes them by itself."""
        compared = self._compared()
        return {
            "start_0": compared.reference.start,
            "end_0": compared.reference.end,
            "start_1": compared.target.start,
            "end_1": compared.target.end,
        }

    def _compared(self) -> Comparison:
        if self.metric.endswith("mom"):
            return month_over_month(Month.of(TODAY), today=TODAY, as_of=TODAY)
        return year_over_year(TODAY.year, today=TODAY, as_of=TODAY)


Measure = Callable[[Case, int, float], Awaitable[Sample]]


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that answers."""

    key: str
    name: str
    measure: Measure
    """Case, concurrency, seconds."""
    process: psutil.Process | None = None
    ours: bool = False

    @property
    def memory(self) -> float | None:
        """MiB of the process."""
        return self.process.memory_info().rss / 2**20 if self.process else None


def _start(command: list[str], log: Path, environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    with log.open("wb") as output:
        # Of this process's environment nothing but where programs are.
        return subprocess.Popen(
            command, env={**ENVIRONMENT, **environment}, stdout=output, stderr=output, cwd=ROOT
        )


@asynccontextmanager
async def _process(
    command: list[str], port: int, log: Path, environment: dict[str, str] | None = None
) -> AsyncIterator[psutil.Process]:
    """A server of ours; ready when it takes connections, ended with the block."""
    process = await asyncio.to_thread(_start, command, log, environment or {})
    try:

        async def listening() -> bool:
            if process.poll() is not None:
                raise RuntimeError(f"{command[0]} ended: see {log}")
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                return False
            writer.close()
            return True

        await eventually(listening, seconds=START_SECONDS)
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait)


@asynccontextmanager
async def service(
    world: World, database: Database, folder: Path, *, keeps_answers: bool
) -> AsyncIterator[Subject]:
    """The metric service, as it is run everywhere."""
    port = free_port()
    key = "service" if keeps_answers else "computed"
    environment = {
        "DATABASE_URL": database.url("harena_metric"),
        "REDIS_URL": world.valkey.url,
        "KEY_SET_FILE": str(world.mint.key_set_file),
        "PORT": str(port),
        "TODAY": TODAY.isoformat(),
        **({} if keeps_answers else {"ANSWERS_KEPT": "0"}),
    }
    command = [str(Path(sys.executable).with_name("harena-metric"))]
    log = folder / f"metric-{key}-{database.name}.log"

    async def measure(case: Case, concurrency: int, seconds: float) -> Sample:
        asked = request(f"/api/v1/metrics/{case.metric}", case.person.token)
        return await load(port, [asked], concurrency=concurrency, seconds=seconds)

    async with _process(command, port, log, environment) as process:
        name = "metric service" if keeps_answers else "metric service, every answer computed"
        yield Subject(key, name, measure, process, ours=True)


@asynccontextmanager
async def baseline(
    world: World, database: Database, folder: Path, key: str, name: str
) -> AsyncIterator[Subject]:
    """One of `tests.bench.baselines`."""
    port = free_port()
    # The predecessor joins categories, which the metric service may not read.
    url = database.url("harena_user" if key == "predecessor" else "harena_metric")
    command = [sys.executable, "-m", "tests.bench.baselines", key, str(port), url]

    async def measure(case: Case, concurrency: int, seconds: float) -> Sample:
        query = urlencode({"user_id": case.person.user_id, **case.days})
        asked = request(f"/?{query}", case.person.token)
        return await load(port, [asked], concurrency=concurrency, seconds=seconds)

    async with _process(command, port, folder / f"{key}.log") as process:
        yield Subject(key, name, measure, process)


@asynccontextmanager
async def sql_alone(database: Database) -> AsyncIterator[Subject]:
    """The same statements from this very process, with no HTTP at all."""
    async with open_pool(database.url("harena_metric")) as pool:

        async def measure(case: Case, concurrency: int, seconds: float) -> Sample:
            days = case.days
            return await timed(
                lambda: same_sql(pool, case.person.user_id, days), concurrency, seconds
            )

        yield Subject("sql", "the same SQL, asyncpg alone", measure)


async def timed(call: Callable[[], Awaitable[Any]], concurrency: int, seconds: float) -> Sample:
    """So many tasks that each call again and again."""
    sample = Sample(seconds)
    begin = time.perf_counter()

    async def repeat() -> None:
        while True:
            called_at = time.perf_counter()
            await call()
            now = time.perf_counter()
            sample.latencies.append(now - called_at)
            if now >= begin + seconds:
                return

    await asyncio.gather(*(repeat() for _ in range(concurrency)))
    sample.seconds = time.perf_counter() - begin
    return sample
