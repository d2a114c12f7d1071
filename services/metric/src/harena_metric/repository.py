"""The metric service's queries: one for whose accounts count, one for all sums of an answer.

Sums are made by Postgres, per account and currency; which accounts count, and what a null currency
means, is the ledger's to say.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

import asyncpg
from sqlalchemy import (
    ColumnElement,
    Date,
    Integer,
    Select,
    Table,
    Text,
    bindparam,
    case,
    func,
    literal_column,
    select,
    union_all,
)

from harena_core.db import Reader, Statement
from harena_db.tables import accounts, daily_totals, data_versions, transactions, user_preferences
from harena_ledger.model import Kind
from harena_ledger.periods import Period


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """A bank account as it is stored."""

    id: int
    """The row number in our table, which `AccountSum.account_id` names."""
    bridge_account_id: int
    name: str
    type: str
    balance: Decimal
    currency_code: str | None
    iban_hash: str | None
    iban_last4: str | None
    last_sync_at: datetime | None


@dataclass(frozen=True, slots=True)
class Holdings:
    """What decides which rows of a user count."""

    rows: Sequence[asyncpg.Record]
    """One an account, or one of nulls; looked into only where an answer is not known already."""

    @property
    def data_version(self) -> int:
        """Raised by every change of the user's rows, accounts and settings."""
        return self.rows[0][0] or 0

    @property
    def account_selection(self) -> object:
        """The setting as it is stored, or None."""
        setting = self.rows[0][1]
        return None if setting is None else json.loads(setting)

    @property
    def accounts(self) -> list[AccountRecord]:
        return [AccountRecord(*row[2:]) for row in self.rows if row[2] is not None]


@dataclass(frozen=True, slots=True)
class AccountSum:
    """What the rows of one account and currency amount to in one period."""

    period: int
    """Place of the period among those asked for."""
    account_id: int
    currency_code: str | None
    income: Decimal
    expenses: Decimal
    """Positive where money was spent, net of refunds."""
    income_count: int
    expense_count: int
    """Purchases and refunds."""


class MetricRepository:
    """Reads of one user, in the transaction that is bound to them."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._user_id = reader.user_id

    async def holdings(self) -> Holdings:
        """The user's accounts, by bank id, and their choice among them."""
        return Holdings(await self._reader.fetch(HOLDINGS, user_id=self._user_id))

    async def sums(
        self,
        periods: Sequence[Period],
        *,
        category_id: int | None = None,
        merchant_key: str | None = None,
    ) -> list[AccountSum]:
        """The sums of each period, per account and currency; nothing where no row counts.

        A period must not reach beyond today: rows that are dated later have a kind already.
        """
        statement = sums_of(
            len(periods), by_category=category_id is not None, by_merchant=merchant_key is not None
        )
        bounds = {
            f"{bound}_{place}": getattr(period, bound)
            for place, period in enumerate(periods)
            for bound in ("start", "end")
        }
        rows = await self._reader.fetch(
            statement,
            user_id=self._user_id,
            category_id=category_id,
            merchant_key=merchant_key,
            **bounds,
        )
        return [AccountSum(*row) for row in rows]


_USER_ID = bindparam("user_id", type_=Integer)


def _holdings() -> Select[Any]:
    # From a row of one's own, so that a user without accounts or preferences has one too.
    me = select(_USER_ID.label("user_id")).subquery("me")
    return (
        select(
            data_versions.c.version,
            user_preferences.c.budget_settings["account_selection"].astext,
            accounts.c.id,
            accounts.c.bridge_account_id,
            accounts.c.name,
            accounts.c.type,
            accounts.c.balance,
            accounts.c.currency_code,
            accounts.c.iban_hash,
            accounts.c.iban_last4,
            accounts.c.last_sync_at,
        )
        .select_from(me)
        .outerjoin(data_versions, data_versions.c.user_id == me.c.user_id)
        .outerjoin(user_preferences, user_preferences.c.user_id == me.c.user_id)
        .outerjoin(accounts, accounts.c.user_id == me.c.user_id)
        .order_by(accounts.c.bridge_account_id)
    )


HOLDINGS = Statement(_holdings())


@cache
def sums_of(periods: int, *, by_category: bool, by_merchant: bool) -> Statement:
    """One statement for all periods: eight at most, each prepared once by a connection.

    A scan for each period: with one OR of both, no index would answer alone.
    """
    filtered = by_category or by_merchant
    return Statement(
        union_all(
            *(
                _row_sums(place, by_category, by_merchant) if filtered else _day_sums(place)
                for place in range(periods)
            )
        )
    )


def _within(place: int, table: Table) -> tuple[ColumnElement[bool], ...]:
    return (
        table.c.user_id == _USER_ID,
        table.c.occurred_on >= bindparam(f"start_{place}", type_=Date),
        table.c.occurred_on < bindparam(f"end_{place}", type_=Date),
    )


def _period(place: int) -> ColumnElement[int]:
    return literal_column(str(place), Integer).label("period")


def _day_sums(place: int) -> Select[Any]:
    """From the days, of which the largest user has a few thousand where rows are 50,000."""
    day = daily_totals.c
    return (
        select(
            _period(place),
            day.account_id,
            day.currency_code,
            func.sum(day.income),
            func.sum(day.expenses),
            func.sum(day.income_count),
            func.sum(day.expense_count),
        )
        .where(*_within(place, daily_totals))
        .group_by(day.account_id, day.currency_code)
    )


def _row_sums(place: int, by_category: bool, by_merchant: bool) -> Select[Any]:
    """From the rows themselves: days know neither categories nor merchants."""
    row = transactions.c
    earned = case((_is(Kind.expense), literal_column("0")), else_=row.amount - row.refunded)
    spent = case((_is(Kind.expense), -row.amount), else_=-row.refunded)
    query = (
        select(
            _period(place),
            row.account_id,
            row.currency_code,
            func.sum(earned),
            func.sum(spent),
            func.count().filter(_is(Kind.income)),
            func.count().filter(~_is(Kind.income)),
        )
        .where(
            *_within(place, transactions),
            _is(Kind.income) | _is(Kind.expense) | _is(Kind.refund),
        )
        .group_by(row.account_id, row.currency_code)
    )
    if by_category:
        query = query.where(row.counted_category_id == bindparam("category_id", type_=Integer))
    if by_merchant:
        query = query.where(row.merchant_key == bindparam("merchant_key", type_=Text))
    return query


def _is(kind: Kind) -> ColumnElement[bool]:
    # In the text of the statement, where the planner can see how many rows it leaves.
    return transactions.c.kind == literal_column(f"'{kind.value}'", Text)
