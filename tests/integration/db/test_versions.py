"""A user's data version rises with every change of what figures come from, and only then."""

import asyncio
from typing import Any

import asyncpg
import pytest
from sqlalchemy import Update, delete, insert, select, text, update
from tests.integration.db.conftest import DAY, Home

from harena_core.db import plain_url
from harena_db import tables
from harena_db.testing import Database

Households = tuple[Home, Home]

VERSIONED = (
    tables.user_preferences,
    tables.items,
    tables.accounts,
    tables.transactions,
    tables.merchant_corrections,
    tables.own_counterparties,
)


async def versions(database: Database) -> dict[int, int]:
    async with database.transaction() as connection:
        rows = await connection.execute(
            select(tables.data_versions.c.user_id, tables.data_versions.c.version)
        )
        return {user_id: version for user_id, version in rows}


async def risen(database: Database, *statements: Any) -> set[int]:
    """Whose version the statements, in one transaction, raised."""
    before = await versions(database)
    async with database.transaction() as connection:
        for statement in statements:
            await connection.execute(statement)
    after = await versions(database)
    assert all(after[user_id] >= before[user_id] for user_id in after.keys() & before.keys())
    return {user_id for user_id in after if after[user_id] > before.get(user_id, 0)}


@pytest.mark.parametrize("table", VERSIONED, ids=lambda table: table.name)
async def test_update_and_delete(database: Database, households: Households, table: Any) -> None:
    ada, bob = households
    touch = update(table).values(created_at=table.c.created_at)
    assert await risen(database, touch.where(table.c.user_id == bob.user_id)) == {bob.user_id}
    assert await risen(database, touch) == {ada.user_id, bob.user_id}
    assert await risen(database, touch.where(table.c.user_id == -1)) == set()
    assert await risen(database, delete(table).where(table.c.user_id == ada.user_id)) == {
        ada.user_id
    }


async def test_insert(database: Database, households: Households) -> None:
    ada, _ = households
    mine = {"user_id": ada.user_id}
    account = {**mine, "item_id": ada.item_id, "name": "Livret", "type": "savings"}
    row = {**mine, "account_id": ada.account_id, "amount": 1, "date": DAY}
    for statement in (
        insert(tables.items).values(**mine, bridge_item_id=9),
        insert(tables.accounts).values(**account, bridge_account_id=9),
        insert(tables.transactions).values(**row, bridge_transaction_id=9),
        insert(tables.merchant_corrections).values(**mine, merchant_key="edf", category_id=98005),
        insert(tables.own_counterparties).values(**mine, counterparty_key="x", is_own=False),
    ):
        assert await risen(database, statement) == {ada.user_id}


async def test_truncate_raises_everyone(database: Database, households: Households) -> None:
    everyone = {home.user_id for home in households}
    assert await risen(database, text("TRUNCATE transactions")) == everyone


async def test_what_no_figure_depends_on_raises_nothing(
    database: Database, households: Households
) -> None:
    assert (
        await risen(
            database,
            update(tables.sessions).values(revoked_at=DAY),
            update(tables.users).values(password_hash="another"),
            update(tables.bridge_connections).values(bridge_user_uuid=text("id::text")),
        )
        == set()
    )


async def test_a_rollback_takes_it_back(database: Database, households: Households) -> None:
    before = await versions(database)
    async with database.transaction() as connection, connection.begin_nested() as inner:
        await connection.execute(update(tables.accounts).values(balance=0))
        await inner.rollback()
    assert await versions(database) == before


async def test_copy_counts_once_a_statement(database: Database, households: Households) -> None:
    ada, bob = households
    before = await versions(database)
    connection = await asyncpg.connect(plain_url(database.url()), timeout=10)
    try:
        await connection.copy_records_to_table(
            "transactions",
            columns=["user_id", "account_id", "bridge_transaction_id", "amount", "date"],
            records=[(ada.user_id, ada.account_id, 1000 + n, n, DAY) for n in range(500)],
            timeout=10,
        )
    finally:
        await connection.close(timeout=10)
    after = await versions(database)
    assert after[ada.user_id] == before[ada.user_id] + 1
    assert after[bob.user_id] == before[bob.user_id]


async def test_a_row_that_changes_hands_raises_both(
    database: Database, households: Households
) -> None:
    ada, bob = households
    statement = update(tables.own_counterparties).values(counterparty_key="other")
    give: Update = statement.where(tables.own_counterparties.c.user_id == ada.user_id)
    assert await risen(database, give.values(user_id=bob.user_id)) == {ada.user_id, bob.user_id}


async def test_deleting_a_user_leaves_no_version(
    database: Database, households: Households
) -> None:
    ada, bob = households
    statement = delete(tables.users).where(tables.users.c.id == ada.user_id)
    assert await risen(database, statement) == set()
    assert set(await versions(database)) == {bob.user_id}
    async with database.transaction() as connection:
        for table in tables.metadata.sorted_tables:
            if "user_id" in table.c:
                owners = set(await connection.scalars(select(table.c.user_id)))
                assert owners == {bob.user_id}, table.name


async def test_statements_over_many_users_do_not_deadlock(
    database: Database, households: Households
) -> None:
    async def write(statement: str) -> None:
        for _ in range(20):
            async with database.transaction() as connection:
                await connection.execute(text(statement))

    before = await versions(database)
    await asyncio.gather(
        write("UPDATE accounts SET balance = 0"),
        write("UPDATE items SET status = 0"),
        write("UPDATE own_counterparties SET is_own = true"),
    )
    after = await versions(database)
    assert {after[home.user_id] - before[home.user_id] for home in households} == {60}


async def test_updated_at_follows_every_update(database: Database, households: Households) -> None:
    for table in tables.metadata.sorted_tables:
        if "updated_at" in table.c:
            async with database.transaction() as connection:
                past = text("'2000-01-01'::timestamptz")
                await connection.execute(update(table).values(updated_at=past))
                stamped = set(await connection.scalars(select(table.c.updated_at)))
                assert stamped == {await connection.scalar(text("SELECT now()"))}, table.name
