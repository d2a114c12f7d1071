"""The words of the domain: what a row and an account are, before anything is computed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum


class Kind(StrEnum):
    """What a row counts as. Every row has exactly one."""

    excluded = "excluded"
    internal = "internal"
    refund = "refund"
    income = "income"
    expense = "expense"


class CategoryClass(StrEnum):
    """Drives every calculation; the name of a category never does."""

    fixed = "fixed"
    semi_fixed = "semi_fixed"
    variable = "variable"
    income = "income"
    transfer = "transfer"
    refund = "refund"


class AccountType(StrEnum):
    """The types that the bank API gives; only checking and card accounts are in scope."""

    checking = "checking"
    card = "card"
    savings = "savings"
    loan = "loan"
    brokerage = "brokerage"
    life_insurance = "life_insurance"
    other = "other"


@dataclass(frozen=True, slots=True)
class Account:
    """A bank account as one connection shows it."""

    id: int
    """The bank API's identifier, which never changes; not the row number of our table."""
    type: AccountType
    name: str
    balance: Decimal = Decimal(0)
    currency: str | None = None
    """ISO 4217; a null one is EUR."""
    iban_hash: str | None = None
    """Equal for two connections to one account."""
    iban_last4: str | None = None
    last_sync_on: date | None = None
    """Last calendar day on which the bank was read."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a bank statement."""

    id: int
    """The bank API's identifier: order of arrival never shows in it."""
    account_id: int
    """`Account.id`."""
    amount: Decimal
    """Negative: money out."""
    occurred_on: date
    label: str
    """As the bank prints it."""
    currency: str | None = None
    merchant_name: str | None = None
    category_id: int | None = None
    operation_type: str | None = None
    """The bank API's word: card, transfer, direct_debit, withdrawal, check, deferred_debit_card…"""
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Correction:
    """What the user said of a merchant; it wins from then on."""

    merchant_name: str | None = None
    category_id: int | None = None


@dataclass(frozen=True, slots=True)
class Household:
    """Everything that decides the kinds of one user's rows, besides the rows."""

    accounts: tuple[Account, ...]
    holder_names: tuple[str, ...] = ()
    """First and last names of the user, as "First Last"."""
    corrections: Mapping[str, Correction] = field(default_factory=dict)
    """By merchant key."""
    own_counterparties: Mapping[str, bool] = field(default_factory=dict)
    """By counterparty key: True where the user marked it as their own, False where not."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a row means: the derived columns that are stored beside it."""

    row_id: int
    kind: Kind
    merchant: str | None
    """Display name."""
    merchant_key: str | None
    """Folded (lower case, no accents, single spaces): what filters and corrections match."""
    category_id: int
    """The category in which the row counts; a refund carries its debit's."""
    refund_of: int | None = None
    """`Row.id` of the debit that this row gives back."""
    refunded: Decimal = Decimal(0)
    """What of a refund's amount lowers expenses; the rest of the amount is income."""
    pair: int | None = None
    """`Row.id` of the other half of an internal transfer."""
