"""A user who changes their name has their rows classified anew by the user service.

Revision ID: 0006
Revises: 0005
"""

from alembic import op

revision = "0006"
down_revision = "0005"

GRANTS = (
    "SELECT ON merchant_corrections, own_counterparties",
    # What is needed to lock the row. The column is stamped by a trigger, whatever is written to it.
    "SELECT, UPDATE (updated_at) ON data_versions",
    "UPDATE (kind, merchant, merchant_key, counted_category_id, refund_of, refunded, paired_with)"
    " ON transactions",
)


def upgrade() -> None:
    for grant in GRANTS:
        op.execute(f"GRANT {grant} TO harena_user")


def downgrade() -> None:
    for grant in GRANTS:
        op.execute(f"REVOKE {grant} FROM harena_user")
