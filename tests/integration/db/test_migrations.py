"""The schema comes from nothing, goes back to nothing, and is what `harena_db.tables` says."""

import asyncio

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from tests.integration.db.schema import OF_TABLES, Definitions, definitions

from harena_db import migrate
from harena_db.tables import metadata
from harena_db.testing import Database

# Whatever a person could have left behind in a database, but for what comes with an empty one.
_OBJECTS = text("""
    SELECT 'relation ' || relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'function ' || proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'type ' || typname FROM pg_type WHERE typnamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'grant ' || privilege_type || ' on schema to ' || grantee::regrole
    FROM pg_namespace, aclexplode(nspacl) WHERE nspname = 'public'
    UNION ALL
    SELECT 'grant ' || privilege_type || ' on database to ' || grantee::regrole
    FROM pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba)))
    WHERE datname = current_database() AND grantee <> datdba
    ORDER BY 1
""")


async def objects(database: Database) -> list[str]:
    async with database.transaction() as connection:
        return list(await connection.scalars(_OBJECTS))


async def facts(database: Database) -> Definitions:
    async with database.transaction() as connection:
        return await definitions(connection)


async def test_down_leaves_nothing(empty: Database) -> None:
    before = await objects(empty)
    await migrate.upgrade(empty.url())
    first = await objects(empty)
    assert len(first) > len(before)

    await migrate.downgrade(empty.url())
    assert await objects(empty) == before
    assert await migrate.current(empty.url()) is None

    await migrate.upgrade(empty.url())
    assert await objects(empty) == first


async def test_each_step_can_be_undone(empty: Database) -> None:
    await migrate.upgrade(empty.url())
    revision = await migrate.current(empty.url())
    assert revision == migrate.head()
    while revision is not None:
        await migrate.downgrade(empty.url(), "-1")
        below = await migrate.current(empty.url())
        await migrate.upgrade(empty.url(), revision)
        await migrate.downgrade(empty.url(), "-1")
        assert await migrate.current(empty.url()) == below
        revision = below


async def test_up_again_changes_nothing(empty: Database) -> None:
    await migrate.upgrade(empty.url())
    before = await facts(empty)
    await migrate.upgrade(empty.url())
    assert await facts(empty) == before


async def test_up_again_closes_a_database_that_was_restored(
    empty: Database, database: Database
) -> None:
    """A copy has, like a backup, all but the rights on the database itself."""
    await migrate.upgrade(empty.url())
    assert await facts(database) != await facts(empty)
    await migrate.upgrade(database.url())
    assert await facts(database) == await facts(empty)


async def test_two_at_once_take_turns(empty: Database) -> None:
    await asyncio.gather(*(migrate.upgrade(empty.url()) for _ in range(3)))
    assert await migrate.current(empty.url()) == migrate.head()


async def test_alembic_sees_no_difference_from_the_tables(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(
            connection, opts={"compare_server_default": True, "target_metadata": metadata}
        )
        return list(compare_metadata(context, metadata))

    async with database.transaction() as connection:
        assert await connection.run_sync(differences) == []


async def test_the_tables_alone_would_make_the_same(database: Database, empty: Database) -> None:
    """Alembic does not compare checks, generated columns or included columns: Postgres does."""
    async with empty.transaction() as connection:
        await connection.run_sync(metadata.create_all)
    migrated, made = await facts(database), await facts(empty)
    for name in OF_TABLES:
        ours = {fact for fact in migrated[name] if fact[0] != "alembic_version"}
        assert ours == made[name]
