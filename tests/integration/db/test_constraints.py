"""What the database itself refuses, whoever writes."""

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import Table, delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError
from tests.integration.db.conftest import DAY, Home

from harena_db import tables
from harena_db.testing import Database

Households = tuple[Home, Home]

EXPENSE = {"kind": "expense", "counted_category_id": 98001}
REFUND = {"kind": "refund", "counted_category_id": 9801, "amount": 10}


@pytest.mark.parametrize(
    ("table", "values", "refusal"),
    [
        (tables.users, {"email": ""}, "ck_users_email_has_a_length"),
        (tables.users, {"email": "a" * 255}, "ck_users_email_has_a_length"),
        (tables.user_preferences, {"budget_settings": []}, "budget_settings_is_object"),
        (tables.user_preferences, {"display_preferences": "x"}, "display_preferences_is_object"),
        (tables.user_preferences, {"notification_settings": 1}, "notification_settings_is_object"),
        (tables.accounts, {"type": "crypto"}, "ck_accounts_type_is_known"),
        (tables.accounts, {"currency_code": "eur"}, "ck_accounts_currency_code_is_iso"),
        (tables.accounts, {"balance": text("'NaN'")}, "ck_accounts_balance_is_a_number"),
        (tables.accounts, {"balance": 10**12}, "numeric field overflow"),
        (tables.accounts, {"iban_last4": "FR7630006"}, "ck_accounts_iban_last4_is_short"),
        (tables.transactions, {"amount": text("'NaN'")}, "ck_transactions_amount_is_a_number"),
        (tables.transactions, {"currency_code": "EURO"}, "currency_code_is_iso"),
        (tables.transactions, {**EXPENSE, "kind": "transfer"}, "ck_transactions_kind_is_known"),
        (
            tables.transactions,
            {"kind": "expense", "counted_category_id": None},
            "counts_in_a_category",
        ),
        (tables.transactions, {"category_id": 1}, "fk_transactions_category_id"),
        (tables.transactions, {**EXPENSE, "counted_category_id": 1}, "counted_category_id"),
        (tables.transactions, {**EXPENSE, "refunded": 1}, "only_refunds_refund"),
        (tables.transactions, {**EXPENSE, "refund_of": 1}, "only_refunds_refund"),
        (tables.transactions, {**EXPENSE, "paired_with": 1}, "only_internal_is_paired"),
        (tables.transactions, {**REFUND, "refunded": 11}, "only_refunds_refund"),
        (tables.transactions, {**REFUND, "refunded": -1}, "only_refunds_refund"),
        (tables.transactions, {**REFUND, "refunded": text("'NaN'")}, "only_refunds_refund"),
        (tables.merchant_corrections, {"merchant_name": None}, "corrects_something"),
        (tables.categories, {"category_class": "other"}, "ck_categories_class_is_known"),
    ],
)
async def test_checks(
    database: Database,
    households: Households,
    table: Table,
    values: Mapping[str, Any],
    refusal: str,
) -> None:
    with pytest.raises(DBAPIError, match=refusal):
        async with database.transaction() as connection:
            await connection.execute(update(table).values(**values))


@pytest.mark.parametrize(
    ("table", "values"),
    [
        (tables.users, {"email": "ADA@Example.com", "password_hash": ""}),
        (tables.user_preferences, {"user_id": 1}),
        (tables.bridge_connections, {"user_id": 1, "bridge_user_uuid": "", "external_user_id": ""}),
        (tables.items, {"user_id": 1, "bridge_item_id": 2}),
        (tables.data_versions, {"user_id": 1}),
        (
            tables.merchant_corrections,
            {"user_id": 1, "merchant_key": "carrefour", "merchant_name": "C"},
        ),
        (tables.category_groups, {"id": 1, "name": "Frais"}),
        (tables.categories, {"id": 1, "group_id": 3, "name": "CAF", "category_class": "income"}),
    ],
    ids=lambda value: value.name if isinstance(value, Table) else "",
)
async def test_only_once(
    database: Database, households: Households, table: Table, values: Mapping[str, Any]
) -> None:
    assert households[0].user_id == 1
    with pytest.raises(DBAPIError, match="duplicate key"):
        async with database.transaction() as connection:
            await connection.execute(insert(table).values(**values))


async def test_occurred_on_is_the_transaction_date_else_the_date(
    database: Database, households: Households
) -> None:
    other = DAY.replace(day=1)
    async with database.transaction() as connection:
        occurred_on = select(tables.transactions.c.occurred_on).distinct()
        assert await connection.scalar(occurred_on) == DAY
        await connection.execute(update(tables.transactions).values(transaction_date=other))
        assert await connection.scalar(occurred_on) == other


async def test_a_row_nobody_classified_counts_as_nothing(
    database: Database, households: Households
) -> None:
    ada, _ = households
    row = {
        "user_id": ada.user_id,
        "account_id": ada.account_id,
        "bridge_transaction_id": 77,
        "amount": -1,
        "date": DAY,
    }
    async with database.transaction() as connection:
        added = insert(tables.transactions).values(row).returning(tables.transactions.c.kind)
        assert await connection.scalar(added) == "excluded"


class TestReferencesBetweenRows:
    async def load(self, database: Database, home: Home) -> None:
        """A refund that arrives before its debit, and two halves that name each other."""
        rows = (
            {**REFUND, "id": 101, "amount": 10, "refunded": 10, "refund_of": 102},
            {**EXPENSE, "id": 102, "amount": -10},
            {"kind": "internal", "id": 103, "amount": -5, "paired_with": 104},
            {"kind": "internal", "id": 104, "amount": 5, "paired_with": 103},
        )
        common = {"user_id": home.user_id, "account_id": home.account_id, "date": DAY}
        async with database.transaction() as connection:
            for row in rows:
                values = {"counted_category_id": 9807, **row, **common}
                await connection.execute(
                    insert(tables.transactions).values(**values, bridge_transaction_id=row["id"])
                )

    async def test_come_in_any_order(self, database: Database, households: Households) -> None:
        await self.load(database, households[0])

    async def test_let_go_of_a_deleted_row(
        self, database: Database, households: Households
    ) -> None:
        await self.load(database, households[0])
        rows = tables.transactions.c
        async with database.transaction() as connection:
            await connection.execute(delete(tables.transactions).where(rows.id.in_([102, 103])))
        async with database.transaction() as connection:
            left = await connection.execute(
                select(rows.id, rows.user_id, rows.refund_of, rows.paired_with).where(rows.id > 100)
            )
            user_id = households[0].user_id
            assert {tuple(row) for row in left} == {
                (101, user_id, None, None),
                (104, user_id, None, None),
            }
