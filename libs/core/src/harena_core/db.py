"""Postgres: one request is one transaction, and a transaction knows whose it is.

A transaction is committed once, at the edge of the request, and rolled back on any exception.
Application code never commits. The user is bound to the transaction (`harena.user_id`), which is
what the row-level security of the schema reads: a query that forgot its `WHERE` sees nothing of
others.

What only reads, and is asked often, takes `reading` instead: the same pool and the same wall, with
asyncpg's own calls, because SQLAlchemy's cost more than the queries they carry.
"""

from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy import ClauseElement, ExceptionContext, event, text
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.util import greenlet_spawn

from harena_core.errors import DatabaseTimeout, DatabaseUnavailable, HarenaError
from harena_core.metrics import Instruments
from harena_core.settings import DatabaseSettings

log = structlog.get_logger()

T = TypeVar("T")

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
_QUERY_CANCELED = "57014"  # it ran into `statement_timeout`, or an administrator had enough of it

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


def _answer_to(error: Exception, *, closed: bool) -> HarenaError | None:
    """What is said of an error that the driver raised amid a transaction; None of a bug of ours.

    `closed`: whether its connection is.
    """
    if isinstance(error, TimeoutError) or _state(error) == _QUERY_CANCELED:
        answer: HarenaError = DatabaseTimeout()
    elif closed or _is_outage(error):
        answer = DatabaseUnavailable()
    else:
        return None
    log.warning(answer.error_code.lower(), error=type(error).__name__)
    return answer


def _is_outage(error: Exception) -> bool:
    """Whether the server says so itself, or cannot be reached at all."""
    return isinstance(error, OSError) or _state(error).startswith(_OUTAGE_CLASSES)


def _state(error: Exception) -> str:
    """The SQLSTATE, where the server gave one."""
    return getattr(error, "sqlstate", None) or ""


def _told(context: ExceptionContext) -> HarenaError | None:
    """SQLAlchemy raises what this returns: it asks for what the driver raised and nothing else."""
    error = context.original_exception
    if not isinstance(error, Exception):  # cancelled
        return None
    return _answer_to(error, closed=context.is_disconnect)


def _still_open(connection: Any, *_: object) -> None:
    """Has the pool replace a connection that died idle: the server was restarted.

    This side was told when it was closed, so no round trip is needed.
    """
    if connection.driver_connection.is_closed():
        raise DisconnectionError


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
    event.listen(engine.sync_engine, "handle_error", _told, retval=True)
    event.listen(engine.sync_engine, "checkout", _still_open)
    pool: Any = engine.pool
    for state, read in (("idle", pool.checkedin), ("used", pool.checkedout)):
        instruments.gauge(
            f"harena_database_pool_{state}", f"Connections of the pool, {state}.", read
        )
    try:
        yield engine
    finally:
        await engine.dispose()


async def _taken(taking: Awaitable[T]) -> T:
    """What the pool gives. Raises DatabaseUnavailable where the server is not there in time."""
    try:
        return await taking
    except Exception as error:
        if isinstance(error, PoolTimeoutError) or _is_outage(error):
            log.warning("database_unavailable", error=type(error).__name__)
            raise DatabaseUnavailable from error
        raise


@asynccontextmanager
async def transaction(engine: AsyncEngine, user_id: int | None) -> AsyncIterator[AsyncConnection]:
    """A transaction of this user: committed at the end, rolled back on any exception.

    Raises DatabaseUnavailable where the server cannot be reached, and DatabaseTimeout where it
    takes too long. Without a user, row-level security shows no user's rows at all.
    """
    connection = await _taken(engine.connect())
    try:
        if user_id is not None:
            await connection.execute(_BIND_USER, {"user_id": str(user_id)})
        yield connection
        await connection.commit()
    finally:
        await connection.close()


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
        arguments = statement.arguments(values)
        return await _ran(self.connection, self.connection.fetch(statement.sql, *arguments))


async def _ran(connection: Any, running: Awaitable[T]) -> T:
    """What asyncpg answers, with its errors told as SQLAlchemy's are by `_told`."""
    try:
        return await running
    except Exception as error:
        if answer := _answer_to(error, closed=connection.is_closed()):
            raise answer from error
        raise


@asynccontextmanager
async def reading(
    engine: AsyncEngine, user_id: int, session_id: UUID
) -> AsyncIterator[Reader | None]:
    """A read-only transaction of this user, where the session is live; None where it is not.

    All of its statements see the same moment. Beginning, binding the user and asking for the
    session are one round trip. Raises as `transaction` does.
    """
    # The simple protocol takes several statements and no parameters: these are a number and a UUID.
    # A session that is over binds nobody, so nothing could be seen even if the answer were ignored.
    begin = (
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; "
        f"SELECT set_config('harena.user_id', '{int(user_id)}', true) "
        f"WHERE session_is_live({int(user_id)}, '{UUID(bytes=session_id.bytes)}')"
    )
    pooled = await _taken(engine.raw_connection())
    connection: Any = pooled.driver_connection
    try:
        live = await _ran(connection, connection.execute(begin)) == "SELECT 1"
        yield Reader(user_id, connection) if live else None
        await _ran(connection, connection.execute("COMMIT"))
    except Exception:
        if not connection.is_closed():
            await _ran(connection, connection.execute("ROLLBACK"))
        raise
    except BaseException:
        connection.terminate()  # cancelled amid a query: nobody knows in what state it is
        raise
    finally:
        if connection.is_closed():
            pooled.invalidate()
        await greenlet_spawn(pooled.close)


async def ping(engine: AsyncEngine) -> None:
    """Raises where the database does not answer."""
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
