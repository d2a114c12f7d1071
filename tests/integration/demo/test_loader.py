"""Demo data in a real database: what arrives is what was made, and nothing is written twice."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from sqlalchemy import func, select, text

from harena_core.clock import Clock
from harena_core.passwords import hash_password, verify_password
from harena_db import testing
from harena_db.ledger import reclassify
from harena_db.tables import accounts, data_versions, transactions, users
from harena_db.testing import Database
from harena_demo import loader
from harena_demo.bulk import PASSWORD, load_many
from harena_demo.generator import DEFAULT_SEED, DEMO_LOGINS, households
from harena_demo.loader import top_up
from harena_demo.store import EMBEDDED, DemoRefused
from harena_ledger.model import Kind
from harena_local.postgres import Postgres
from harena_local.process import wait_until

TODAY = date(2026, 11, 23)
PARIS = ZoneInfo("Europe/Paris")

# Everything but the tables' own numbers and times, so that two databases can be compared.
_STATEMENTS = text("""
    SELECT u.email, a.bridge_account_id, t.bridge_transaction_id, t.amount, t.currency_code,
           t.date, t.transaction_date, t.provider_description, t.merchant_name, t.category_id,
           t.operation_type, t.deleted, t.future, t.kind, t.merchant_key, t.counted_category_id,
           t.refunded, debit.bridge_transaction_id AS refund_of,
           other.bridge_transaction_id AS paired_with
    FROM transactions t
    JOIN users u ON u.id = t.user_id
    JOIN accounts a ON a.id = t.account_id
    LEFT JOIN transactions debit ON debit.id = t.refund_of
    LEFT JOIN transactions other ON other.id = t.paired_with
    ORDER BY t.bridge_transaction_id
""")
_ACCOUNTS = text("""
    SELECT i.bridge_item_id, i.bank_name, i.status, a.bridge_account_id, a.name, a.type, a.balance,
           a.currency_code, a.iban_hash, a.iban_last4, a.last_sync_at
    FROM accounts a JOIN items i ON i.id = a.item_id ORDER BY a.bridge_account_id
