"""What a transaction makes of what goes wrong in it, on a real Postgres, by both ways into one.

A dependency that fails is answered as that; everything else is a bug, and stays what it was.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from pydantic import SecretStr
from sqlalchemy import Integer, literal, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from harena_core import db
from harena_core.db import Statement, open_engine, reading, transaction
from harena_core.errors import DatabaseTimeout, DatabaseUnavailable
from harena_core.metrics import Instruments
from harena_core.settings import DatabaseSettings
from harena_core.testing import eventually
from harena_db import tables
from harena_db.testing import Database, add, begin_session
from harena_local.postgres import Postgres

ENDLESS = "SELECT pg_sleep(600)"
AMID = f"state = 'active' AND query = '{ENDLESS}'"

Run = Callable[[Any], Awaitable[Any]]
Way = Callable[[], AbstractAsyncContextManager[Run]]
"""Opens a transaction."""


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    """Of one connection."""
    url = SecretStr(database.url("harena_user"))
    settings = DatabaseSettings(database_url=url, database_pool_size=1)
    async with open_engine(settings, Instruments("core")) as engine:
        yield engine


@pytest.fixture
async def session(database: Database) -> tuple[int, UUID]:
    async with database.transaction() as connection:
        user_id = await add(connection, tables.users, email="ada@example.com", password_hash="x")
        return user_id, await begin_session(connection, user_id)


@pytest.fixture(params=["a user's", "nobody's", "reading"])
def way(request: pytest.FixtureRequest, engine: AsyncEngine, session: tuple[int, UUID]) -> Way:
    user_id, session_id = session

    @asynccontextmanager
    async def writes() -> AsyncIterator[Run]:
        async with transaction(engine, user_id if request.param == "a user's" else None) as opened:
            yield opened.execute

    @asynccontextmanager
    async def reads() -> AsyncIterator[Run]:
        async with reading(engine, user_id, session_id) as reader:
            assert reader is not None
            yield lambda statement: reader.fetch(Statement(statement))

    return reads if request.param == "reading" else writes


async def works(way: Way) -> None:
    async with way() as run:
        await run(text("SELECT 1"))


async def never_ends(way: Way) -> None:
    async with way() as run:
        await run(text(ENDLESS))


async def tell(postgres: Postgres, database: Database, function: str, which: str) -> None:
    """Has a backend of the service cancelled or terminated, once it is there."""
    sql = (
        f"SELECT {function}(pid) FROM pg_stat_activity "  # noqa: S608
        f"WHERE usename = 'harena_user' AND datname = '{database.name}' AND {which}"
    )

    async def told() -> bool:
        return bool(await asyncio.to_thread(postgres.execute, sql))

    await eventually(told)


class TestBugs:
    async def test_a_value_that_the_type_does_not_hold(self, way: Way) -> None:
        with pytest.raises((DBAPIError, asyncpg.DataError)):
            async with way() as run:
                await run(select(literal(2**31, Integer())))

        await works(way)

    async def test_a_statement_that_is_none(self, way: Way) -> None:
        with pytest.raises((DBAPIError, asyncpg.PostgresSyntaxError)):
            async with way() as run:
                await run(text("SELEKT 1"))

        await works(way)

    async def test_two_statements_at_once(
        self, engine: AsyncEngine, session: tuple[int, UUID]
    ) -> None:
        async def both() -> None:
            async with reading(engine, *session) as reader:
                assert reader is not None
                one, other = (reader.fetch(Statement(text("SELECT 1"))) for _ in range(2))
                _, failed = await asyncio.gather(one, other, return_exceptions=True)
                assert isinstance(failed, Exception)
                raise failed

        with pytest.raises(asyncpg.InterfaceError, match="another operation is in progress"):
            await both()

    @pytest.mark.parametrize("error", [OSError, TimeoutError, ConnectionResetError])
    async def test_what_postgres_did_not_raise(self, way: Way, error: type[Exception]) -> None:
        with pytest.raises(error):
            async with way():
                raise error

        await works(way)


class TestPatience:
    @pytest.fixture(autouse=True)
    def impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(db, "STATEMENT_SECONDS", 2)
        monkeypatch.setattr(db, "POOL_SECONDS", 0.1)

    async def test_a_statement_that_does_not_end(self, way: Way) -> None:
        with pytest.raises(DatabaseTimeout):
            await never_ends(way)

        await works(way)

    async def test_a_pool_without_a_free_connection(self, way: Way) -> None:
        async with way():
            with pytest.raises(DatabaseUnavailable):
                await works(way)

        await works(way)


class TestServer:
    @pytest.mark.parametrize(
        ("function", "error"),
        [
            pytest.param("pg_cancel_backend", DatabaseTimeout, id="the-statement"),
            pytest.param("pg_terminate_backend", DatabaseUnavailable, id="the-connection"),
        ],
    )
    async def test_ends_amid_a_statement(
        self,
        way: Way,
        database: Database,
        postgres: Postgres,
        function: str,
        error: type[Exception],
    ) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(tell(postgres, database, function, AMID))
            with pytest.raises(error):
                await never_ends(way)

        await works(way)

    async def test_ended_a_connection_that_was_idle(
        self, way: Way, engine: AsyncEngine, database: Database, postgres: Postgres
    ) -> None:
        async with engine.connect() as connection:
            pooled = await connection.get_raw_connection()
            idle: Any = pooled.driver_connection
        await tell(postgres, database, "pg_terminate_backend", "state = 'idle'")

        async def died() -> bool:
            closed: bool = idle.is_closed()
            return closed

        await eventually(died)
        await works(way)

    async def test_takes_no_more_connections(
        self, way: Way, database: Database, postgres: Postgres
    ) -> None:
        limit = f"ALTER DATABASE {database.name} CONNECTION LIMIT"
        await asyncio.to_thread(postgres.execute, f"{limit} 0")
        with pytest.raises(DatabaseUnavailable):
            await works(way)

        await asyncio.to_thread(postgres.execute, f"{limit} -1")
        await works(way)
