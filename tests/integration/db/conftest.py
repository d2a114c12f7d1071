"""Two households that must never see each other.

In: `database` of `tests/conftest.py`. Out: `households`, two users who have a row in every table;
`empty`, a database in which nobody has made anything. Not tested here: what services do with it.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from harena_db import tables, testing
from harena_db.testing import Database, add, begin_session

DAY = date(2026, 3, 14)


@dataclass(frozen=True, slots=True)
class Home:
    """Row numbers of one user's rows."""

    user_id: int
    email: str
    session_id: UUID
    item_id: int
    account_id: int
    transaction_id: int


async def make_home(connection: AsyncConnection, name: str, number: int) -> Home:
    """A row in every table; `number` keeps the bank's ids apart."""
    email = f"{name}@example.com"
    user_id = await add(connection, tables.users, email=email, password_hash=f"hash-of-{name}")
    mine = {"user_id": user_id}
    await add(connection, tables.user_preferences, **mine)
    session_id = await begin_session(connection, user_id)
    await add(
        connection,
        tables.bridge_connections,
        **mine,
        bridge_user_uuid=f"uuid-{number}",
        external_user_id=f"harena-user-{number}",
    )
    item_id = await add(connection, tables.items, **mine, bridge_item_id=number, bank_name="Banque")
    account_id = await add(
        connection,
        tables.accounts,
        **mine,
        item_id=item_id,
        bridge_account_id=number,
        name="Compte courant",
        type="checking",
        balance=Decimal("12.34"),
        currency_code="EUR",
    )
    transaction_id = await add(
        connection,
        tables.transactions,
        **mine,
        account_id=account_id,
        bridge_transaction_id=number,
        amount=Decimal("-12.34"),
        date=DAY,
        provider_description="CB CARREFOUR 12/03",
        kind="expense",
        counted_category_id=98001,
    )
    await add(
        connection,
        tables.merchant_corrections,
        **mine,
        merchant_key="carrefour",
        merchant_name="Carrefour",
    )
    await add(connection, tables.own_counterparties, **mine, counterparty_key="livret", is_own=True)
    return Home(user_id, email, session_id, item_id, account_id, transaction_id)


@pytest.fixture
async def empty(database_server: str) -> AsyncIterator[Database]:
    async with testing.database(database_server, template="template0") as database:
        yield database


@pytest.fixture
async def households(database: Database) -> tuple[Home, Home]:
    async with database.transaction() as connection:
        return await make_home(connection, "ada", 1), await make_home(connection, "bob", 2)
