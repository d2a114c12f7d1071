"""What the generator hands out: a household as its banks show it and, apart, what is true of it."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from harena_ledger.model import Account, AccountType, Household, Kind, Row


@dataclass(frozen=True, slots=True)
class DemoUser:
    """A person who logs in. The password is public: it is printed in the documentation."""

    email: str
    password: str
    first_name: str
    last_name: str
    description: str
    budget_settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DemoItem:
    """One connection to a bank; the status codes are the bank API's (0 is well)."""

    bridge_item_id: int
    bank_name: str
    status: int = 0
    status_code_info: str | None = None
    status_code_description: str | None = None


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """A bank account as one connection shows it."""

    bridge_account_id: int
    bridge_item_id: int
    type: AccountType
    name: str
    balance: Decimal
    """Today's: the opening balance plus every live row of the account's own currency so far."""
    opening_balance: Decimal
    currency: str | None
    iban_hash: str | None
    iban_last4: str | None
    last_sync_on: datetime.date


@dataclass(frozen=True, slots=True)
class DemoRow:
    """One line of a statement."""

    bridge_transaction_id: int
    bridge_account_id: int
    date: datetime.date
    """When the bank moves the money; for a deferred-debit card, when it is settled."""
    transaction_date: datetime.date | None
    amount: Decimal
    currency: str | None
    label: str
    clean_description: str | None
    merchant_name: str | None
    category_id: int | None
    operation_type: str | None
    deleted: bool
    future: bool

    @property
    def occurred_on(self) -> datetime.date:
        return self.transaction_date or self.date


@dataclass(frozen=True, slots=True)
class Truth:
    """What a row is, known because the generator wrote it so; nothing here is computed from rows.

    A row that the bank announces for a later day has the kind that it will have on its day.
    """

    kind: Kind
    category_id: int
    """Where a person would put the row; a refund has the category of what it gives back."""
    refund_of: int | None = None
    """`bridge_transaction_id` of the debit."""
    refunded: Decimal = Decimal(0)
    """What of a refund lowers expenses."""
    pair: int | None = None
    """`bridge_transaction_id` of the other half of a transfer between two own accounts."""
    story: str | None = None
    """Why the row is in the household at all, where it is there to be a difficult case."""


@dataclass(frozen=True, slots=True)
class DemoHousehold:
    """One user with everything that hangs on it."""

    user: DemoUser
    items: tuple[DemoItem, ...]
    accounts: tuple[DemoAccount, ...]
    rows: tuple[DemoRow, ...]
    """In the order in which they occurred."""
    truths: Mapping[int, Truth]
    """By `bridge_transaction_id`."""

    def as_ledger(self) -> tuple[Household, list[Row]]:
        """What `harena_ledger.classify` takes: what the banks show, without the truth."""
        accounts = tuple(
            Account(
                id=account.bridge_account_id,
                type=account.type,
                name=account.name,
                balance=account.balance,
                currency=account.currency,
                iban_hash=account.iban_hash,
                iban_last4=account.iban_last4,
                last_sync_on=account.last_sync_on,
            )
            for account in self.accounts
        )
        rows = [
            Row(
                id=row.bridge_transaction_id,
                account_id=row.bridge_account_id,
                amount=row.amount,
                occurred_on=row.occurred_on,
                label=row.label,
                currency=row.currency,
                merchant_name=row.merchant_name,
                category_id=row.category_id,
                operation_type=row.operation_type,
                deleted=row.deleted,
            )
            for row in self.rows
        ]
        holder = f"{self.user.first_name} {self.user.last_name}"
        return Household(accounts, (holder,)), rows
