"""The days of `daily_totals` are, after any statement, the sums of the rows."""

import random
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Row, delete, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.integration.db.conftest import Home, make_home

from harena_db.tables import accounts, daily_totals, transactions, users
from harena_db.testing import Database

# Written apart from the triggers' own statement, kind by kind.
_EXPECTED = text("""
    SELECT user_id, account_id, occurred_on, currency_code,
           coalesce(sum(amount) FILTER (WHERE kind = 'income'), 0)
               + coalesce(sum(amount - refunded) FILTER (WHERE kind = 'refund'), 0) AS income,
           coalesce(sum(-amount) FILTER (WHERE kind = 'expense'), 0)
               - coalesce(sum(refunded) FILTER (WHERE kind = 'refund'), 0) AS expenses,
           count(*) FILTER (WHERE kind = 'income') AS income_count,
           count(*) FILTER (WHERE kind IN ('expense', 'refund')) AS expense_count
    FROM transactions WHERE kind IN ('income', 'expense', 'refund')
    GROUP BY user_id, account_id, occurred_on, currency_code
""")
_KEPT = select(daily_totals).where(
    (daily_totals.c.income_count != 0)
    | (daily_totals.c.expense_count != 0)
    | (daily_totals.c.income != 0)
    | (daily_totals.c.expenses != 0)
)


async def assert_kept(connection: AsyncConnection) -> set[Row[Any]]:
    """Raises unless the days are the sums; returns them."""
    kept = set((await connection.execute(_KEPT)).all())
    expected = set((await connection.execute(_EXPECTED)).all())
    assert {tuple(day) for day in kept} == {tuple(day) for day in expected}
    return kept


def random_row(choice: random.Random, home: Home, number: int) -> dict[str, Any]:
    kind = choice.choice(["income", "expense", "expense", "refund", "internal", "excluded"])
    amount = Decimal(choice.randrange(1, 100_000)) / 100
    return {
        "user_id": home.user_id,
        "account_id": home.account_id,
        "bridge_transaction_id": number,
        "amount": -amount if kind == "expense" else amount,
        "date": date(2026, 1, 1) + timedelta(days=choice.randrange(5)),
        "transaction_date": choice.choice([None, date(2026, 1, 3)]),
        "currency_code": choice.choice([None, "EUR", "USD"]),
        "kind": kind,
        "counted_category_id": 9804,
        "refunded": amount / 2 if kind == "refund" and amount * 100 % 2 == 0 else Decimal(0),
    }


@pytest.mark.parametrize("seed", range(4))
async def test_any_statement_leaves_the_days_right(
    database: Database, households: tuple[Home, Home], seed: int
) -> None:
    choice = random.Random(seed)
    async with database.transaction() as connection:
        rows = [random_row(choice, choice.choice(households), 100 + n) for n in range(120)]
        await connection.execute(insert(transactions), rows)
        assert await assert_kept(connection)
        numbers = [row["bridge_transaction_id"] for row in rows]
        number = transactions.c.bridge_transaction_id
        for _ in range(12):
            some = choice.sample(numbers, 15)
            changes = {
                name: value
                for name, value in random_row(choice, households[0], 0).items()
                if name not in ("user_id", "account_id", "bridge_transaction_id")
            }
            await connection.execute(update(transactions).where(number.in_(some)).values(**changes))
            await assert_kept(connection)
            await connection.execute(delete(transactions).where(number.in_(some[:3])))
            await assert_kept(connection)


async def test_what_is_deleted_takes_its_days_along(
    database: Database, households: tuple[Home, Home]
) -> None:
    choice = random.Random(0)
    ada, bob = households
    async with database.transaction() as connection:
        third = await make_home(connection, "eve", 3)
        rows = [random_row(choice, choice.choice([ada, bob, third]), 100 + n) for n in range(90)]
        await connection.execute(insert(transactions), rows)

        await connection.execute(delete(users).where(users.c.id == ada.user_id))
        days = await assert_kept(connection)
        assert {day.user_id for day in days} == {bob.user_id, third.user_id}

        await connection.execute(delete(accounts).where(accounts.c.id == bob.account_id))
        days = await assert_kept(connection)
        assert {day.user_id for day in days} == {third.user_id}

    async with database.transaction() as connection:
        await connection.execute(text("TRUNCATE transactions"))
        assert not await assert_kept(connection)
