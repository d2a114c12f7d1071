"""The categories in the database are those that the ledger computes with."""

from sqlalchemy import select

from harena_db import tables
from harena_db.testing import Database
from harena_ledger.categories import ALIASES, CATEGORIES, GROUPS


async def test_loaded_as_the_ledger_knows_them(database: Database) -> None:
    groups, categories, aliases = (
        tables.category_groups.c,
        tables.categories.c,
        tables.category_aliases.c,
    )
    async with database.transaction() as connection:
        assert {
            tuple(row) for row in await connection.execute(select(groups.id, groups.name))
        } == set(GROUPS)
        assert {
            tuple(row)
            for row in await connection.execute(
                select(
                    categories.id, categories.name, categories.group_id, categories.category_class
                )
            )
        } == set(CATEGORIES)
        assert {
            tuple(row)
            for row in await connection.execute(select(aliases.alias, aliases.category_id))
        } == set(ALIASES)
