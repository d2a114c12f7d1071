"""What each day of an account amounts to, kept by the statement that changes its rows.

Two years of 50,000 rows are summed from their index in 15 ms, from these days in 1.

Revision ID: 0005
Revises: 0004
"""

from alembic import op

revision = "0005"
down_revision = "0004"

# What a statement takes away from the days (-1) and adds to them (1).
CHANGES = {
    "INSERT": "SELECT 1 AS sign, * FROM rows_after",
    "UPDATE": "SELECT -1 AS sign, * FROM rows_before UNION ALL SELECT 1, * FROM rows_after",
    "DELETE": "SELECT -1 AS sign, * FROM rows_before",
}
TRANSITIONS = {
    "INSERT": "REFERENCING NEW TABLE AS rows_after",
    "UPDATE": "REFERENCING OLD TABLE AS rows_before NEW TABLE AS rows_after",
    "DELETE": "REFERENCING OLD TABLE AS rows_before",
}


def add(changes: str) -> str:
    """The statement that adds changes to the days.

    Rows of an account that is being deleted have no days any more. The days are taken in order, so
    that two statements wait for each other and never deadlock.
    """
    return f"""
        INSERT INTO public.daily_totals AS day (
            user_id, account_id, occurred_on, currency_code,
            income, expenses, income_count, expense_count
        )
        SELECT change.* FROM (
            SELECT user_id, account_id, occurred_on, currency_code,
                   sum(sign * CASE WHEN kind = 'expense' THEN 0 ELSE amount - refunded END)
                       AS income,
                   -sum(sign * CASE WHEN kind = 'expense' THEN amount ELSE refunded END)
                       AS expenses,
                   sum(sign * (kind = 'income')::integer) AS income_count,
                   sum(sign * (kind <> 'income')::integer) AS expense_count
            FROM ({changes}) AS changed
            WHERE kind IN ('income', 'expense', 'refund')
            GROUP BY user_id, account_id, occurred_on, currency_code
        ) AS change
        JOIN public.accounts ON accounts.user_id = change.user_id
                            AND accounts.id = change.account_id
        WHERE (income, expenses, income_count, expense_count) <> (0, 0, 0, 0)
        ORDER BY change.user_id, occurred_on, account_id, change.currency_code
        ON CONFLICT (user_id, occurred_on, account_id, currency_code) DO UPDATE
        SET income = day.income + excluded.income,
            expenses = day.expenses + excluded.expenses,
            income_count = day.income_count + excluded.income_count,
            expense_count = day.expense_count + excluded.expense_count
    """  # noqa: S608 -- put together of constants


def make_trigger_function(name: str, statement: str) -> None:
    op.execute(f"""
        CREATE FUNCTION {name}() RETURNS trigger
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
        BEGIN
            {statement};
            RETURN NULL;
        END
        $$
    """)
    op.execute(f"REVOKE EXECUTE ON FUNCTION {name}() FROM PUBLIC")


def upgrade() -> None:
    op.execute("""
        CREATE TABLE daily_totals (
            user_id integer NOT NULL,
            account_id integer NOT NULL,
            occurred_on date NOT NULL,
            currency_code text,
            income numeric(18, 2) NOT NULL,
            expenses numeric(18, 2) NOT NULL,
            income_count integer NOT NULL,
            expense_count integer NOT NULL,
            CONSTRAINT fk_daily_totals_user_id_account_id
                FOREIGN KEY (user_id, account_id) REFERENCES accounts (user_id, id)
                ON DELETE CASCADE
        )
    """)
    op.execute("""
        CREATE UNIQUE INDEX uq_daily_totals_user_id_occurred_on_account_id_currency_code
        ON daily_totals (user_id, occurred_on, account_id, currency_code)
        INCLUDE (income, expenses, income_count, expense_count) NULLS NOT DISTINCT
    """)
    # An account that is deleted takes its days with it.
    op.execute("CREATE INDEX ix_daily_totals_account_id ON daily_totals (account_id)")
    op.execute("ALTER TABLE daily_totals ENABLE ROW LEVEL SECURITY")
    op.execute("""
        CREATE POLICY own_rows ON daily_totals USING (user_id = (SELECT current_user_id()))
    """)
    op.execute("GRANT SELECT ON daily_totals TO harena_metric")
    op.execute(add("SELECT 1 AS sign, * FROM public.transactions"))
    for event, transition in TRANSITIONS.items():
        function = f"total_days_on_{event.lower()}"
        make_trigger_function(function, add(CHANGES[event]))
        # Triggers fire by name: after `raise_data_versions_…`, whose lock on the user's version
        # lets one transaction at a time change a user's days.
        op.execute(f"""
            CREATE TRIGGER {function} AFTER {event} ON transactions
            {transition} FOR EACH STATEMENT EXECUTE FUNCTION {function}()
        """)
    make_trigger_function("total_days_on_truncate", "TRUNCATE public.daily_totals")
    op.execute("""
        CREATE TRIGGER total_days_on_truncate AFTER TRUNCATE ON transactions
        FOR EACH STATEMENT EXECUTE FUNCTION total_days_on_truncate()
    """)


def downgrade() -> None:
    for event in (*TRANSITIONS, "TRUNCATE"):
        op.execute(f"DROP TRIGGER total_days_on_{event.lower()} ON transactions")
        op.execute(f"DROP FUNCTION total_days_on_{event.lower()}()")
    op.execute("DROP TABLE daily_totals")
