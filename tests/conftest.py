"""Real servers for the tests, each started once per test process and ended with it.

In: nothing but the wheels. Out: a migrated `database` of its own for each test that asks, and a
`valkey`. Their data is thrown away, so nothing waits for a disk.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import structlog

from harena_core.logging import exceptions
from harena_core.testing import free_port
from harena_db import testing
from harena_db.testing import Database
from harena_local.postgres import Postgres
from harena_local.process import Running
from harena_local.valkey import Valkey


@pytest.fixture(scope="session", autouse=True)
def plain_logs() -> None:
    """As services log: structlog's own console draws each local of a traceback, for seconds."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            exceptions,
            structlog.processors.JSONRenderer(),
        ]
    )


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """An empty server; `execute` speaks to it as superuser."""
    with serving_postgres(tmp_path_factory.mktemp("postgres")) as (server, _):
        yield server


@contextmanager
def serving_postgres(folder: Path) -> Iterator[tuple[Postgres, Running]]:
    """A new server in that folder, and its process."""
    server = Postgres(folder / "data", free_port(), "superuser-secret", durable=False)
    server.initialise()
    with server.running(folder / "postgres.log") as running:
        yield server, running


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[tuple[Postgres, Running]]:
    """An empty server that a test may stop."""
    folder = tmp_path / "postgres"
    folder.mkdir()
    with serving_postgres(folder) as served:
        yield served


@pytest.fixture(scope="session")
def database_server(postgres: Postgres) -> str:
    """The superuser's URL of a server that has the roles and a migrated template."""
    url = postgres.url("postgres")
    asyncio.run(testing.make_template(url))
    return url


@pytest.fixture
async def database(database_server: str) -> AsyncIterator[Database]:
    """A migrated database of this test's own; `database.url(role)` is a service's DATABASE_URL."""
    async with testing.database(database_server) as fresh:
        yield fresh


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """An empty server with a password; its `url` is a service's REDIS_URL."""
    with serving_valkey(tmp_path_factory.mktemp("valkey")) as (server, _):
        yield server


@contextmanager
def serving_valkey(folder: Path) -> Iterator[tuple[Valkey, Running]]:
    server = Valkey(folder, free_port(), "valkey-secret")
    server.configure()
    with server.running(folder / "valkey.log") as running:
        yield server, running


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[tuple[Valkey, Running]]:
    """An empty server that a test may stop."""
    folder = tmp_path / "valkey"
    folder.mkdir()
    with serving_valkey(folder) as served:
        yield served
