"""Row-level security: whatever a service forgets to say, it sees and changes one user's rows."""

import pytest
from sqlalchemy import Table, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError
from tests.integration.db.conftest import DAY, Home
from tests.integration.db.grants import GRANTS

from harena_db import tables
from harena_db.roles import ROLES
from harena_db.testing import OWNER, Database

Households = tuple[Home, Home]

OWNED = [
    table
    for table in tables.metadata.sorted_tables
    if table is tables.users or "user_id" in table.c
]
REFUSED = "row-level security"


def whose(table: Table) -> str:
    return "id" if table is tables.users else "user_id"


def is_readable(table: Table, role: str) -> bool:
    """Whether this role is meant to read the table's owner column at all."""
    wanted = {(table.name, "SELECT"), (f"{table.name}.{whose(table)}", "SELECT")}
    return bool(wanted & GRANTS[role])


async def seen(
    database: Database, table: Table, role: str, user_id: int | str | None
) -> set[int] | None:
    """Whose rows a query without `WHERE` gives this role; None where it is refused."""
    try:
        async with database.transaction(role, user_id) as connection:
            return set(await connection.scalars(select(table.c[whose(table)])))
    except DBAPIError as refused:
        if getattr(refused.orig, "sqlstate", None) != "42501":  # insufficient_privilege
            raise
        return None


@pytest.mark.parametrize("role", ROLES)
async def test_a_query_without_where_sees_one_user(
    database: Database, households: Households, role: str
) -> None:
    for table in OWNED:
        for home in households:
            assert await seen(database, table, role, home.user_id) == (
                {home.user_id} if is_readable(table, role) else None
            ), table.name


@pytest.mark.parametrize("role", ROLES)
async def test_without_a_user_nothing_is_seen(
    database: Database, households: Households, role: str
) -> None:
    for table in OWNED:
        # The second is what a pooled connection keeps after the transaction that set it.
        for nobody in (None, ""):
            assert await seen(database, table, role, nobody) == (
                set() if is_readable(table, role) else None
            ), table.name


async def test_the_setting_ends_with_its_transaction(
    database: Database, households: Households
) -> None:
    ada, _ = households
    async with database.transaction("harena_user") as connection:
        count = select(func.count()).select_from(tables.transactions)
        async with connection.begin_nested() as inner:
            await connection.execute(
                text("SELECT set_config('harena.user_id', :id, true)"), {"id": str(ada.user_id)}
            )
            assert await connection.scalar(count) == 1
            await inner.rollback()
        assert await connection.scalar(count) == 0


async def test_every_table_with_a_user_is_protected(database: Database) -> None:
    async with database.transaction() as connection:
        protected = await connection.scalars(
            text("""
                SELECT relname FROM pg_class JOIN pg_policy ON polrelid = pg_class.oid
                WHERE relrowsecurity AND polcmd = '*' AND polroles = '{0}'
            """)
        )
        assert set(protected) == {table.name for table in OWNED}


async def test_the_owner_sees_all(database: Database, households: Households) -> None:
    async with database.transaction(OWNER) as connection:
        for table in OWNED:
            owners = await connection.scalars(select(table.c[whose(table)]))
            assert set(owners) == {home.user_id for home in households}, table.name


class TestWriting:
    async def test_an_insert_for_another_user_is_refused(
        self, database: Database, households: Households
    ) -> None:
        ada, bob = households
        statements = (
            insert(tables.sessions).values(user_id=bob.user_id, expires_at=func.now()),
            insert(tables.user_preferences).values(user_id=bob.user_id),
            insert(tables.users).values(id=999, email="eve@example.com", password_hash="x"),
        )
        for statement in statements:
            with pytest.raises(DBAPIError, match=REFUSED):
                async with database.transaction("harena_user", ada.user_id) as connection:
                    await connection.execute(statement)

    async def test_an_update_reaches_nobody_else(
        self, database: Database, households: Households
    ) -> None:
        ada, bob = households
        async with database.transaction("harena_user", ada.user_id) as connection:
            statement = update(tables.users).values(first_name="Changed")
            assert (await connection.execute(statement)).rowcount == 1
            statement = update(tables.users).where(tables.users.c.id == bob.user_id)
            assert (await connection.execute(statement.values(first_name="X"))).rowcount == 0
            deleted = await connection.execute(tables.sessions.delete())
            assert deleted.rowcount == 1
        async with database.transaction() as connection:
            names = await connection.execute(
                select(tables.users.c.id, tables.users.c.first_name).order_by(tables.users.c.id)
            )
            assert [tuple(row) for row in names] == [
                (ada.user_id, "Changed"),
                (bob.user_id, None),
            ]

    async def test_a_row_cannot_be_given_away(
        self, database: Database, households: Households
    ) -> None:
        ada, bob = households
        with pytest.raises(DBAPIError, match=REFUSED):
            async with database.transaction("harena_user", ada.user_id) as connection:
                await connection.execute(update(tables.sessions).values(user_id=bob.user_id))

    async def test_registering_binds_the_new_user_first(self, database: Database) -> None:
        async with database.transaction("harena_user") as connection:
            user_id = await connection.scalar(text("SELECT nextval('users_id_seq')"))
            await connection.execute(
                text("SELECT set_config('harena.user_id', :id, true)"), {"id": str(user_id)}
            )
            created = await connection.scalar(
                insert(tables.users)
                .values(id=user_id, email="new@example.com", password_hash="x")
                .returning(tables.users.c.created_at)
            )
            await connection.execute(insert(tables.user_preferences).values(user_id=user_id))
        assert created is not None

    async def test_a_row_cannot_hang_on_another_users_account(
        self, database: Database, households: Households
    ) -> None:
        """Even the owner of the tables cannot: the keys refuse it."""
        ada, bob = households
        row = {"bridge_transaction_id": 77, "amount": 1, "date": DAY, "user_id": ada.user_id}
        statements = (
            insert(tables.transactions).values(**row, account_id=bob.account_id),
            insert(tables.accounts).values(
                user_id=ada.user_id, item_id=bob.item_id, bridge_account_id=77, name="", type="card"
            ),
            insert(tables.transactions).values(
                **row,
                account_id=ada.account_id,
                kind="internal",
                counted_category_id=9807,
                paired_with=bob.transaction_id,
            ),
        )
        for statement in statements:
            with pytest.raises(DBAPIError, match="foreign key constraint"):
                async with database.transaction() as connection:
                    await connection.execute(statement)
