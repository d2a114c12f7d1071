"""Each query that services make has an index, row-level security included.

Rows enough that the planner chooses as it would in production. Its own words are the test.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import text

from harena_db.testing import Database

_LOAD = (
    "INSERT INTO users (email, password_hash)"
    " SELECT 'user-' || n || '@example.com', '' FROM generate_series(1, 20) n",
    "INSERT INTO items (user_id, bridge_item_id) SELECT id, id FROM users",
    """
    INSERT INTO accounts (user_id, item_id, bridge_account_id, name, type)
    SELECT user_id, id, id * 10 + n, 'account', 'checking' FROM items, generate_series(1, 3) n
    """,
    """
    INSERT INTO transactions (
        user_id, account_id, bridge_transaction_id, amount, date,
        provider_description, kind, counted_category_id, merchant_key
    )
    SELECT user_id, id, id * 1000 + n, -n, '2024-01-01'::date + n * 7 % 800,
           repeat('label ', 10), 'expense', 98001 + n % 10, 'merchant ' || n % 50
    FROM accounts, generate_series(1, 500) n
    """,
)

# ruff: noqa: S608 -- queries put together of constants
_PERIOD = "occurred_on >= '2025-03-01' AND occurred_on < '2025-04-01'"
_TOTALS = "SELECT currency_code, kind, sum(amount), sum(refunded), count(*) FROM transactions"
_BY_DAY = "ix_transactions_user_id_occurred_on_id"
_NEWEST = "ORDER BY occurred_on DESC, id DESC LIMIT 10"

# Role, query, index, and whether the table itself is left alone.
QUERIES = (
    ("harena_metric", f"{_TOTALS} WHERE user_id = 7 AND {_PERIOD} GROUP BY 1, 2", _BY_DAY, True),
    ("harena_metric", f"{_TOTALS} WHERE {_PERIOD} GROUP BY 1, 2", _BY_DAY, True),
    (
        "harena_metric",
        f"{_TOTALS} WHERE user_id = 7 AND {_PERIOD} AND account_id = ANY ('{{19,20}}')"
        " AND counted_category_id = 98002 GROUP BY 1, 2",
        _BY_DAY,
        True,
    ),
    (
        "harena_metric",
        f"{_TOTALS} WHERE user_id = 7 AND {_PERIOD} AND merchant_key = 'merchant 3' GROUP BY 1, 2",
        "ix_transactions_user_id_merchant_key_occurred_on",
        False,
    ),
    ("harena_user", f"SELECT * FROM transactions WHERE user_id = 7 {_NEWEST}", _BY_DAY, False),
    (
        "harena_user",
        f"SELECT * FROM transactions WHERE user_id = 7 AND account_id = 20 {_NEWEST}",
        "ix_transactions_user_id_account_id_occurred_on_id",
        False,
    ),
    (
        "harena_user",
        "SELECT * FROM transactions WHERE user_id = 7 AND id = 3001",
        "uq_transactions_user_id_id",
        False,
    ),
    (
        "harena_user",
        "SELECT * FROM accounts WHERE user_id = 7 ORDER BY id",
        "uq_accounts_user_id_id",
        False,
    ),
    (
        "harena_user",
        "SELECT * FROM accounts WHERE user_id = 7 AND item_id = 7",
        "ix_accounts_user_id_item_id",
        False,
    ),
    (
        "harena_user",
        "SELECT * FROM items WHERE user_id = 7 ORDER BY id",
        "uq_items_user_id_id",
        False,
    ),
    ("harena_user", "SELECT * FROM sessions", "ix_sessions_user_id_expires_at", False),
    ("harena_user", "SELECT * FROM user_preferences", "uq_user_preferences_user_id", False),
    ("harena_metric", "SELECT version FROM data_versions", "pk_data_versions", False),
    # What find_login asks.
    ("harena", "SELECT id FROM users WHERE lower(email) = 'a'", "uq_users_lower_email", False),
)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


async def test_every_query_has_its_index(database: Database) -> None:
    async with database.transaction() as connection:
        for statement in _LOAD:
            await connection.execute(text(statement))
    await database.vacuum()
    for role, query, index, only_index in QUERIES:
        async with database.transaction(role, 7) as connection:
            # The small tables would be read whole; that they could be looked up is the question.
            await connection.execute(text("SET LOCAL enable_seqscan = off"))
            plan = await connection.scalar(text(f"EXPLAIN (FORMAT JSON) {query}"))
        found = list(nodes(plan[0]["Plan"]))
        assert index in {node.get("Index Name") for node in found}, (query, plan)
        assert "Seq Scan" not in {node["Node Type"] for node in found}, (query, plan)
        assert ("Index Only Scan" in {node["Node Type"] for node in found}) == only_index, plan
        if _NEWEST in query:
            assert "Sort" not in {node["Node Type"] for node in found}, plan
