"""Every table, as SQLAlchemy Core knows it. The migrations make them; this is what queries name.

A row that belongs to a user carries `user_id`, and every reference between two such rows is made of
both keys: nothing can hang on another user's row, and the chain of references ends in `users`.
"""

from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    MetaData,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from harena_ledger.model import AccountType, CategoryClass, Kind

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

Money = Numeric(14, 2)
Timestamp = DateTime(timezone=True)


def _timestamps() -> tuple[Column[Any], Column[Any]]:
    """When the row was made and last changed; a trigger keeps the second."""
    return (
        Column("created_at", Timestamp, nullable=False, server_default=func.now()),
        Column("updated_at", Timestamp, nullable=False, server_default=func.now()),
    )


def _user_id(*, primary_key: bool = False) -> Column[int]:
    return Column(
        "user_id",
        Integer,
        ForeignKey("users.id", ondelete="CASCADE"),
        nullable=False,
        primary_key=primary_key,
        autoincrement=False,
    )


def _settings(name: str) -> Column[dict[str, Any]]:
    return Column(name, JSONB, nullable=False, server_default=text("'{}'::jsonb"))


def _is_object(name: str) -> CheckConstraint:
    return CheckConstraint(f"jsonb_typeof({name}) = 'object'", name=f"{name}_is_object")


