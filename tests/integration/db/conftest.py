"""Two households that must never see each other.

In: `database` of `tests/conftest.py`. Out: `households`, two users who have a row in every table;
`empty`, a database in which nobody has made anything. Not tested here: what services do with it.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import ColumnElement, Table, func, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from harena_db import tables, testing
from harena_db.testing import Database

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

    async def add(table: Table, returning: ColumnElement[Any], **values: Any) -> Any:
        return await connection.scalar(insert(table).values(**values).returning(returning))

    email = f"{name}@example.com"
    user_id = await add(
        tables.users, tables.users.c.id, email=email, password_hash=f"hash-of-{name}"
    )
    mine = {"user_id": user_id}
    await add(tables.user_preferences, tables.user_preferences.c.id, **mine)
    session_id = await add(
        tables.sessions,
        tables.sessions.c.id,
        **mine,
        expires_at=datetime.now(UTC) + timedelta(hours=8),
    )
    await add(
        tables.bridge_connections,
        tables.bridge_connections.c.id,
        **mine,
        bridge_user_uuid=f"uuid-{number}",
        external_user_id=f"harena-user-{number}",
    )
    item_id = await add(
        tables.items, tables.items.c.id, **mine, bridge_item_id=number, bank_name="Banque"
    )
    account_id = await add(
        tables.accounts,
        tables.accounts.c.id,
        **mine,
        item_id=item_id,
        bridge_account_id=number,
        name="Compte courant",
        type="checking",
        balance=Decimal("12.34"),
        currency_code="EUR",
    )
    transaction_id = await add(
        tables.transactions,
        tables.transactions.c.id,
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
        tables.merchant_corrections,
        func.now(),
        **mine,
        merchant_key="carrefour",
        merchant_name="Carrefour",
    )
    await add(tables.own_counterparties, func.now(), **mine, counterparty_key="livret", is_own=True)
    return Home(user_id, email, session_id, item_id, account_id, transaction_id)


@pytest.fixture
async def empty(database_server: str) -> AsyncIterator[Database]:
    async with testing.database(database_server, template="template0") as database:
        yield database


@pytest.fixture
async def households(database: Database) -> tuple[Home, Home]:
    async with database.transaction() as connection:
        return await make_home(connection, "ada", 1), await make_home(connection, "bob", 2)
