"""The login that monitors: Postgres' own figures, and not one row of anybody's."""

import pytest
from sqlalchemy import Table, func, select, text
from sqlalchemy.exc import DBAPIError
from tests.integration.db.conftest import Home

from harena_db import tables
from harena_db.roles import MONITOR
from harena_db.testing import Database

Households = tuple[Home, Home]

_MEMBERSHIPS = text("""
    SELECT pg_get_userbyid(roleid) FROM pg_auth_members WHERE pg_get_userbyid(member) = :role
""")
_DESCRIBES_ROWS = text("""
    SELECT count(*) FROM pg_stats WHERE schemaname = 'public' AND most_common_vals IS NOT NULL
""")


@pytest.fixture
def figures(database_server: str) -> Database:
    """Where an exporter connects: the server's own database."""
    return Database(database_server, "postgres")


@pytest.fixture
async def opened(database: Database) -> Database:
    """The platform's database, as if somebody had let the monitor in."""
    async with database.transaction() as connection:
        await connection.execute(text(f"GRANT CONNECT ON DATABASE {database.name} TO {MONITOR}"))
        await connection.execute(text(f"GRANT USAGE ON SCHEMA public TO {MONITOR}"))
    return database


async def test_is_a_member_of_one_group(database: Database) -> None:
    async with database.transaction() as connection:
        groups = (await connection.scalars(_MEMBERSHIPS, {"role": MONITOR})).all()

    assert groups == ["pg_monitor"]


async def test_may_not_connect_to_the_platform_s_database(database_server: str) -> None:
    """The template's own grants: a copy of a database does not take them with it."""
    template = Database(database_server, "harena_template")
    async with template.transaction() as connection:
        may = select(func.has_database_privilege(MONITOR, "harena_template", "CONNECT"))

        assert await connection.scalar(may) is False


async def test_reads_sizes_and_activity_of_every_database(
    figures: Database, database: Database
) -> None:
    async with database.transaction() as busy, figures.transaction(MONITOR) as connection:
        process = await busy.scalar(text("SELECT pg_backend_pid()"))
        seen = text("SELECT datname, state FROM pg_stat_activity WHERE pid = :process")
        activity = (await connection.execute(seen, {"process": process})).one()
        size = await connection.scalar(select(func.pg_database_size(database.name)))

    assert tuple(activity) == (database.name, "idle in transaction")
    assert size is not None
    assert size > 1_000_000


@pytest.mark.parametrize("table", tables.metadata.sorted_tables, ids=lambda table: table.name)
async def test_reads_no_table_even_if_it_got_in(
    opened: Database, households: Households, table: Table
) -> None:
    with pytest.raises(DBAPIError, match="permission denied for table"):
        async with opened.transaction(MONITOR, households[0].user_id) as connection:
            await connection.execute(select(text("1")).select_from(table))


async def test_sees_no_values_in_the_planner_s_statistics(
    opened: Database, households: Households
) -> None:
    """They hold the commonest values of each column, which are users' own."""
    await opened.vacuum()
    async with opened.transaction() as connection:
        assert await connection.scalar(_DESCRIBES_ROWS) != 0
    async with opened.transaction(MONITOR) as connection:
        assert await connection.scalar(_DESCRIBES_ROWS) == 0


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT find_login('ada@example.com')",
        "SET ROLE harena",
        "SET ROLE harena_user",
        "CREATE TABLE mine (id integer)",
        "CREATE ROLE mine",
        "SELECT pg_read_file('postgresql.conf')",
        "COPY (SELECT 1) TO '/tmp/mine'",
    ],
)
async def test_does_nothing_else(opened: Database, statement: str) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        async with opened.transaction(MONITOR) as connection:
            await connection.execute(text(statement))
