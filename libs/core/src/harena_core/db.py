"""Postgres: one request is one transaction, and a transaction knows whose it is.

A transaction is committed once, at the edge of the request, and rolled back on any exception.
Application code never commits. The user is bound to the transaction (`harena.user_id`), which is
what the row-level security of the schema reads: a query that forgot its `WHERE` sees nothing of
others.

What only reads, and is asked often, takes `reading` instead: the same pool and the same wall, with
asyncpg's own calls, because SQLAlchemy's cost more than the queries they carry.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy import ClauseElement, text
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.util import greenlet_spawn

from harena_core.errors import DatabaseUnavailable
from harena_core.metrics import Instruments
from harena_core.settings import DatabaseSettings

log = structlog.get_logger()

CONNECT_SECONDS = 3
STATEMENT_SECONDS = 30
POOL_SECONDS = 5

_SCHEMES = {"postgres", "postgresql"}
# libpq's words that asyncpg spells otherwise or does not know; `sslmode` means the same as `ssl`.
_RENAMED = {"sslmode": "ssl"}
_UNKNOWN = {"channel_binding", "gssencmode", "target_session_attrs", "connect_timeout"}

# Classes of SQLSTATE that say "the server, not the query": connection, resources, operator
# intervention (shutdown, crash recovery), system error.
_OUTAGE_CLASSES = ("08", "53", "57P", "58")

_BIND_USER = text("SELECT set_config('harena.user_id', :user_id, true)")


def plain_url(url: str) -> str:
    """Any common form of a Postgres URL, as `postgresql://…` with the options asyncpg knows.

    Hosting companies write `postgres://`, SQLAlchemy users `postgresql+psycopg2://`, libpq users
    `?sslmode=require`. Raises ValueError for what is no Postgres URL at all.
    """
    parts = urlsplit(url.strip())
    scheme = parts.scheme.partition("+")[0]
    if scheme not in _SCHEMES or not parts.hostname:
        raise ValueError("DATABASE_URL is not of the form postgresql://user:password@host/database")
    options = [
        (_RENAMED.get(key, key), value)
        for key, value in parse_qsl(parts.query)
        if key not in _UNKNOWN
    ]
    return urlunsplit(("postgresql", parts.netloc, parts.path, urlencode(options), ""))


def asyncpg_url(url: str) -> str:
    """The same, as SQLAlchemy wants it."""
    return plain_url(url).replace("postgresql://", "postgresql+asyncpg://", 1)


def is_outage(error: BaseException) -> bool:
    """Whether the database could not be reached or is stopping: a 503, not a bug."""
    if isinstance(error, PoolTimeoutError | OSError | TimeoutError | InterfaceError):
        return True
    if isinstance(error, asyncpg.InterfaceError):
        return True
    if isinstance(error, DBAPIError):
        state = str(getattr(error.orig, "sqlstate", "") or "")
        return error.connection_invalidated or state.startswith(_OUTAGE_CLASSES)
    # Raised bare while connecting, before SQLAlchemy wraps anything.
    return str(getattr(error, "sqlstate", "") or "").startswith(_OUTAGE_CLASSES)


@asynccontextmanager
async def open_engine(
    settings: DatabaseSettings, instruments: Instruments
) -> AsyncIterator[AsyncEngine]:
    """A bounded pool; nothing is connected before the first query."""
    engine = create_async_engine(
        asyncpg_url(settings.database_url.get_secret_value()),
        pool_size=settings.database_pool_size,
        max_overflow=0,
        pool_timeout=POOL_SECONDS,
        hide_parameters=True,  # or an unexpected error prints a user's rows in the log
        connect_args={
            "timeout": CONNECT_SECONDS,
            "command_timeout": STATEMENT_SECONDS,
            "server_settings": {
                "application_name": f"harena-{instruments.service}",
                "jit": "off",  # compiling costs more than any query of ours runs
            },
        },
    )
    instruments.gauge(
        "harena_database_pool_size",
        "Connections that the pool may have at most.",
        lambda: settings.database_pool_size,
    )
    pool: Any = engine.pool
    for state, read in (("idle", pool.checkedin), ("used", pool.checkedout)):
        instruments.gauge(
            f"harena_database_pool_{state}", f"Connections of the pool, {state}.", read
        )
    try:
        yield engine
    finally:
        await engine.dispose()


async def _begin(engine: AsyncEngine, user_id: int | None) -> AsyncConnection:
    connection = await engine.connect()
    try:
        if user_id is not None:
            await connection.execute(_BIND_USER, {"user_id": str(user_id)})
    except BaseException:
        await connection.close()
        raise
    return connection


@asynccontextmanager
async def transaction(engine: AsyncEngine, user_id: int | None) -> AsyncIterator[AsyncConnection]:
    """A transaction of this user: committed at the end, rolled back on any exception.

    Raises DatabaseUnavailable where the server cannot be reached. Without a user, row-level
    security shows no user's rows at all.
    """
    try:
        try:
            connection = await _begin(engine, user_id)
        except DBAPIError as error:
            # A connection of the pool that died while it was idle (the server was restarted): the
            # whole pool is now invalidated, so one more try gets a fresh one. Cheaper than a
            # pre-ping, which costs every request a round trip.
            if not error.connection_invalidated:
                raise
            connection = await _begin(engine, user_id)
        try:
            yield connection
            await connection.commit()
        finally:
            await connection.close()
    except Exception as error:
        if is_outage(error):
            log.warning("database_unavailable", error=type(error).__name__)
            raise DatabaseUnavailable from error
        raise


class Statement:
    """A Core statement, compiled once for asyncpg: its SQL, and its parameters in order."""

    def __init__(self, core: ClauseElement) -> None:
        compiled: Any = core.compile(dialect=asyncpg_dialect())  # type: ignore[no-untyped-call]
        self.sql = str(compiled)
        # Name and value; a parameter without a value of its own is given one at each call.
        self._parameters = [(name, compiled.binds[name].value) for name in compiled.positiontup]

    def arguments(self, values: Mapping[str, object]) -> list[object]:
        """The parameters in order. Raises KeyError for one without a value."""
        return [
            values[name] if own is None else values.get(name, own) for name, own in self._parameters
        ]


@dataclass(frozen=True, slots=True)
class Reader:
    """A read-only transaction of one user."""

    user_id: int
    connection: "asyncpg.Connection[asyncpg.Record]"

    async def fetch(self, statement: Statement, **values: object) -> list[asyncpg.Record]:
        """The rows of a statement."""
        return await self.connection.fetch(statement.sql, *statement.arguments(values))


@asynccontextmanager
async def reading(
    engine: AsyncEngine, user_id: int, session_id: UUID
) -> AsyncIterator[Reader | None]:
    """A read-only transaction of this user, where the session is live; None where it is not.

    All of its statements see the same moment. Beginning, binding the user and asking for the
    session are one round trip. Raises DatabaseUnavailable where the server cannot be reached.
    """
    # The simple protocol takes several statements and no parameters: these are a number and a UUID.
    # A session that is over binds nobody, so nothing could be seen even if the answer were ignored.
    begin = (
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; "
        f"SELECT set_config('harena.user_id', '{int(user_id)}', true) "
        f"WHERE session_is_live({int(user_id)}, '{UUID(bytes=session_id.bytes)}')"
    )
    try:
        pooled = await _check_out(engine)
        connection: Any = pooled.driver_connection
        try:
            live = await connection.execute(begin) == "SELECT 1"
            yield Reader(user_id, connection) if live else None
            await connection.execute("COMMIT")
        except Exception:
            if not connection.is_closed():
                await connection.execute("ROLLBACK")
            raise
        except BaseException:
            connection.terminate()  # cancelled amid a query: nobody knows in what state it is
            raise
        finally:
            if connection.is_closed():
                pooled.invalidate()
            await greenlet_spawn(pooled.close)
    except Exception as error:
        if is_outage(error):
            log.warning("database_unavailable", error=type(error).__name__)
            raise DatabaseUnavailable from error
        raise


async def _check_out(engine: AsyncEngine) -> PoolProxiedConnection:
    """A connection of the pool that is open, as far as this side knows."""
    while True:
        pooled = await engine.raw_connection()
        connection: Any = pooled.driver_connection
        if not connection.is_closed():
            return pooled
        # It died while it was idle (the server was restarted). A new one is open, so this ends.
        pooled.invalidate()
        await greenlet_spawn(pooled.close)


async def ping(engine: AsyncEngine) -> None:
    """Raises where the database does not answer."""
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
