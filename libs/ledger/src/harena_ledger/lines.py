"""A row once read: its account, currency, operation, merchant and category, before its kind."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache

from harena_ledger import categories
from harena_ledger.merchants import Operation, Reading, read_undated, undated
from harena_ledger.model import Account, AccountType, CategoryClass, Correction, Household, Row
from harena_ledger.scope import currency_of, same_account
from harena_ledger.text import fold, words

_NO_CORRECTION = Correction()

# What the bank puts on a payment that it cannot place. It knows no rent, so rent is among them.
_CATCH_ALL = frozenset(
    {
        categories.UNCLASSIFIED,
        categories.OTHER_PAYMENTS,
        categories.OTHERS,
        categories.TRANSFERS_OUT,
    }
)


@dataclass(slots=True)
class Line:
    """One live row, as the rules of transfers, settlements and refunds see it."""

    row: Row
    account: object
    """Equal for two connections to one account."""
    account_type: AccountType
    currency: str
    operation: Operation
    merchant: str | None
    merchant_key: str | None
    known_merchant: bool
    category_id: int
    like_transfer: bool
    """Both halves of a transfer look like this: by operation, by the bank's class, or by label."""
    own_counterparty: bool | None
    """What the user said of the counterparty: their own, not their own, or nothing."""

    @property
    def id(self) -> int:
        return self.row.id

    @property
    def day(self) -> date:
        return self.row.occurred_on

    @property
    def amount(self) -> Decimal:
        return self.row.amount

    @property
    def category_class(self) -> CategoryClass:
        return categories.BY_ID[self.category_id].category_class


def read_lines(household: Household, rows: Iterable[Row]) -> list[Line]:
    """Every row, read.

    Raises:
        ValueError: A row on an account that is not the household's.
    """
    accounts = {account.id: account for account in household.accounts}
    lines = []
    # Of a thousand lines of one merchant most differ in their date only. The cache goes when this
    # returns: what one user's labels say is not kept for the next.
    read_once = cache(read_undated)
    for row in rows:
        account = accounts.get(row.account_id)
        if account is None:
            raise ValueError(f"Row {row.id} is on account {row.account_id}, which is not given.")
        reading = read_once(undated(row.label), row.merchant_name, row.operation_type)
        lines.append(_read_line(household, account, row, reading))
    return lines


def _read_line(household: Household, account: Account, row: Row, reading: Reading) -> Line:
    key = reading.key
    merchant, merchant_key, category_id = reading.name, key, None
    if key is not None:
        correction = household.corrections.get(key, _NO_CORRECTION)
        category_id = correction.category_id
        if correction.merchant_name:
            merchant, merchant_key = correction.merchant_name, fold(correction.merchant_name)
            if category_id is None:  # what was said of the merchant that this one turned out to be
                category_id = household.corrections.get(merchant_key, _NO_CORRECTION).category_id
    if category_id not in categories.BY_ID:
        category_id = _category(row, reading)
    return Line(
        row=row,
        account=same_account(account),
        account_type=account.type,
        currency=currency_of(account, row.currency),
        operation=reading.operation,
        merchant=merchant,
        merchant_key=merchant_key,
        known_merchant=reading.known is not None,
        category_id=category_id,
        like_transfer=_like_transfer(row, reading, category_id),
        own_counterparty=None if key is None else household.own_counterparties.get(key),
    )


def _category(row: Row, reading: Reading) -> int:
    """The bank's category; where it has none, what the merchant or the label tells."""
    banks = row.category_id
    if banks in categories.BY_ID and banks is not None and banks not in _CATCH_ALL:
        return banks
    told = reading.known.category_id if reading.known else _told_by_label(row)
    if row.amount < 0 and told == categories.RENT:
        return told
    if banks is None or banks not in categories.BY_ID or banks == categories.UNCLASSIFIED:
        return told or categories.UNCLASSIFIED
    return banks


def _told_by_label(row: Row) -> int | None:
    """Rent that is paid and salary that is earned are named in the label, not by the merchant."""
    told = "loyer" if row.amount < 0 else "salaire"
    if told not in row.label.lower() or told not in words(row.label):
        return None
    return categories.RENT if row.amount < 0 else categories.SALARY


def _like_transfer(row: Row, reading: Reading, category_id: int) -> bool:
    if reading.sounds_like_transfer:
        return True
    return reading.operation is Operation.unknown and any(
        categories.BY_ID[id_].category_class is CategoryClass.transfer
        for id_ in (category_id, row.category_id)
        if id_ in categories.BY_ID and id_ is not None
    )
