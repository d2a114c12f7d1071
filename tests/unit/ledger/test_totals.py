"""Totals, against sums that DuckDB makes of the same rows, read from CSV as exact decimals."""

import csv
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import duckdb
import pytest
from hypothesis import given
from tests.unit.ledger.builders import (
    CARD,
    CHECKING,
    DAY,
    JOINT,
    SAVINGS,
    SECOND_CONNECTION,
    entries,
    home,
    households,
    properties,
    row,
    rows,
)

from harena_ledger import categories
from harena_ledger.classify import classify
from harena_ledger.model import Entry, Household, Row
from harena_ledger.periods import Month, Period, year
from harena_ledger.scope import AccountSelection, Scope, select
from harena_ledger.totals import CurrencyTotals, Totals, totals

NOVEMBER = Month(2026, 11).period


def _totals(
    *some: Row,
    period: Period = NOVEMBER,
    household: Household | None = None,
    selection: AccountSelection | None = None,
    category_id: int | None = None,
    merchant_key: str | None = None,
) -> Totals:
    household = household or home()
    return totals(
        some,
        entries(*some, household=household),
        period,
        select(household.accounts, selection),
        category_id=category_id,
        merchant_key=merchant_key,
    )


class TestTotals:
    def test_of_nothing_are_zeros(self) -> None:
        assert _totals() == Totals()

    def test_income_is_apart_from_expenses(self) -> None:
        found = _totals(row(1, "-10.10"), row(2, "-5.05"), row(3, 100, "PRIME"))

        assert found == Totals(Decimal(100), Decimal("15.15"), 3)
        assert found.balance == Decimal("84.85")

    def test_the_last_day_is_in_the_period_and_the_next_is_not(self) -> None:
        found = _totals(row(1, -1, day=date(2026, 11, 30)), row(2, -2, day=date(2026, 12, 1)))

        assert found.expenses == 1

    def test_transfers_count_nothing(self) -> None:
        found = _totals(row(1, -100, "VIR LIVRET A"), row(2, 100, "VIR X", account=SAVINGS))

        assert found == Totals()

    def test_a_refund_lowers_the_expenses_of_its_own_month(self) -> None:
        purchase = row(1, -50, "CB GALERIE", date(2026, 10, 20))
        refund = row(2, 30, "CB GALERIE", date(2026, 11, 3))

        october = _totals(purchase, refund, period=Month(2026, 10).period)
        november = _totals(purchase, refund)

        assert october == Totals(expenses=Decimal(50), count=1)
        assert not october.net_refund
        assert november == Totals(expenses=Decimal(-30), count=1)
        assert november.net_refund
        assert november.shown_expenses == 0

    def test_the_excess_of_a_refund_is_income(self) -> None:
        found = _totals(row(1, -30, "CB GALERIE"), row(2, 50, "CB GALERIE"))

        assert found == Totals(income=Decimal(20), count=2)

    def test_only_accounts_in_scope_count(self) -> None:
        some = row(1, -1), row(2, -2, account=CARD), row(3, -4, account=JOINT)
        only_joint = AccountSelection.parse(
            {"mode": "include_specific", "included_accounts": [JOINT]}
        )

        assert _totals(*some, row(4, -8, account=SAVINGS)).expenses == 7
        assert _totals(*some, selection=only_joint).expenses == 4

    def test_an_empty_scope_counts_nothing(self) -> None:
        nothing = AccountSelection.parse({"mode": "include_specific"})

        assert _totals(row(1, -1), selection=nothing) == Totals()

    def test_other_currencies_are_left_out_and_said_so(self) -> None:
        found = _totals(
            row(1, -10),
            row(2, -20, "CB DINER NYC", currency="USD"),
            row(3, 5, "CB DINER NYC", currency="USD"),
            row(4, 7, "PRIZE", currency="GBP"),
        )

        assert (found.expenses, found.count) == (Decimal(10), 1)
        assert found.other_currencies == {
            "GBP": CurrencyTotals(income=Decimal(7), count=1),
            "USD": CurrencyTotals(expenses=Decimal(15), count=2),
        }

    def test_an_account_in_another_currency_gives_it_to_its_rows(self) -> None:
        dollars = replace(SECOND_CONNECTION, id=77, iban_hash="hash-77", currency="USD")

        found = _totals(
            row(1, -10, account=77),
            row(2, -20, account=77, currency="EUR"),
            household=home(dollars),
        )

        assert found.expenses == 20
        assert set(found.other_currencies or {}) == {"USD"}

    def test_a_category_is_that_in_which_a_row_counts(self) -> None:
        some = (
            row(1, -50, "CB GALERIE", category=categories.CLOTHES),
            row(2, 20, "CB GALERIE", category=categories.OTHERS),
            row(3, -8, "CB LIDL"),
        )

        assert _totals(*some, category_id=categories.CLOTHES).expenses == 30
        assert _totals(*some, category_id=categories.OTHERS).count == 0

    def test_a_merchant_is_its_whole_name(self) -> None:
        some = row(1, -50, "CB TOTAL"), row(2, -20, "PRLV TOTAL ENERGIES")

        assert _totals(*some, merchant_key="total").expenses == 50
        assert _totals(*some, merchant_key="tot").count == 0

    @given(households(), rows())
    @properties
    def test_months_sum_to_the_year(self, household: Household, some: list[Row]) -> None:
        found = classify(household, some)
        scope = select(household.accounts)

        months = [totals(some, found, Month(2026, month).period, scope) for month in range(1, 13)]
        whole = totals(some, found, year(2026), scope)

        assert sum(month.income for month in months) == whole.income
        assert sum(month.expenses for month in months) == whole.expenses
        assert sum(month.balance for month in months) == whole.balance
        assert sum(month.count for month in months) == whole.count

    @given(households(), rows())
    @properties
    def test_categories_sum_to_the_whole(self, household: Household, some: list[Row]) -> None:
        found = classify(household, some)
        scope = select(household.accounts)

        parts = [
            totals(some, found, year(2026), scope, category_id=id_) for id_ in categories.BY_ID
        ]
        whole = totals(some, found, year(2026), scope)

        assert sum(part.expenses for part in parts) == whole.expenses
        assert sum(part.income for part in parts) == whole.income


