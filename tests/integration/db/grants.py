"""What each service may do, as data."""

from harena_db.ledger import Derived

Grants = set[tuple[str, str]]

PROFILE = ("id", "email", "first_name", "last_name", "is_active", "is_superuser")
CATEGORIES = ("category_groups", "categories", "category_aliases")

EVERYONE: Grants = {
    ("current_user_id", "EXECUTE"),
    ("session_is_live", "EXECUTE"),
    ("alembic_version", "SELECT"),
    ("public", "USAGE"),
    ("database", "CONNECT"),
}
GRANTS: dict[str, Grants] = {
    "harena_user": {
        *EVERYONE,
        *((f"users.{column}", "SELECT") for column in (*PROFILE, "created_at", "updated_at")),
        *((f"users.{column}", "INSERT") for column in (*PROFILE[:4], "password_hash")),
        *((f"users.{column}", "UPDATE") for column in (*PROFILE[1:4], "password_hash")),
        ("users_id_seq", "USAGE"),
        ("find_login", "EXECUTE"),
        *(("user_preferences", privilege) for privilege in ("SELECT", "INSERT", "UPDATE")),
        *(("sessions", privilege) for privilege in ("SELECT", "INSERT", "UPDATE", "DELETE")),
        *((table, "SELECT") for table in ("bridge_connections", "items", "accounts")),
        *((table, "SELECT") for table in ("transactions", *CATEGORIES)),
        *((table, "SELECT") for table in ("merchant_corrections", "own_counterparties")),
        ("data_versions", "SELECT"),
        ("data_versions.updated_at", "UPDATE"),
        *((f"transactions.{column}", "UPDATE") for column in Derived._fields),
    },
    "harena_metric": {
        *EVERYONE,
        ("user_preferences.user_id", "SELECT"),
        ("user_preferences.budget_settings", "SELECT"),
        *((table, "SELECT") for table in ("data_versions", "accounts")),
        *((table, "SELECT") for table in ("transactions", "daily_totals")),
    },
    "harena_search": EVERYONE,
    "harena_budget": EVERYONE,
    "harena_conversation": EVERYONE,
}
