"""Between the tables and `harena_ledger`: gives it a user's rows, stores what it says of them."""

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from harena_db.tables import (
    accounts,
    data_versions,
    merchant_corrections,
    own_counterparties,
    transactions,
    users,
)
from harena_ledger.classify import classify
from harena_ledger.model import Account, AccountType, Correction, Entry, Household, Kind, Row


class Derived(NamedTuple):
    """The columns of `transactions` that an entry becomes, by their names."""

    kind: Kind
    merchant: str | None
    merchant_key: str | None
    counted_category_id: int
    refund_of: int | None
    refunded: Decimal
    paired_with: int | None


_COLUMNS = [transactions.c[name] for name in Derived._fields]

_STORE = text("""
    UPDATE transactions
    SET kind = entry.kind,
        merchant = entry.merchant,
        merchant_key = entry.merchant_key,
        counted_category_id = entry.counted_category_id,
        refund_of = entry.refund_of,
        refunded = entry.refunded,
        paired_with = entry.paired_with
    FROM unnest(
        CAST(:id AS bigint[]), CAST(:kind AS text[]), CAST(:merchant AS text[]),
        CAST(:merchant_key AS text[]), CAST(:counted_category_id AS integer[]),
        CAST(:refund_of AS bigint[]), CAST(:refunded AS numeric[]), CAST(:paired_with AS bigint[])
    ) AS entry (
        id, kind, merchant, merchant_key, counted_category_id, refund_of, refunded, paired_with
    )
    WHERE transactions.user_id = :user_id AND transactions.id = entry.id
""")


def derived(entry: Entry, ids: Mapping[int, int]) -> Derived:
    """An entry as columns. `ids` leads from the bank's ids (`Row.id`) to `transactions.id`."""
    return Derived(
        kind=entry.kind,
        merchant=entry.merchant,
        merchant_key=entry.merchant_key,
        counted_category_id=entry.category_id,
        refund_of=None if entry.refund_of is None else ids[entry.refund_of],
        refunded=entry.refunded,
        paired_with=None if entry.pair is None else ids[entry.pair],
    )


def account(row: Any, timezone: ZoneInfo) -> Account:
    """An account as the ledger knows it, from what has the columns of `accounts` by their names.

    `timezone` is the deployment's: in it the moment of a synchronisation is a calendar day.
    """
    return Account(
        id=row.bridge_account_id,
        type=AccountType(row.type),
        name=row.name,
        balance=row.balance,
        currency=row.currency_code,
        iban_hash=row.iban_hash,
        iban_last4=row.iban_last4,
        last_sync_on=row.last_sync_at and row.last_sync_at.astimezone(timezone).date(),
    )


async def household(connection: AsyncConnection, user_id: int, *, timezone: ZoneInfo) -> Household:
    """Everything that decides the kinds of a user's rows, besides the rows."""
    names = (
        await connection.execute(
            select(users.c.first_name, users.c.last_name).where(users.c.id == user_id)
        )
    ).one()
    return Household(
        accounts=tuple(
            account(row, timezone)
            for row in await connection.execute(
                select(accounts)
                .where(accounts.c.user_id == user_id)
                .order_by(accounts.c.bridge_account_id)
            )
        ),
        holder_names=tuple(filter(None, [" ".join(filter(None, names))])),
        corrections={
            row.merchant_key: Correction(row.merchant_name, row.category_id)
            for row in await connection.execute(
                select(merchant_corrections).where(merchant_corrections.c.user_id == user_id)
            )
        },
        own_counterparties={
            row.counterparty_key: row.is_own
            for row in await connection.execute(
                select(own_counterparties).where(own_counterparties.c.user_id == user_id)
            )
        },
    )


async def reclassify(connection: AsyncConnection, user_id: int, *, timezone: ZoneInfo) -> int:
    """Stores anew what each of the user's rows means; how many rows that changed.

    To be called in the transaction that wrote rows, accounts, corrections or names. Two at once
    for one user take turns, and the second sees what the first one wrote: whoever writes a row
    holds the lock of the user's data version already, so asking for it first cannot deadlock.
    """
    await connection.execute(
        select(data_versions.c.version).where(data_versions.c.user_id == user_id).with_for_update()
    )
    stored = (
        await connection.execute(
            select(
                transactions.c.id,
                transactions.c.bridge_transaction_id,
                accounts.c.bridge_account_id,
                transactions.c.amount,
                transactions.c.occurred_on,
                transactions.c.provider_description,
                transactions.c.clean_description,
                transactions.c.currency_code,
                transactions.c.merchant_name,
                transactions.c.category_id,
                transactions.c.operation_type,
                transactions.c.deleted,
                *_COLUMNS,
            )
            .join(accounts, accounts.c.id == transactions.c.account_id)
            .where(transactions.c.user_id == user_id)
        )
    ).all()
    rows = [
        Row(
            id=row.bridge_transaction_id,
            account_id=row.bridge_account_id,
            amount=row.amount,
            occurred_on=row.occurred_on,
            label=row.provider_description or row.clean_description or "",
            currency=row.currency_code,
            merchant_name=row.merchant_name,
            category_id=row.category_id,
            operation_type=row.operation_type,
            deleted=row.deleted,
        )
        for row in stored
    ]
    home = await household(connection, user_id, timezone=timezone)
    entries = await asyncio.to_thread(classify, home, rows)
    ids = {row.bridge_transaction_id: row.id for row in stored}
    changed = [
        (row.id, *meaning)
        for row in stored
        if (meaning := derived(entries[row.bridge_transaction_id], ids)) != row[-len(_COLUMNS) :]
    ]
    await _store(connection, user_id, changed)
    return len(changed)


async def _store(
    connection: AsyncConnection, user_id: int, changed: Sequence[tuple[object, ...]]
) -> None:
    if not changed:
        return
    columns = map(list, zip(*changed, strict=True))
    values = dict(zip(("id", *Derived._fields), columns, strict=True))
    await connection.execute(_STORE, {**values, "user_id": user_id})
