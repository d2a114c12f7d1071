"""Households into tables. Rows go by COPY; what they mean is what the ledger says of them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

from asyncpg import Connection
from sqlalchemy import insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from harena_db.ledger import Derived, derived
from harena_db.tables import accounts, bridge_connections, items, user_preferences, users
from harena_demo.model import DemoHousehold, DemoRow
from harena_ledger.classify import classify
from harena_ledger.model import Entry

# Whoever makes an embedded database leaves this comment on it, and so does `claim`.
EMBEDDED = "harena-embedded"

_COMMENT = text("""
    SELECT shobj_description(oid, 'pg_database')
    FROM pg_database WHERE datname = current_database()
""")
_MARK = text(f"""
    DO $$ BEGIN
        EXECUTE format('COMMENT ON DATABASE %I IS %L', current_database(), '{EMBEDDED}');
    END $$
""")
_TAKE_IDS = """
    SELECT nextval(pg_get_serial_sequence('transactions', 'id')) FROM generate_series(1, $1)
"""
_BANKS_COLUMNS = (
    "user_id",
    "account_id",
    "bridge_transaction_id",
    "amount",
    "currency_code",
    "date",
    "transaction_date",
    "booking_date",
    "value_date",
    "provider_description",
    "clean_description",
    "merchant_name",
    "category_id",
    "operation_type",
    "deleted",
    "future",
)


class DemoRefused(RuntimeError):
    """Demo data has no business in this database, or cannot be brought up to date in it."""


async def claim(connection: AsyncConnection) -> None:
    """Makes a database one for demo data, if no user is in it yet. Needs the database's owner."""
    if (await connection.execute(select(users.c.id).limit(1))).first() is None:
        await connection.execute(_MARK)


async def refuse_unless_embedded(connection: AsyncConnection) -> None:
    """Raises DemoRefused unless this database was made for demo data."""
    if (await connection.execute(_COMMENT)).scalar_one() != EMBEDDED:
        raise DemoRefused(
            "This database was not made for demo data: it is refused, "
            "because it would mix with that of real people."
        )


async def write_household(
    connection: AsyncConnection, household: DemoHousehold, password_hash: str
) -> int:
    """A user with everything that hangs on it; the new `users.id`. Does not commit."""
    user = household.user
    user_id: int = (
        await connection.execute(
            insert(users)
            .values(
                email=user.email,
                password_hash=password_hash,
                first_name=user.first_name,
                last_name=user.last_name,
            )
            .returning(users.c.id)
        )
    ).scalar_one()
    await connection.execute(
        insert(user_preferences).values(user_id=user_id, budget_settings=dict(user.budget_settings))
    )
    await connection.execute(
        insert(bridge_connections).values(
            user_id=user_id,
            bridge_user_uuid=str(UUID(int=household.items[0].bridge_item_id, version=4)),
            external_user_id=f"harena-user-{user_id}",
        )
    )
    account_ids = await write_accounts(connection, user_id, household)
    ledger, rows = household.as_ledger()
    await copy_rows(connection, user_id, household.rows, account_ids, classify(ledger, rows))
    return user_id


async def write_accounts(
    connection: AsyncConnection,
    user_id: int,
    household: DemoHousehold,
    known: Mapping[int, int] | None = None,
) -> dict[int, int]:
    """Writes the accounts that are not known, with their connections.

    `known` and the answer lead from the bank's account id to `accounts.id`.
    """
    account_ids = dict(known or {})
    missing = [a for a in household.accounts if a.bridge_account_id not in account_ids]
    wanted = {account.bridge_item_id for account in missing}
    item_ids: dict[int, int] = {}
    for item in household.items:
        if item.bridge_item_id in wanted:
            values = {
                "user_id": user_id,
                "bridge_item_id": item.bridge_item_id,
                "bank_name": item.bank_name,
                "status": item.status,
                "status_code_info": item.status_code_info,
                "status_code_description": item.status_code_description,
            }
            found = await connection.execute(insert(items).values(values).returning(items.c.id))
            item_ids[item.bridge_item_id] = found.scalar_one()
    for account in missing:
        values = {
            "user_id": user_id,
            "item_id": item_ids[account.bridge_item_id],
            "bridge_account_id": account.bridge_account_id,
            "name": account.name,
            "type": account.type,
            "balance": account.balance,
            "currency_code": account.currency,
            "iban_hash": account.iban_hash,
            "iban_last4": account.iban_last4,
            "last_sync_at": midday(account.last_sync_on),
        }
        found = await connection.execute(insert(accounts).values(values).returning(accounts.c.id))
        account_ids[account.bridge_account_id] = found.scalar_one()
    return account_ids


async def copy_rows(
    connection: AsyncConnection,
    user_id: int,
    rows: Sequence[DemoRow],
    account_ids: Mapping[int, int],
    entries: Mapping[int, Entry] | None = None,
) -> None:
    """Writes the rows; with entries of all of them, what they mean as well.

    COPY is not something that SQLAlchemy knows, so this speaks to the driver's connection, inside
    the same transaction.
    """
    driver: Connection[Any] = (await connection.get_raw_connection()).driver_connection  # type: ignore[assignment]
    banks = [_banks(user_id, account_ids[row.bridge_account_id], row) for row in rows]
    if entries is None:
        await driver.copy_records_to_table("transactions", records=banks, columns=_BANKS_COLUMNS)
        return
    numbers = [record[0] for record in await driver.fetch(_TAKE_IDS, len(rows))]
    ids = {row.bridge_transaction_id: number for row, number in zip(rows, numbers, strict=True)}
    await driver.copy_records_to_table(
        "transactions",
        records=[
            (
                ids[row.bridge_transaction_id],
                *record,
                *derived(entries[row.bridge_transaction_id], ids),
            )
            for row, record in zip(rows, banks, strict=True)
        ],
        columns=("id", *_BANKS_COLUMNS, *Derived._fields),
    )


def midday(day: date) -> datetime:
    """A moment that is of that day everywhere in Europe."""
    return datetime.combine(day, time(12), UTC)


def _banks(user_id: int, account_id: int, row: DemoRow) -> tuple[object, ...]:
    return (
        user_id,
        account_id,
        row.bridge_transaction_id,
        row.amount,
        row.currency,
        row.date,
        row.transaction_date,
        row.date,
        row.date,
        row.label,
        row.clean_description,
        row.merchant_name,
        row.category_id,
        row.operation_type,
        row.deleted,
        row.future,
    )
