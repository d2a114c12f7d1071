"""Who may see what: row-level security by user, and each service's own grants.

Row-level security is the second wall: a query that forgot its `WHERE` returns nothing of others.
The owner of the tables is not subject to it (migrations and bulk loads are his).

Revision ID: 0003
Revises: 0002
"""

from alembic import op
from alembic.util import CommandError
from sqlalchemy import text

revision = "0003"
down_revision = "0002"

ROLES = ("harena_user", "harena_search", "harena_metric", "harena_budget", "harena_conversation")

# Table, and the column that says whose row it is.
OWNED = {
    "users": "id",
    "user_preferences": "user_id",
    "sessions": "user_id",
    "data_versions": "user_id",
    "bridge_connections": "user_id",
    "items": "user_id",
    "accounts": "user_id",
    "transactions": "user_id",
    "merchant_corrections": "user_id",
    "own_counterparties": "user_id",
}

CATEGORIES = "category_groups, categories, category_aliases"

# Nobody may read a password's hash: it comes from find_login only. Nobody may make a superuser.
GRANTS = {
    "harena_user": (
        "SELECT (id, email, first_name, last_name, is_active, is_superuser, created_at, updated_at)"
        " ON users",
        "INSERT (id, email, password_hash, first_name, last_name) ON users",
        "UPDATE (email, password_hash, first_name, last_name) ON users",
        "USAGE ON SEQUENCE users_id_seq",
        "SELECT, INSERT, UPDATE ON user_preferences",
        "SELECT, INSERT, UPDATE, DELETE ON sessions",
        "SELECT ON bridge_connections, items, accounts, transactions",
        f"SELECT ON {CATEGORIES}",
        "EXECUTE ON FUNCTION find_login(text)",
    ),
    "harena_metric": (
        "SELECT (user_id, budget_settings) ON user_preferences",
        "SELECT ON data_versions, items, accounts, transactions",
        f"SELECT ON {CATEGORIES}",
    ),
}

FUNCTIONS = (
    # The user of this transaction; null without one, which equals nobody.
    """
    CREATE FUNCTION current_user_id() RETURNS integer LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('harena.user_id', true), '')::integer
    """,
    # Before a login the user is not known, so row-level security would hide every row.
    """
    CREATE FUNCTION find_login(email text)
    RETURNS TABLE (id integer, password_hash text, is_active boolean)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
    BEGIN ATOMIC
        SELECT users.id, users.password_hash, users.is_active
        FROM public.users
        WHERE lower(users.email) = lower(find_login.email);
    END
    """,
    # All that a service may know of sessions: whether a token is still good.
    """
    CREATE FUNCTION session_is_live(user_id integer, session_id uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
    RETURN EXISTS (
        SELECT FROM public.sessions
        JOIN public.users ON users.id = sessions.user_id
        WHERE sessions.id = session_is_live.session_id
          AND sessions.user_id = session_is_live.user_id
          AND sessions.revoked_at IS NULL
          AND sessions.expires_at > now()
          AND users.is_active
    )
    """,
)
SIGNATURES = ("session_is_live(integer, uuid)", "find_login(text)", "current_user_id()")


def _require_roles() -> None:
    known = set(op.get_bind().scalars(text("SELECT rolname FROM pg_roles")))
    missing = [role for role in ROLES if role not in known]
    if missing:
        raise CommandError(
            f"these roles do not exist yet: {', '.join(missing)}; run `harena-db bootstrap` first"
        )


def _on_database(statement: str) -> None:
    op.execute(f"""
        DO $$ BEGIN
            EXECUTE format('{statement}', current_database());
        END $$
    """)


def upgrade() -> None:
    _require_roles()
    roles = ", ".join(ROLES)
    _on_database("REVOKE ALL ON DATABASE %I FROM PUBLIC")
    _on_database(f"GRANT CONNECT ON DATABASE %I TO {roles}")
    op.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    op.execute(f"GRANT USAGE ON SCHEMA public TO {roles}")
    for function in FUNCTIONS:
        op.execute(function)
    for signature in SIGNATURES:
        op.execute(f"REVOKE EXECUTE ON FUNCTION {signature} FROM PUBLIC")
    for signature in ("current_user_id()", "session_is_live(integer, uuid)"):
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO {roles}")
    for table, column in OWNED.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        # The sub-select makes it one value per query, which an index can look up.
        op.execute(
            f"CREATE POLICY own_rows ON {table} USING ({column} = (SELECT current_user_id()))"
        )
    for role, grants in GRANTS.items():
        for grant in grants:
            op.execute(f"GRANT {grant} TO {role}")


def downgrade() -> None:
    for role, grants in GRANTS.items():
        for grant in grants:
            op.execute(f"REVOKE {grant} FROM {role}")
    for table in OWNED:
        op.execute(f"DROP POLICY own_rows ON {table}")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    for signature in SIGNATURES:
        op.execute(f"DROP FUNCTION {signature}")
    roles = ", ".join(ROLES)
    op.execute(f"REVOKE USAGE ON SCHEMA public FROM {roles}")
    op.execute("GRANT USAGE ON SCHEMA public TO PUBLIC")
    _on_database(f"REVOKE CONNECT ON DATABASE %I FROM {roles}")
    _on_database("GRANT CONNECT, TEMPORARY ON DATABASE %I TO PUBLIC")