def _one_of(name: str, values: type[StrEnum]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{name} IN ({listed})", name=f"{name}_is_known")


def _is_currency() -> CheckConstraint:
    return CheckConstraint("currency_code ~ '^[A-Z]{3}$'", name="currency_code_is_iso")


users = Table(
    "users",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("email", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("first_name", Text),
    Column("last_name", Text),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    Column("is_superuser", Boolean, nullable=False, server_default=text("false")),
    *_timestamps(),
    # 254 octets are all that a mail server accepts (RFC 5321, erratum 1690).
    CheckConstraint("email <> '' AND char_length(email) <= 254", name="email_has_a_length"),
    Index("uq_users_lower_email", text("lower(email)"), unique=True),
)

user_preferences = Table(
    "user_preferences",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    _user_id(),
    _settings("notification_settings"),
    _settings("display_preferences"),
    _settings("budget_settings"),
    *_timestamps(),
    _is_object("notification_settings"),
    _is_object("display_preferences"),
    _is_object("budget_settings"),
    UniqueConstraint("user_id"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=func.gen_random_uuid()),
    _user_id(),
    Column("expires_at", Timestamp, nullable=False),
    Column("revoked_at", Timestamp),
    *_timestamps(),
    # Revoking all of a user's sessions, and clearing away those that ended.
    Index(None, "user_id", "expires_at"),
)

data_versions = Table(
    "data_versions",
    metadata,
    _user_id(primary_key=True),
    # Raised by triggers only. A user without a row is at version 0.
    Column("version", BigInteger, nullable=False, server_default=text("0")),
    Column("updated_at", Timestamp, nullable=False, server_default=func.now()),
)

bridge_connections = Table(
    "bridge_connections",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    _user_id(),
    Column("bridge_user_uuid", Text, nullable=False),
    Column("external_user_id", Text, nullable=False),
    *_timestamps(),
    UniqueConstraint("user_id"),
    UniqueConstraint("bridge_user_uuid"),
    UniqueConstraint("external_user_id"),
)

items = Table(
    "items",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    _user_id(),
    Column("bridge_item_id", BigInteger, nullable=False),
    Column("bank_name", Text),
    Column("status", Integer, nullable=False, server_default=text("0")),
    Column("status_code_info", Text),
    Column("status_code_description", Text),
    *_timestamps(),
    UniqueConstraint("user_id", "id"),
    UniqueConstraint("bridge_item_id"),
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("user_id", Integer, nullable=False),
    Column("item_id", Integer, nullable=False),
    Column("bridge_account_id", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("balance", Money, nullable=False, server_default=text("0")),
    Column("currency_code", Text),
    # An IBAN itself is never stored: equality is all that is ever asked of it.
    Column("iban_hash", Text),
    Column("iban_last4", Text),
    Column("last_sync_at", Timestamp),
    *_timestamps(),
    ForeignKeyConstraint(["user_id", "item_id"], ["items.user_id", "items.id"], ondelete="CASCADE"),
    _one_of("type", AccountType),
    _is_currency(),
    CheckConstraint("balance <> 'NaN'", name="balance_is_a_number"),
    CheckConstraint("char_length(iban_last4) <= 4", name="iban_last4_is_short"),
    UniqueConstraint("user_id", "id"),
    UniqueConstraint("bridge_account_id"),
    Index(None, "user_id", "item_id"),
)

category_groups = Table(
    "category_groups",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    UniqueConstraint("name"),
)

categories = Table(
    "categories",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("group_id", Integer, ForeignKey("category_groups.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("class", Text, key="category_class", nullable=False),
    _one_of("class", CategoryClass),
    UniqueConstraint("name"),
)

category_aliases = Table(
    "category_aliases",
    metadata,
    Column("alias", Text, primary_key=True),
    Column("category_id", Integer, ForeignKey("categories.id"), nullable=False),
)

transactions = Table(
    "transactions",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("user_id", Integer, nullable=False),
    Column("account_id", Integer, nullable=False),
    Column("bridge_transaction_id", BigInteger, nullable=False),
    # What the bank says.
    Column("amount", Money, nullable=False),
    Column("currency_code", Text),
    Column("date", Date, nullable=False),
    Column("transaction_date", Date),
    Column("booking_date", Date),
    Column("value_date", Date),
    Column(
        "occurred_on",
        Date,
        Computed("COALESCE(transaction_date, date)", persisted=True),
        nullable=False,
    ),
    Column("provider_description", Text, nullable=False, server_default=text("''")),
    Column("clean_description", Text),
    Column("merchant_name", Text),
    Column("category_id", Integer, ForeignKey("categories.id")),
    Column("operation_type", Text),
    Column("deleted", Boolean, nullable=False, server_default=text("false")),
    Column("future", Boolean, nullable=False, server_default=text("false")),
    Column("updated_at_bridge", Timestamp),
    # What it means: written from the ledger's entries only. Until then the row counts as nothing.
    Column("kind", Text, nullable=False, server_default=Kind.excluded),
    Column("merchant", Text),
    Column("merchant_key", Text),
    Column("counted_category_id", Integer, ForeignKey("categories.id")),
    Column("refund_of", BigInteger),
    Column("refunded", Money, nullable=False, server_default=text("0")),
    Column("paired_with", BigInteger),
    *_timestamps(),
    ForeignKeyConstraint(
        ["user_id", "account_id"], ["accounts.user_id", "accounts.id"], ondelete="CASCADE"
    ),
    # Deferred: a bulk load may bring the refund before its debit, and pairs name each other.
    ForeignKeyConstraint(
        ["user_id", "refund_of"],
        ["transactions.user_id", "transactions.id"],
        ondelete="SET NULL (refund_of)",
        deferrable=True,
        initially="DEFERRED",
    ),
    ForeignKeyConstraint(
        ["user_id", "paired_with"],
        ["transactions.user_id", "transactions.id"],
        ondelete="SET NULL (paired_with)",
        deferrable=True,
        initially="DEFERRED",
    ),
    _one_of("kind", Kind),
    _is_currency(),
    CheckConstraint("amount <> 'NaN'", name="amount_is_a_number"),
    CheckConstraint(
        "kind = 'excluded' OR counted_category_id IS NOT NULL", name="counts_in_a_category"
    ),
    CheckConstraint(
        "CASE WHEN kind = 'refund' THEN refunded BETWEEN 0 AND amount "
        "ELSE refunded = 0 AND refund_of IS NULL END",
        name="only_refunds_refund",
    ),
    CheckConstraint("kind = 'internal' OR paired_with IS NULL", name="only_internal_is_paired"),
    UniqueConstraint("user_id", "id"),
    UniqueConstraint("bridge_transaction_id"),
    # Newest first, and every sum over a period without touching the table.
    Index(
        None,
        "user_id",
        "occurred_on",
        "id",
        postgresql_include=[
            "account_id",
            "kind",
            "amount",
            "refunded",
            "currency_code",
            "counted_category_id",
        ],
    ),
    Index(None, "user_id", "account_id", "occurred_on", "id"),
    Index(None, "user_id", "merchant_key", "occurred_on"),
    # A deleted row is taken out of what names it.
    Index(None, "refund_of", postgresql_where=text("refund_of IS NOT NULL")),
    Index(None, "paired_with", postgresql_where=text("paired_with IS NOT NULL")),
)

# What each day of an account amounts to, in each currency. Kept by triggers of `transactions` only;
# a day whose rows all went is left at zero.
daily_totals = Table(
    "daily_totals",
    metadata,
    Column("user_id", Integer, nullable=False),
    Column("account_id", Integer, nullable=False),
    Column("occurred_on", Date, nullable=False),
    Column("currency_code", Text),
    Column("income", Numeric(18, 2), nullable=False),
    # Net of refunds.
    Column("expenses", Numeric(18, 2), nullable=False),
    Column("income_count", Integer, nullable=False),
    # Purchases and refunds.
    Column("expense_count", Integer, nullable=False),
    ForeignKeyConstraint(
        ["user_id", "account_id"], ["accounts.user_id", "accounts.id"], ondelete="CASCADE"
    ),
    Index(
        "uq_daily_totals_user_id_occurred_on_account_id_currency_code",
        "user_id",
        "occurred_on",
        "account_id",
        "currency_code",
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_include=["income", "expenses", "income_count", "expense_count"],
    ),
    Index(None, "account_id"),
)

merchant_corrections = Table(
    "merchant_corrections",
    metadata,
    _user_id(primary_key=True),
    Column("merchant_key", Text, primary_key=True),
    Column("merchant_name", Text),
    Column("category_id", Integer, ForeignKey("categories.id")),
    *_timestamps(),
    CheckConstraint(
        "merchant_name IS NOT NULL OR category_id IS NOT NULL", name="corrects_something"
    ),
)

own_counterparties = Table(
    "own_counterparties",
    metadata,
    _user_id(primary_key=True),
    Column("counterparty_key", Text, primary_key=True),
    Column("is_own", Boolean, nullable=False),
    *_timestamps(),
)
