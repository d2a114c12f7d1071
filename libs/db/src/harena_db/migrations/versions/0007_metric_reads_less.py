"""The metric service never read connections, nor categories, which it knows from the ledger.

Revision ID: 0007
Revises: 0006
"""

from alembic import op

revision = "0007"
down_revision = "0006"
contracts = "0005"

_UNREAD = "SELECT ON items, category_groups, categories, category_aliases"


def upgrade() -> None:
    op.execute(f"REVOKE {_UNREAD} FROM harena_metric")


def downgrade() -> None:
    op.execute(f"GRANT {_UNREAD} TO harena_metric")
