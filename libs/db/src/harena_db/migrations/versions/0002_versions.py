"""What the database keeps by itself: `updated_at`, and a data version for each user.

Revision ID: 0002
Revises: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"

STAMPED = (
    "users",
    "user_preferences",
    "sessions",
    "data_versions",
    "bridge_connections",
    "items",
    "accounts",
    "transactions",
    "merchant_corrections",
    "own_counterparties",
)

# Whatever a figure is computed from.
VERSIONED = (
    "user_preferences",
    "items",
    "accounts",
    "transactions",
    "merchant_corrections",
    "own_counterparties",
)

TRANSITIONS = {
    "INSERT": "REFERENCING NEW TABLE AS rows_after",
    "UPDATE": "REFERENCING OLD TABLE AS rows_before NEW TABLE AS rows_after",
    "DELETE": "REFERENCING OLD TABLE AS rows_before",
}


def upgrade() -> None:
    op.execute("""
        CREATE FUNCTION stamp_updated_at() RETURNS trigger
        LANGUAGE plpgsql SET search_path = '' AS $$
        BEGIN
            NEW.updated_at := now();
            RETURN NEW;
        END
        $$
    """)
    # Once a statement, so that a bulk load costs one look at its rows. The users are taken in
    # order: two statements that both touch many of them wait for each other, and never deadlock.
    # A user who is being deleted has no version any more, and the cascade fires this too.
    op.execute("""
        CREATE FUNCTION raise_data_versions() RETURNS trigger
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
        DECLARE
            touched integer[];
        BEGIN
            CASE TG_OP
                WHEN 'INSERT' THEN
                    touched := ARRAY(SELECT DISTINCT user_id FROM rows_after);
                WHEN 'UPDATE' THEN
                    touched := ARRAY(
                        SELECT user_id FROM rows_before UNION SELECT user_id FROM rows_after
                    );
                WHEN 'DELETE' THEN
                    touched := ARRAY(SELECT DISTINCT user_id FROM rows_before);
                WHEN 'TRUNCATE' THEN
                    touched := ARRAY(SELECT id FROM public.users);
            END CASE;
            INSERT INTO public.data_versions AS current (user_id, version)
            SELECT id, 1 FROM public.users WHERE id = ANY (touched) ORDER BY id
            ON CONFLICT (user_id) DO UPDATE SET version = current.version + 1;
            RETURN NULL;
        END
        $$
    """)
    for function in ("stamp_updated_at", "raise_data_versions"):
        op.execute(f"REVOKE EXECUTE ON FUNCTION {function}() FROM PUBLIC")
    for table in STAMPED:
        op.execute(f"""
            CREATE TRIGGER stamp_updated_at BEFORE UPDATE ON {table}
            FOR EACH ROW EXECUTE FUNCTION stamp_updated_at()
        """)
    for table in VERSIONED:
        for event, transition in TRANSITIONS.items():
            op.execute(f"""
                CREATE TRIGGER raise_data_versions_on_{event.lower()} AFTER {event} ON {table}
                {transition} FOR EACH STATEMENT EXECUTE FUNCTION raise_data_versions()
            """)
        op.execute(f"""
            CREATE TRIGGER raise_data_versions_on_truncate AFTER TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION raise_data_versions()
        """)


def downgrade() -> None:
    for table in VERSIONED:
        for event in (*TRANSITIONS, "TRUNCATE"):
            op.execute(f"DROP TRIGGER raise_data_versions_on_{event.lower()} ON {table}")
    for table in STAMPED:
        op.execute(f"DROP TRIGGER stamp_updated_at ON {table}")
    op.execute("DROP FUNCTION raise_data_versions()")
    op.execute("DROP FUNCTION stamp_updated_at()")