SUMS = """
    select
        strftime(occurred_on, '%Y-%m') as month,
        coalesce(sum(amount) filter (kind = 'income'), 0)
            + coalesce(sum(amount - refunded) filter (kind = 'refund'), 0) as income,
        coalesce(sum(-amount) filter (kind = 'expense'), 0)
            - coalesce(sum(refunded) filter (kind = 'refund'), 0) as expenses,
        count(*) filter (kind in ('income', 'expense', 'refund')) as counted
    from read_csv($path, header = true, columns = {
        'id': 'bigint', 'account_id': 'bigint', 'occurred_on': 'date', 'currency': 'varchar',
        'amount': 'decimal(14,2)', 'kind': 'varchar', 'refunded': 'decimal(14,2)'
    })
    where account_id in (1, 3, 4, 9) and currency = 'EUR'
    group by month
"""


class TestAgainstDuckDB:
    @pytest.mark.parametrize("seed", range(3))
    def test_every_month_is_the_same_to_the_cent(self, seed: int, tmp_path: Path) -> None:
        household = home(SECOND_CONNECTION)
        some = _two_years(Random(seed))
        found = classify(household, some)
        scope = select(household.accounts)

        expected = _sums(tmp_path / "rows.csv", some, found)

        assert len(expected) == 24
        for month, (income, expenses, count) in expected.items():
            mine = totals(some, found, Month(*map(int, month.split("-"))).period, scope)
            assert (mine.income, mine.expenses, mine.count) == (income, expenses, count), month

    def test_nothing_is_lost_or_invented(self, tmp_path: Path) -> None:
        """Over all accounts, what the kinds count is what the rows moved, less what is internal."""
        household = home(SECOND_CONNECTION)
        some = _two_years(Random(9))
        found = classify(household, some)
        path = tmp_path / "rows.csv"
        _write(path, some, found)

        counted, internal, excluded, moved = duckdb.execute(
            """
            select
                sum(amount) filter (kind in ('income', 'expense', 'refund')),
                sum(amount) filter (kind = 'internal'),
                sum(amount) filter (kind = 'excluded'),
                sum(amount)
            from read_csv($path, header = true, types = {'amount': 'decimal(14,2)'})
            """,
            {"path": str(path)},
        ).fetchall()[0]

        assert counted + internal + excluded == moved
        everything = Scope(household.accounts, select([]).mode, 0, 0)
        whole = totals(some, found, Period(date(2024, 1, 1), date(2026, 1, 1)), everything)
        dollars = (whole.other_currencies or {})["USD"]
        assert whole.balance + dollars.income - dollars.expenses == counted


def _two_years(random: Random) -> list[Row]:
    labels = ("CB LIDL", "CB GALERIE", "PRLV EDF", "VIR LIVRET A", "VIR M MARTIN", "AVOIR GALERIE")
    return [
        row(
            id_,
            str(Decimal(random.randint(-30_000, 20_000)) / 100)
            if random.random() < 0.7
            else str(random.choice((-50, 50, -100, 100))),
            random.choice(labels),
            date(2024, 1, 1) + timedelta(days=random.randrange(731)),
            random.choice((CHECKING, SAVINGS, CARD, JOINT, SECOND_CONNECTION.id)),
            currency=random.choice((None, None, None, "EUR", "USD")),
            category=random.choice((None, None, None, categories.REFUNDS, categories.SALARY)),
            deleted=random.random() < 0.03,
        )
        for id_ in range(1, 3001)
    ]


def _write(path: Path, some: Sequence[Row], found: dict[int, Entry]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ("id", "account_id", "occurred_on", "currency", "amount", "kind", "refunded")
        )
        for r in some:
            entry = found[r.id]
            writer.writerow(
                (
                    r.id,
                    r.account_id,
                    r.occurred_on,
                    r.currency or "EUR",
                    r.amount,
                    entry.kind.value,
                    entry.refunded,
                )
            )


def _sums(
    path: Path, some: Sequence[Row], found: dict[int, Entry]
) -> dict[str, tuple[Decimal, Decimal, int]]:
    _write(path, some, found)
    answer = duckdb.execute(SUMS, {"path": str(path)}).fetchall()
    return {month: (income, expenses, count) for month, income, expenses, count in answer}


def test_the_fixed_day_of_these_tests_is_in_november() -> None:
    assert DAY in NOVEMBER
