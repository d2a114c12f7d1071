"""What the ledger says of rows is stored beside them, and only where it changed."""

import asyncio
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, insert, select, update
from tests.integration.db.conftest import DAY, Home

from harena_db import tables
from harena_db.ledger import household, reclassify
from harena_db.testing import Database
from harena_ledger import categories

PARIS = ZoneInfo("Europe/Paris")
Households = tuple[Home, Home]
rows = tables.transactions.c


async def add(database: Database, home: Home, *lines: dict[str, Any]) -> None:
    async with database.transaction() as connection:
        common = {"user_id": home.user_id, "account_id": home.account_id, "date": DAY}
        for line in lines:
            values = {**common, **line, "bridge_transaction_id": line["id"]}
            await connection.execute(insert(tables.transactions).values(**values))


async def run(database: Database, home: Home) -> int:
    async with database.transaction() as connection:
        return await reclassify(connection, home.user_id, timezone=PARIS)


async def stored(database: Database, home: Home, *columns: Any) -> dict[int, tuple[Any, ...]]:
    async with database.transaction() as connection:
        found = await connection.execute(
            select(rows.id, *columns).where(rows.user_id == home.user_id, rows.id > 100)
        )
        return {id_: tuple(values) for id_, *values in found}


@pytest.fixture
async def ada(database: Database, households: Households) -> Home:
    """A user with a purchase and its partial refund, and a transfer to a savings account."""
    home, _ = households
    async with database.transaction() as connection:
        savings = await connection.scalar(
            insert(tables.accounts)
            .values(
                user_id=home.user_id,
                item_id=home.item_id,
                bridge_account_id=500,
                name="Livret A",
                type="savings",
            )
            .returning(tables.accounts.c.id)
        )
    transfer = {"operation_type": "transfer", "provider_description": "VIR EPARGNE"}
    await add(
        database,
        home,
        {
            "id": 101,
            "amount": Decimal("-80.00"),
            "provider_description": "CB DECATHLON 12/03",
            "merchant_name": "Decathlon",
            "category_id": categories.CLOTHES,
            "operation_type": "card",
        },
        {
            "id": 102,
            "amount": Decimal("30.00"),
            "provider_description": "REMBOURSEMENT DECATHLON",
            "merchant_name": "Decathlon",
            "category_id": categories.REFUNDS,
        },
        {"id": 103, "amount": Decimal("-200.00"), **transfer},
        {"id": 104, "amount": Decimal("200.00"), **transfer, "account_id": savings},
    )
    return home


async def test_entries_become_columns(database: Database, ada: Home) -> None:
    assert await run(database, ada) == 5
    meaning = (rows.kind, rows.refund_of, rows.refunded, rows.paired_with)
    assert await stored(database, ada, *meaning) == {
        101: ("expense", None, Decimal(0), None),
        102: ("refund", 101, Decimal("30.00"), None),
        103: ("internal", None, Decimal(0), 104),
        104: ("internal", None, Decimal(0), 103),
    }
    merchants = await stored(database, ada, rows.merchant_key, rows.counted_category_id)
    assert merchants[101] == merchants[102] == ("decathlon", categories.CLOTHES)


async def test_again_changes_nothing(database: Database, ada: Home) -> None:
    await run(database, ada)
    async with database.transaction() as connection:
        version = select(tables.data_versions.c.version).where(
            tables.data_versions.c.user_id == ada.user_id
        )
        before = await connection.scalar(version)
        assert await reclassify(connection, ada.user_id, timezone=PARIS) == 0
        assert await connection.scalar(version) == before


async def test_follows_what_it_depends_on(database: Database, ada: Home) -> None:
    await run(database, ada)
    async with database.transaction() as connection:
        await connection.execute(
            update(tables.transactions).where(rows.id == 104).values(deleted=True)
        )
        await connection.execute(
            insert(tables.merchant_corrections).values(
                user_id=ada.user_id, merchant_key="decathlon", category_id=categories.LEISURE
            )
        )
        await reclassify(connection, ada.user_id, timezone=PARIS)
    after = await stored(database, ada, rows.kind, rows.paired_with, rows.counted_category_id)
    assert after[103][:2] == ("expense", None)
    assert after[104][:2] == ("excluded", None)
    assert after[101] == ("expense", None, categories.LEISURE)


async def test_a_refund_without_its_debit_keeps_no_reference(database: Database, ada: Home) -> None:
    await run(database, ada)
    async with database.transaction() as connection:
        await connection.execute(delete(tables.transactions).where(rows.id == 101))
        await reclassify(connection, ada.user_id, timezone=PARIS)
    assert (await stored(database, ada, rows.refund_of))[102] == (None,)


async def test_touches_nobody_else(database: Database, ada: Home, households: Households) -> None:
    _, bob = households
    bobs = rows.user_id == bob.user_id
    async with database.transaction() as connection:
        # What classifying Bob's rows would never say of them.
        await connection.execute(update(tables.transactions).where(bobs).values(kind="internal"))
    await run(database, ada)
    async with database.transaction() as connection:
        kinds = await connection.scalars(select(rows.kind).where(bobs))
        assert set(kinds) == {"internal"}


async def test_a_user_without_rows(database: Database, households: Households) -> None:
    ada, _ = households
    async with database.transaction() as connection:
        await connection.execute(delete(tables.items).where(tables.items.c.user_id == ada.user_id))
        assert await reclassify(connection, ada.user_id, timezone=PARIS) == 0


async def test_two_writers_end_where_one_would(database: Database, ada: Home) -> None:
    """Each brings one half of a transfer; whoever comes second sees the other's."""

    async def write(id_: int, amount: str, account: Any) -> None:
        async with database.transaction() as connection:
            account_id = await connection.scalar(
                select(tables.accounts.c.id).where(tables.accounts.c.bridge_account_id == account)
            )
            await connection.execute(
                insert(tables.transactions).values(
                    id=id_,
                    bridge_transaction_id=id_,
                    user_id=ada.user_id,
                    account_id=account_id,
                    amount=Decimal(amount),
                    date=DAY,
                    operation_type="transfer",
                    provider_description="VIR EPARGNE",
                )
            )
            await reclassify(connection, ada.user_id, timezone=PARIS)

    await asyncio.gather(write(201, "-77", 1), write(202, "77", 500))
    paired = await stored(database, ada, rows.kind, rows.paired_with)
    assert (paired[201], paired[202]) == (("internal", 202), ("internal", 201))


async def test_the_day_on_which_a_bank_was_last_read_reaches_the_ledger(
    database: Database, households: Households
) -> None:
    """A connection owns no day after that, so the moment must become a day of the deployment."""
    ada, _ = households
    async with database.transaction() as connection:
        await connection.execute(
            update(tables.accounts)
            .where(tables.accounts.c.user_id == ada.user_id)
            .values(last_sync_at=datetime(2026, 11, 22, 23, 30, tzinfo=UTC))
        )
        home = await household(connection, ada.user_id, timezone=PARIS)

    assert {account.last_sync_on for account in home.accounts} == {date(2026, 11, 23)}
