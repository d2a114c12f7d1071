"""Every table, with its keys, checks and indexes.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None


def _timestamp(name: str) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False)


def _timestamps() -> tuple[sa.Column, sa.Column]:
    return _timestamp("created_at"), _timestamp("updated_at")


def upgrade() -> None:
    op.create_table(
        "category_groups",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_category_groups")),
        sa.UniqueConstraint("name", name=op.f("uq_category_groups_name")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("first_name", sa.Text()),
        sa.Column("last_name", sa.Text()),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("is_superuser", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        *_timestamps(),
        sa.CheckConstraint(
            "email <> '' AND char_length(email) <= 254", name=op.f("ck_users_email_has_a_length")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
    )
    op.create_index(
        "uq_users_lower_email", "users", [sa.literal_column("lower(email)")], unique=True
    )
    op.create_table(
        "bridge_connections",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("user_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("bridge_user_uuid", sa.Text(), nullable=False),
        sa.Column("external_user_id", sa.Text(), nullable=False),
        *_timestamps(),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_bridge_connections_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bridge_connections")),
        sa.UniqueConstraint(
            "bridge_user_uuid", name=op.f("uq_bridge_connections_bridge_user_uuid")
        ),
        sa.UniqueConstraint(
            "external_user_id", name=op.f("uq_bridge_connections_external_user_id")
        ),
        sa.UniqueConstraint("user_id", name=op.f("uq_bridge_connections_user_id")),
    )
    op.create_table(
        "categories",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("class", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "class IN ('fixed', 'semi_fixed', 'variable', 'income', 'transfer', 'refund')",
            name=op.f("ck_categories_class_is_known"),
        ),
        sa.ForeignKeyConstraint(
            ["group_id"], ["category_groups.id"], name=op.f("fk_categories_group_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_categories")),
        sa.UniqueConstraint("name", name=op.f("uq_categories_name")),
    )
    op.create_table(
        "data_versions",
        sa.Column("user_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        _timestamp("updated_at"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_data_versions_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_data_versions")),
    )
    op.create_table(
        "items",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("user_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("bridge_item_id", sa.BigInteger(), nullable=False),
        sa.Column("bank_name", sa.Text()),
        sa.Column("status", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("status_code_info", sa.Text()),
        sa.Column("status_code_description", sa.Text()),
        *_timestamps(),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_items_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_items")),
        sa.UniqueConstraint("bridge_item_id", name=op.f("uq_items_bridge_item_id")),
        sa.UniqueConstraint("user_id", "id", name=op.f("uq_items_user_id_id")),
    )
    op.create_table(
        "own_counterparties",
        sa.Column("user_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("counterparty_key", sa.Text(), nullable=False),
        sa.Column("is_own", sa.Boolean(), nullable=False),
        *_timestamps(),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_own_counterparties_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "counterparty_key", name=op.f("pk_own_counterparties")),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("user_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        *_timestamps(),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_sessions_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_user_id_expires_at"), "sessions", ["user_id", "expires_at"])
    op.create_table(
        "user_preferences",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("user_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "notification_settings",
            JSONB(),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "display_preferences",
            JSONB(),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "budget_settings",
            JSONB(),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        *_timestamps(),
        sa.CheckConstraint(
            "jsonb_typeof(budget_settings) = 'object'",
            name=op.f("ck_user_preferences_budget_settings_is_object"),
        ),
        sa.CheckConstraint(
            "jsonb_typeof(display_preferences) = 'object'",
            name=op.f("ck_user_preferences_display_preferences_is_object"),
        ),
        sa.CheckConstraint(
            "jsonb_typeof(notification_settings) = 'object'",
            name=op.f("ck_user_preferences_notification_settings_is_object"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_user_preferences_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_preferences")),
        sa.UniqueConstraint("user_id", name=op.f("uq_user_preferences_user_id")),
    )
    op.create_table(
        "accounts",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("bridge_account_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column(
            "balance",
            sa.Numeric(precision=14, scale=2),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column("currency_code", sa.Text()),
        sa.Column("iban_hash", sa.Text()),
        sa.Column("iban_last4", sa.Text()),
        sa.Column("last_sync_at", sa.DateTime(timezone=True)),
        *_timestamps(),
        sa.CheckConstraint("balance <> 'NaN'", name=op.f("ck_accounts_balance_is_a_number")),
        sa.CheckConstraint(
            "currency_code ~ '^[A-Z]{3}$'", name=op.f("ck_accounts_currency_code_is_iso")
        ),
        sa.CheckConstraint(
            "type IN ('checking', 'card', 'savings', 'loan', 'brokerage', "
            "'life_insurance', 'other')",
            name=op.f("ck_accounts_type_is_known"),
        ),
        sa.CheckConstraint(
            "char_length(iban_last4) <= 4", name=op.f("ck_accounts_iban_last4_is_short")
        ),
        sa.ForeignKeyConstraint(
            ["user_id", "item_id"],
            ["items.user_id", "items.id"],
            name=op.f("fk_accounts_user_id_item_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("bridge_account_id", name=op.f("uq_accounts_bridge_account_id")),
        sa.UniqueConstraint("user_id", "id", name=op.f("uq_accounts_user_id_id")),
    )
    op.create_index(op.f("ix_accounts_user_id_item_id"), "accounts", ["user_id", "item_id"])
    op.create_table(
        "category_aliases",
        sa.Column("alias", sa.Text(), nullable=False),
        sa.Column("category_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["category_id"], ["categories.id"], name=op.f("fk_category_aliases_category_id")
        ),
        sa.PrimaryKeyConstraint("alias", name=op.f("pk_category_aliases")),
    )
    op.create_table(
        "merchant_corrections",
        sa.Column("user_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("merchant_key", sa.Text(), nullable=False),
        sa.Column("merchant_name", sa.Text()),
        sa.Column("category_id", sa.Integer()),
        *_timestamps(),
        sa.CheckConstraint(
            "merchant_name IS NOT NULL OR category_id IS NOT NULL",
            name=op.f("ck_merchant_corrections_corrects_something"),
        ),
        sa.ForeignKeyConstraint(
            ["category_id"], ["categories.id"], name=op.f("fk_merchant_corrections_category_id")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_merchant_corrections_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "merchant_key", name=op.f("pk_merchant_corrections")),
    )
    op.create_table(
        "transactions",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("bridge_transaction_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("currency_code", sa.Text()),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("transaction_date", sa.Date()),
        sa.Column("booking_date", sa.Date()),
        sa.Column("value_date", sa.Date()),
        sa.Column(
            "occurred_on",
            sa.Date(),
            sa.Computed("COALESCE(transaction_date, date)", persisted=True),
            nullable=False,
        ),
        sa.Column("provider_description", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("clean_description", sa.Text()),
        sa.Column("merchant_name", sa.Text()),
        sa.Column("category_id", sa.Integer()),
        sa.Column("operation_type", sa.Text()),
        sa.Column("deleted", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("future", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("updated_at_bridge", sa.DateTime(timezone=True)),
        sa.Column("kind", sa.Text(), server_default="excluded", nullable=False),
        sa.Column("merchant", sa.Text()),
        sa.Column("merchant_key", sa.Text()),
        sa.Column("counted_category_id", sa.Integer()),
        sa.Column("refund_of", sa.BigInteger()),
        sa.Column(
            "refunded",
            sa.Numeric(precision=14, scale=2),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column("paired_with", sa.BigInteger()),
        *_timestamps(),
        sa.CheckConstraint(
            "CASE WHEN kind = 'refund' THEN refunded BETWEEN 0 AND amount "
            "ELSE refunded = 0 AND refund_of IS NULL END",
            name=op.f("ck_transactions_only_refunds_refund"),
        ),
        sa.CheckConstraint("amount <> 'NaN'", name=op.f("ck_transactions_amount_is_a_number")),
        sa.CheckConstraint(
            "currency_code ~ '^[A-Z]{3}$'", name=op.f("ck_transactions_currency_code_is_iso")
        ),
        sa.CheckConstraint(
            "kind = 'excluded' OR counted_category_id IS NOT NULL",
            name=op.f("ck_transactions_counts_in_a_category"),
        ),
        sa.CheckConstraint(
            "kind = 'internal' OR paired_with IS NULL",
            name=op.f("ck_transactions_only_internal_is_paired"),
        ),
        sa.CheckConstraint(
            "kind IN ('excluded', 'internal', 'refund', 'income', 'expense')",
            name=op.f("ck_transactions_kind_is_known"),
        ),
        sa.ForeignKeyConstraint(
            ["category_id"], ["categories.id"], name=op.f("fk_transactions_category_id")
        ),
        sa.ForeignKeyConstraint(
            ["counted_category_id"],
            ["categories.id"],
            name=op.f("fk_transactions_counted_category_id"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id", "account_id"],
            ["accounts.user_id", "accounts.id"],
            name=op.f("fk_transactions_user_id_account_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id", "paired_with"],
            ["transactions.user_id", "transactions.id"],
            name=op.f("fk_transactions_user_id_paired_with"),
            ondelete="SET NULL (paired_with)",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["user_id", "refund_of"],
            ["transactions.user_id", "transactions.id"],
            name=op.f("fk_transactions_user_id_refund_of"),
            ondelete="SET NULL (refund_of)",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transactions")),
        sa.UniqueConstraint(
            "bridge_transaction_id", name=op.f("uq_transactions_bridge_transaction_id")
        ),
        sa.UniqueConstraint("user_id", "id", name=op.f("uq_transactions_user_id_id")),
    )
    op.create_index(
        op.f("ix_transactions_paired_with"),
        "transactions",
        ["paired_with"],
        postgresql_where=sa.text("paired_with IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_transactions_refund_of"),
        "transactions",
        ["refund_of"],
        postgresql_where=sa.text("refund_of IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_transactions_user_id_account_id_occurred_on_id"),
        "transactions",
        ["user_id", "account_id", "occurred_on", "id"],
    )
    op.create_index(
        op.f("ix_transactions_user_id_merchant_key_occurred_on"),
        "transactions",
        ["user_id", "merchant_key", "occurred_on"],
    )
    op.create_index(
        op.f("ix_transactions_user_id_occurred_on_id"),
        "transactions",
        ["user_id", "occurred_on", "id"],
        postgresql_include=[
            "account_id",
            "kind",
            "amount",
            "refunded",
            "currency_code",
            "counted_category_id",
        ],
    )


def downgrade() -> None:
    for table in (
        "transactions",
        "merchant_corrections",
        "category_aliases",
        "accounts",
        "user_preferences",
        "sessions",
        "own_counterparties",
        "items",
        "data_versions",
        "categories",
        "bridge_connections",
        "users",
        "category_groups",
    ):
        op.drop_table(table)
