"""Totals of a period in a scope: the definition of every figure.

    totals(rows, entries, period, scope)                      -> Totals
    totals(rows, entries, period, scope, merchant_key="edf")  -> Totals

Readers sum in SQL, and tests hold both to DuckDB's. Income is what income rows and the excess of
refunds bring, expenses are what expense rows cost less what refunds give back. Nothing is clamped
here, so that the months of a year sum to it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from harena_ledger.model import Entry, Kind, Row
from harena_ledger.periods import Period
from harena_ledger.scope import EURO, Scope, currency_of

_COUNTED = frozenset({Kind.income, Kind.expense, Kind.refund})


@dataclass(frozen=True, slots=True)
class CurrencyTotals:
    """What the rows of one currency amount to, in that currency."""

    income: Decimal = Decimal(0)
    expenses: Decimal = Decimal(0)
    """Positive where money was spent; below 0 where more came back than was spent."""
    count: int = 0
    """Rows of kind income, expense or refund."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Euros; the rows in other currencies are apart."""

    income: Decimal = Decimal(0)
    expenses: Decimal = Decimal(0)
    """Net of refunds, so below 0 where more came back than was spent."""
    count: int = 0
    other_currencies: Mapping[str, CurrencyTotals] | None = None
    """What is left out of the sums, by currency; null where nothing is."""

    @property
    def shown_expenses(self) -> Decimal:
        """As an answer shows them: never below 0."""
        return max(self.expenses, Decimal(0))

    @property
    def net_refund(self) -> bool:
        """More came back than was spent: `shown_expenses` is not the whole truth."""
        return self.expenses < 0

    @property
    def balance(self) -> Decimal:
        """What was kept; from the sums themselves, so the months of a year sum to it."""
        return self.income - self.expenses


def totals(
    rows: Iterable[Row],
    entries: Mapping[int, Entry],
    period: Period,
    scope: Scope,
    *,
    category_id: int | None = None,
    merchant_key: str | None = None,
) -> Totals:
    """The totals of the rows of a period; it must not reach beyond today (`Period.until`).

    Args:
        entries: From `classify`, for all rows of the user.
        category_id: Only what counts in that category; a refund counts in its debit's.
        merchant_key: Only that merchant, folded.
    """
    accounts = {account.id: account for account in scope.connections}
    sums: dict[str, CurrencyTotals] = defaultdict(CurrencyTotals)
    for row in rows:
        account = accounts.get(row.account_id)
        entry = entries[row.id]
        if account is None or row.occurred_on not in period or entry.kind not in _COUNTED:
            continue
        if category_id not in (None, entry.category_id):
            continue
        if merchant_key not in (None, entry.merchant_key):
            continue
        currency = currency_of(account, row.currency)
        so_far = sums[currency]
        spent = -row.amount if entry.kind is Kind.expense else -entry.refunded
        earned = Decimal(0) if entry.kind is Kind.expense else row.amount - entry.refunded
        sums[currency] = CurrencyTotals(
            so_far.income + earned, so_far.expenses + spent, so_far.count + 1
        )
    own = sums.pop(EURO, CurrencyTotals())
    return Totals(own.income, own.expenses, own.count, dict(sorted(sums.items())) or None)
