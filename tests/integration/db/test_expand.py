"""A release can go back without its schema: the one before it still serves from what is there."""

import pytest
from alembic.script import Script
from sqlalchemy import text
from tests.integration.db.schema import contractions, definitions

from harena_db import migrate
from harena_db.testing import Database

# Up to here nothing was installed anywhere, so nothing older can meet these tables.
FIRST_RELEASE = "0005"


def later_migrations() -> list[Script]:
    """What came after the first release, oldest first."""
    found = []
    for script in migrate.scripts():
        if script.revision == FIRST_RELEASE:
            break
        found.append(script)
    return found[::-1]


async def test_every_migration_expands_first(empty: Database) -> None:
    """One that takes something away names, as `contracts`, the release that stopped using it."""
    await migrate.upgrade(empty.url(), FIRST_RELEASE)
    released = {FIRST_RELEASE}
    for script in later_migrations():
        async with empty.transaction() as connection:
            before = await definitions(connection)
        await migrate.upgrade(empty.url(), script.revision)
        async with empty.transaction() as connection:
            lost = contractions(before, await definitions(connection))
        if lost:
            assert getattr(script.module, "contracts", None) in released, (script.revision, lost)
        released.add(script.revision)
    assert await migrate.current(empty.url()) == migrate.head()


_SHELF = (
    "CREATE TABLE shelf (id integer, label text, width integer)",
    "CREATE SEQUENCE number",
    "CREATE FUNCTION widest(n integer) RETURNS integer RETURN n",
    "REVOKE EXECUTE ON FUNCTION widest FROM PUBLIC",
    "CREATE TRIGGER same BEFORE UPDATE ON shelf"
    " FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "CREATE POLICY wide ON shelf USING (id > 3)",
    "ALTER TABLE shelf ENABLE ROW LEVEL SECURITY",
    "GRANT SELECT, INSERT, DELETE, UPDATE (label) ON shelf TO harena_user",
    "GRANT USAGE ON SEQUENCE number TO harena_user",
    "GRANT EXECUTE ON FUNCTION widest TO harena_user",
)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("ALTER TABLE shelf DROP COLUMN label", ["shelf.label is gone"]),
        ("ALTER TABLE shelf RENAME label TO name", ["shelf.label is gone"]),
        ("DROP TABLE shelf", ["shelf.id is gone", "shelf.label is gone", "shelf.width is gone"]),
        (
            "ALTER TABLE shelf ALTER width TYPE text",
            ["shelf.width is of another type"],
        ),
        (
            "ALTER TABLE shelf ALTER label SET NOT NULL",
            ["shelf.label may no longer be null"],
        ),
        (
            "ALTER TABLE shelf ADD colour text NOT NULL",
            ["shelf.colour must be filled, and old writers do not know it"],
        ),
        (
            "ALTER TABLE shelf ADD CONSTRAINT wide CHECK (width > 3)",
            ["shelf has a new rule, wide"],
        ),
        ("CREATE UNIQUE INDEX ON shelf (label)", ["shelf has a new unique index"]),
        (
            "REVOKE INSERT ON shelf FROM harena_user",
            ["harena_user may no longer INSERT shelf"],
        ),
        (
            "REVOKE UPDATE (label) ON shelf FROM harena_user",
            ["harena_user may no longer UPDATE shelf.label"],
        ),
        (
            "REVOKE DELETE ON shelf FROM harena_user",
            ["harena_user may no longer DELETE shelf"],
        ),
        (
            "REVOKE USAGE ON SEQUENCE number FROM harena_user",
            ["harena_user may no longer USAGE number"],
        ),
        (
            "REVOKE EXECUTE ON FUNCTION widest(integer) FROM harena_user",
            ["harena_user may no longer EXECUTE widest"],
        ),
        (
            "DROP FUNCTION widest(integer)",
            ["widest(integer) is gone", "harena_user may no longer EXECUTE widest"],
        ),
        (
            "DROP FUNCTION widest(integer);"
            "CREATE FUNCTION widest(n integer, label text) RETURNS integer RETURN n;"
            "REVOKE EXECUTE ON FUNCTION widest FROM PUBLIC;"
            "GRANT EXECUTE ON FUNCTION widest TO harena_user",
            ["widest(integer) is gone"],
        ),
        (
            "DROP FUNCTION widest(integer);"
            "CREATE FUNCTION widest(n integer) RETURNS text RETURN n::text;"
            "REVOKE EXECUTE ON FUNCTION widest FROM PUBLIC;"
            "GRANT EXECUTE ON FUNCTION widest TO harena_user",
            ["widest(integer) is gone"],
        ),
        ("DROP TRIGGER same ON shelf", ["shelf has other triggers"]),
        ("ALTER TABLE shelf DISABLE TRIGGER same", ["shelf has other triggers"]),
        ("DROP POLICY wide ON shelf", ["shelf has other policies"]),
        (
            "CREATE POLICY few ON shelf AS RESTRICTIVE USING (width > 9)",
            ["shelf has other policies"],
        ),
        ("ALTER TABLE shelf DISABLE ROW LEVEL SECURITY", ["shelf has other row security"]),
        ("ALTER TABLE shelf ADD colour text", []),
        ("ALTER TABLE shelf ADD colour text NOT NULL DEFAULT 'oak'", []),
        ("ALTER TABLE shelf ADD double integer GENERATED ALWAYS AS (width * 2) STORED", []),
        ("ALTER TABLE shelf ALTER width SET DEFAULT 80", []),
        ("CREATE INDEX ON shelf (label)", []),
        ("CREATE TABLE book (id integer PRIMARY KEY, title text NOT NULL)", []),
        (
            # All of its columns instead of one.
            "REVOKE UPDATE (label) ON shelf FROM harena_user; GRANT UPDATE ON shelf TO harena_user",
            [],
        ),
        (
            "CREATE OR REPLACE FUNCTION widest(n integer) RETURNS integer RETURN n + 1",
            [],
        ),
        (
            "CREATE TRIGGER again BEFORE UPDATE ON shelf"
            " FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
            [],
        ),
    ],
)
async def test_what_an_older_release_would_miss_is_named(
    empty: Database, change: str, said: list[str]
) -> None:
    async with empty.transaction() as connection:
        for statement in _SHELF:
            await connection.execute(text(statement))
        before = await definitions(connection)
        for statement in change.split(";"):
            await connection.execute(text(statement))
        assert contractions(before, await definitions(connection)) == said
