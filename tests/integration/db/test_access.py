"""Each service may do what `grants.py` says; and the two questions before a user is known."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import Delete, Update, func, select, text, update
from sqlalchemy.exc import DBAPIError
from tests.integration.db.conftest import Home
from tests.integration.db.grants import GRANTS, Grants
from tests.integration.db.schema import definitions

from harena_db import tables
from harena_db.roles import ROLES
from harena_db.testing import Database

Households = tuple[Home, Home]


async def test_grants(database_server: str) -> None:
    """The template's own: a copy of a database does not take the database's grants with it."""
    granted: dict[str, Grants] = {}
    template = Database(database_server, "harena_template")
    async with template.transaction() as connection:
        for thing, role, privilege in (await definitions(connection))["grants"]:
            granted.setdefault(str(role), set()).add((str(thing), str(privilege)))
    assert granted == GRANTS


@pytest.mark.parametrize("role", ROLES)
async def test_nobody_reads_a_hash(database: Database, households: Households, role: str) -> None:
    ada, _ = households
    for query in (select(tables.users.c.password_hash), select(tables.users)):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with database.transaction(role, ada.user_id) as connection:
                await connection.execute(query)


async def test_nobody_makes_a_superuser(database: Database, households: Households) -> None:
    ada, _ = households
    with pytest.raises(DBAPIError, match="permission denied"):
        async with database.transaction("harena_user", ada.user_id) as connection:
            await connection.execute(update(tables.users).values(is_superuser=True))


@pytest.mark.parametrize("role", ROLES)
async def test_roles_have_no_power_of_their_own(database: Database, role: str) -> None:
    for statement in (
        "CREATE TABLE mine (id integer)",
        "CREATE ROLE mine",
        "SET ROLE harena",
        "TRUNCATE transactions",
        "ALTER TABLE transactions DISABLE ROW LEVEL SECURITY",
        "UPDATE data_versions SET version = 0",
        "SELECT raise_data_versions()",
    ):
        with pytest.raises(DBAPIError):
            async with database.transaction(role) as connection:
                await connection.execute(text(statement))


@pytest.mark.parametrize("role", ROLES)
async def test_nobody_turns_row_level_security_off(database: Database, role: str) -> None:
    async with database.transaction(role) as connection:
        await connection.execute(text("SET row_security = off"))
        with pytest.raises(DBAPIError, match="row-level security|permission denied"):
            await connection.execute(text("SELECT count(*) FROM transactions"))


class TestFindLogin:
    async def test_finds_before_a_user_is_known_whatever_the_case(
        self, database: Database, households: Households
    ) -> None:
        ada, _ = households
        async with database.transaction("harena_user") as connection:
            for email in (ada.email, ada.email.upper()):
                found = await connection.execute(
                    select(text("*")).select_from(func.find_login(email))
                )
                assert [tuple(row) for row in found] == [(ada.user_id, "hash-of-ada", True)]

    async def test_finds_nothing_for_an_unknown_one(
        self, database: Database, households: Households
    ) -> None:
        async with database.transaction("harena_user") as connection:
            for email in ("nobody@example.com", "%", "", None):
                found = await connection.execute(
                    select(text("*")).select_from(func.find_login(email))
                )
                assert found.all() == []

    @pytest.mark.parametrize("role", [role for role in ROLES if role != "harena_user"])
    async def test_is_the_user_services_alone(self, database: Database, role: str) -> None:
        with pytest.raises(DBAPIError, match="permission denied"):
            async with database.transaction(role) as connection:
                await connection.scalar(select(func.find_login("ada@example.com")))


class TestSessionIsLive:
    @pytest.mark.parametrize("role", ROLES)
    async def test_every_service_may_ask(
        self, database: Database, households: Households, role: str
    ) -> None:
        ada, bob = households
        async with database.transaction(role) as connection:

            async def live(home: Home, session_id: object) -> object:
                return await connection.scalar(
                    select(func.session_is_live(home.user_id, session_id))
                )

            assert await live(ada, ada.session_id) is True
            assert await live(bob, ada.session_id) is False
            assert await live(ada, uuid4()) is False
            assert await live(ada, None) is False

    @pytest.mark.parametrize(
        "change",
        [
            update(tables.sessions).values(revoked_at=func.now()),
            update(tables.sessions).values(expires_at=func.now() - timedelta(seconds=1)),
            update(tables.users).values(is_active=False),
            tables.sessions.delete(),
            tables.users.delete(),
        ],
        ids=["revoked", "expired", "inactive", "deleted", "user deleted"],
    )
    async def test_ends(
        self, database: Database, households: Households, change: Update | Delete
    ) -> None:
        ada, bob = households
        owner = tables.users.c.id if change.table is tables.users else tables.sessions.c.user_id
        async with database.transaction() as connection:
            await connection.execute(change.where(owner == ada.user_id))
        async with database.transaction("harena_budget") as connection:
            query = select(
                func.session_is_live(ada.user_id, ada.session_id),
                func.session_is_live(bob.user_id, bob.session_id),
            )
            assert tuple((await connection.execute(query)).one()) == (False, True)