""")


async def mark(database: Database) -> None:
    """What the embedded platform does with a database that it makes."""
    async with database.transaction() as connection:
        await connection.exec_driver_sql(f"COMMENT ON DATABASE {database.name} IS '{EMBEDDED}'")


@pytest.fixture
async def embedded(database: Database) -> Database:
    """Empty, and made by the embedded platform."""
    await mark(database)
    return database


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def loaded_once(database_server: str) -> AsyncIterator[Database]:
    """With the demo households. To be copied, not to be connected to."""
    async with testing.database(database_server) as fresh:
        await mark(fresh)
        await top_up(fresh.url(), clock=Clock(PARIS, TODAY))
        yield fresh


@pytest.fixture
async def loaded(loaded_once: Database) -> AsyncIterator[Database]:
    """With the demo households, as they were loaded on `TODAY`."""
    async with testing.database(loaded_once.server_url, loaded_once.name) as copy:
        await mark(copy)
        yield copy


async def everything(database: Database) -> tuple[Sequence[Any], Sequence[Any]]:
    async with database.transaction() as connection:
        return (
            (await connection.execute(_STATEMENTS)).all(),
            (await connection.execute(_ACCOUNTS)).all(),
        )


async def versions(database: Database) -> Sequence[Any]:
    async with database.transaction() as connection:
        return (await connection.execute(select(data_versions))).all()


async def test_a_database_of_somebody_else_is_refused(database: Database) -> None:
    with pytest.raises(DemoRefused, match="not made for demo data"):
        await top_up(database.url(), clock=Clock(PARIS, TODAY))
    with pytest.raises(DemoRefused, match="not made for demo data"):
        await load_many(database.url(), users=1, transactions=10, today=TODAY)
    async with database.transaction() as connection:
        assert (await connection.execute(select(func.count()).select_from(users))).scalar() == 0


async def test_what_is_loaded_is_what_was_made(embedded: Database) -> None:
    added = await top_up(embedded.url(), clock=Clock(PARIS, TODAY))
    made = households(DEFAULT_SEED, TODAY)
    assert added == {household.user.email: len(household.rows) for household in made}
    stored, views = await everything(embedded)
    by_id = {row.bridge_transaction_id: row for row in stored}
    assert len(by_id) == sum(added.values())
    for household in made:
        for row in household.rows:
            truth = household.truths[row.bridge_transaction_id]
            found = by_id[row.bridge_transaction_id]
            assert (found.email, found.amount, found.provider_description, found.future) == (
                household.user.email, row.amount, row.label, row.future,
            )  # fmt: skip
            assert (found.kind, found.refund_of, found.refunded) == (
                truth.kind, truth.refund_of, truth.refunded,
            )  # fmt: skip
    balances = {view.bridge_account_id: view.balance for view in views}
    assert balances == {a.bridge_account_id: a.balance for h in made for a in h.accounts}


async def test_no_connection_is_held_while_a_password_is_hashed(
    embedded: Database, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected = f"SELECT 1 FROM pg_stat_activity WHERE datname = '{embedded.name}'"  # noqa: S608
    nobody: list[bool] = []

    def hashing(password: str) -> str:
        nobody.append(wait_until(lambda: not postgres.execute(connected), 2))
        return hash_password(password)

    monkeypatch.setattr(loader, "hash_password", hashing)
    await top_up(embedded.url(), clock=Clock(PARIS, TODAY))

    assert nobody == [True] * len(DEMO_LOGINS)


async def test_everybody_logs_in_with_the_documented_password(loaded: Database) -> None:
    async with loaded.transaction() as connection:
        hashes = {
            email: hash_
            for email, hash_ in await connection.execute(
                select(users.c.email, users.c.password_hash)
            )
        }
    for login in DEMO_LOGINS:
        assert verify_password(login.password, hashes[login.email]) == (True, None)


async def test_a_second_time_changes_nothing(loaded: Database) -> None:
    before = await versions(loaded)
    for day in (TODAY, TODAY - timedelta(days=3)):
        added = await top_up(loaded.url(), clock=Clock(PARIS, day))
        assert set(added.values()) == {0}
    assert await versions(loaded) == before


async def test_topping_up_gives_what_loading_on_that_day_gives(
    loaded: Database, embedded: Database
) -> None:
    """Into the next year, over days on which halves of transfers are under way."""
    days = [date(2026, 12, 2), date(2026, 12, 13), date(2027, 1, 4)]
    for day in days:
        added = await top_up(loaded.url(), clock=Clock(PARIS, day))
        assert all(added.values())
    await top_up(embedded.url(), clock=Clock(PARIS, days[-1]))
    assert await everything(loaded) == await everything(embedded)


async def test_topping_up_brings_an_account_that_is_connected_again(embedded: Database) -> None:
    before, after = date(2025, 3, 2), date(2025, 3, 4)
    await top_up(embedded.url(), clock=Clock(PARIS, before))
    await top_up(embedded.url(), clock=Clock(PARIS, after))
    stored, views = await everything(embedded)
    made = households(DEFAULT_SEED, after)
    wanted = {account.bridge_account_id for household in made for account in household.accounts}
    assert {view.bridge_account_id for view in views} == wanted
    truths = {number: truth.kind for h in made for number, truth in h.truths.items()}
    kinds = {row.bridge_transaction_id: row.kind for row in stored}
    assert {number: kinds[number] for number in truths} == truths


async def test_what_a_user_changed_survives(loaded: Database) -> None:
    henri = users.c.email == "henri@example.com"
    async with loaded.transaction() as connection:
        await connection.execute(users.update().where(henri).values(password_hash="own"))
    await top_up(loaded.url(), clock=Clock(PARIS, TODAY + timedelta(days=1)))
    async with loaded.transaction() as connection:
        assert await connection.scalar(select(users.c.password_hash).where(henri)) == "own"


async def test_another_seed_is_refused_for_who_is_there(loaded: Database) -> None:
    before = await everything(loaded)
    with pytest.raises(DemoRefused, match="henri@example.com has other accounts"):
        await top_up(loaded.url(), clock=Clock(PARIS, TODAY + timedelta(days=1)), seed=7)
    assert await everything(loaded) == before


async def test_classifying_again_changes_no_row(loaded: Database) -> None:
    async with loaded.transaction() as connection:
        for user_id in list(await connection.scalars(select(users.c.id))):
            assert await reclassify(connection, user_id, timezone=PARIS) == 0


class TestLoadMany:
    async def test_gives_every_user_their_rows(self, embedded: Database) -> None:
        told: list[tuple[int, int]] = []
        written = await load_many(
            embedded.url(), users=5, transactions=3000, largest=2000, today=TODAY,
            progress=lambda done, total: told.append((done, total)),
        )  # fmt: skip
        assert written == 3000
        assert told[-1] == (3000, 3000)
        sizes = await self._sizes(embedded)
        assert sum(sizes.values()) == 3000
        assert sizes["load-000000@example.com"] == 2000
        async with embedded.transaction() as connection:
            kinds = set(await connection.scalars(select(transactions.c.kind).distinct()))
            hash_ = await connection.scalar(select(users.c.password_hash).limit(1))
            latest = await connection.scalar(select(func.max(accounts.c.last_sync_at)))
        assert kinds == set(Kind)
        assert hash_ is not None
        assert verify_password(PASSWORD, hash_)[0]
        assert latest == datetime(2026, 11, 23, 12, tzinfo=UTC)

    async def test_adds_to_what_is_there(self, embedded: Database) -> None:
        for _ in range(2):
            await load_many(embedded.url(), users=2, transactions=200, today=TODAY)
        assert sorted(await self._sizes(embedded)) == [
            f"load-00000{n}@example.com" for n in range(4)
        ]

    async def _sizes(self, database: Database) -> dict[str, int]:
        async with database.transaction() as connection:
            counted = await connection.execute(
                select(users.c.email, func.count())
                .join(transactions, transactions.c.user_id == users.c.id)
                .group_by(users.c.email)
            )
            return {email: rows for email, rows in counted}
