"""What the tests of every user of the schema need: a migrated database of their own, quickly.

One template is migrated per server; each test database is a copy of it, made in milliseconds.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Table, insert, make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection

from harena_core.testing import Caller, TokenMint
from harena_db import migrate, roles, tables
from harena_db.owner import open_owner

OWNER = "harena"
PASSWORD = "test-password"  # noqa: S105 -- of the owner and of every service, in tests only
TEMPLATE = "harena_template"


@dataclass(frozen=True, slots=True)
class Database:
    """One database of a test server."""

    server_url: str
    name: str

    def url(self, role: str = OWNER) -> str:
        """As `DATABASE_URL` of that role; the owner's by default."""
        url = make_url(self.server_url).set(username=role, password=PASSWORD, database=self.name)
        return url.render_as_string(hide_password=False)

    @asynccontextmanager
    async def transaction(
        self, role: str = OWNER, user_id: int | str | None = None
    ) -> AsyncIterator[AsyncConnection]:
        """A transaction of a role, bound to a user as a request would be; committed at the end."""
        async with _connection(self.url(role)) as connection, connection.begin():
            if user_id is not None:
                bind = text("SELECT set_config('harena.user_id', :user_id, true)")
                await connection.execute(bind, {"user_id": str(user_id)})
            yield connection

    async def vacuum(self) -> None:
        """What autovacuum does after a load: statistics, and pages that index scans may skip."""
        async with _connection(self.url(), autocommit=True) as connection:
            await connection.exec_driver_sql("VACUUM (ANALYZE)")


async def add(connection: AsyncConnection, table: Table, **values: Any) -> Any:
    """Writes a row. Returns its key, or the first column of it."""
    key = next(iter(table.primary_key.columns))
    return await connection.scalar(insert(table).values(**values).returning(key))


async def begin_session(connection: AsyncConnection, user_id: int) -> UUID:
    """A session that lives for an hour."""
    expires = datetime.now(UTC) + timedelta(hours=1)
    session_id: UUID = await add(connection, tables.sessions, user_id=user_id, expires_at=expires)
    return session_id


async def make_caller(connection: AsyncConnection, name: str, mint: TokenMint) -> Caller:
    """A user of that name who is logged in, and has nothing else."""
    email = f"{name}@example.com"
    user_id = await add(connection, tables.users, email=email, password_hash="x")  # noqa: S106
    return Caller(user_id, await begin_session(connection, user_id), mint)


@asynccontextmanager
async def _connection(url: str, *, autocommit: bool = False) -> AsyncIterator[AsyncConnection]:
    async with open_owner(
        url,
        timeout=10,
        command_timeout=30,
        # VACUUM marks no page as visible to all before its commit is in the log, and a test server
        # may be lazy about that.
        server_settings={"synchronous_commit": "on"},
    ) as engine:
        options = {"isolation_level": "AUTOCOMMIT"} if autocommit else {}
        async with engine.execution_options(**options).connect() as connection:
            yield connection


async def make_template(server_url: str) -> None:
    """Gives a server the roles, the owner and the template. Once per server; a superuser's URL."""
    async with _connection(server_url) as connection, connection.begin():
        everyone = (*roles.ROLES, roles.MONITOR)
        await roles.bootstrap(connection, dict.fromkeys(everyone, PASSWORD))
        await connection.exec_driver_sql(f"CREATE ROLE {OWNER} LOGIN PASSWORD '{PASSWORD}'")
    async with _connection(server_url, autocommit=True) as connection:
        await connection.exec_driver_sql(f"CREATE DATABASE {TEMPLATE} OWNER {OWNER}")
    await migrate.upgrade(Database(server_url, TEMPLATE).url())


@asynccontextmanager
async def database(server_url: str, template: str = TEMPLATE) -> AsyncIterator[Database]:
    """A database that nobody else uses, dropped at the end, whoever is still connected.

    `template0` gives an empty one.
    """
    name = f"test_{uuid4().hex}"
    async with _connection(server_url, autocommit=True) as connection:
        await connection.exec_driver_sql(
            f"CREATE DATABASE {name} TEMPLATE {template} OWNER {OWNER}"
        )
        try:
            yield Database(server_url, name)
        finally:
            await connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
