"""Each query that services make has an index, row-level security included.

The services' own repositories ask; what they sent is explained. Rows enough that the planner
chooses as it would in production. Its own words are the test.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from inspect import iscoroutinefunction
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from asyncpg import Connection, Record
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncConnection

from harena_core.db import Reader, Statement
from harena_db.ledger import reclassify
from harena_db.testing import OWNER, Database
from harena_ledger.periods import Month
from harena_metric.repository import MetricRepository
from harena_user.repository import (
    BankRepository,
    CategoryRepository,
    Repository,
    SessionRepository,
    UserRepository,
)
from harena_user.schemas import TransactionQuery

USER = 7
TODAY = date(2026, 3, 1)
PERIODS = [Month(2025, 3).period, Month(2024, 3).period]
SESSION = UUID(int=7)
PARIS = ZoneInfo("Europe/Paris")

_LOAD = (
    "INSERT INTO users (email, password_hash)"
    " SELECT 'user-' || n || '@example.com', '' FROM generate_series(1, 20) n",
    "INSERT INTO user_preferences (user_id) SELECT id FROM users",
    "INSERT INTO sessions (id, user_id, expires_at)"
    " SELECT lpad(to_hex(id), 32, '0')::uuid, id, now() + interval '1 hour' FROM users",
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

REPOSITORIES: dict[str, type[Repository]] = {
    kind.__name__: kind
    for kind in (UserRepository, SessionRepository, BankRepository, CategoryRepository)
}

Sent = list[tuple[str, Sequence[object]]]
"""Statements with their parameters."""


@dataclass(frozen=True, slots=True)
class Case:
    """A method of a repository, and the indexes that its queries use, among others."""

    role: str
    method: Callable[..., Any]
    sent: Callable[[AsyncConnection], Awaitable[Sent]]
    """Asks, and gives what was sent."""
    indexes: set[str]
    only_index: bool = False
    """The table itself is left alone."""

    @property
    def name(self) -> str:
        return self.method.__qualname__


async def sent_by(connection: AsyncConnection, asked: Awaitable[object]) -> Sent:
    sent: Sent = []

    def keep(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        sent.append((statement, parameters))

    event.listen(connection.sync_connection, "before_cursor_execute", keep)
    await asked
    event.remove(connection.sync_connection, "before_cursor_execute", keep)
    return sent


def of_user(method: Callable[..., Any], *indexes: str, **arguments: Any) -> Case:
    repository = REPOSITORIES[method.__qualname__.partition(".")[0]]
    return Case(
        role="harena_user",
        method=method,
        sent=lambda connection: sent_by(connection, method(repository(connection), **arguments)),
        indexes=set(indexes),
    )


@dataclass(frozen=True, slots=True)
class Recorder(Reader):
    """Keeps what it sends."""

    sent: Sent = field(default_factory=list)

    async def fetch(self, statement: Statement, **values: object) -> list[Record]:
        self.sent.append((statement.sql, statement.arguments(values)))
        # Not super(): a dataclass with slots is another class than the one that this names.
        return await Reader.fetch(self, statement, **values)


def of_metric(
    method: Callable[..., Any], *indexes: str, only_index: bool = False, **arguments: Any
) -> Case:
    async def sent(connection: AsyncConnection) -> Sent:
        reader = Recorder(USER, await driver(connection))
        await method(MetricRepository(reader), **arguments)
        return reader.sent

    return Case("harena_metric", method, sent, set(indexes), only_index)


async def driver(connection: AsyncConnection) -> "Connection[Any]":
    return (await connection.get_raw_connection()).driver_connection  # type: ignore[return-value]


ME = {"user_id": USER}
BY_DAY = "ix_transactions_user_id_occurred_on_id"
BANK_ID = "uq_transactions_bridge_transaction_id"
ACCOUNTS = "ix_accounts_user_id_item_id"
SESSIONS = "ix_sessions_user_id_expires_at"
PREFERENCES = "uq_user_preferences_user_id"

CASES = [
    of_user(UserRepository.next_id),
    of_user(UserRepository.find_login, email="user-7@example.com"),
    of_user(UserRepository.find, "pk_users", PREFERENCES, **ME),
    of_user(UserRepository.find_preferences, PREFERENCES, **ME, lock=True),
    of_user(UserRepository.lock, "pk_users", **ME),
    of_user(UserRepository.update, "pk_users", **ME, first_name="Ada"),
    of_user(UserRepository.update_preferences, PREFERENCES, **ME, budget_settings={}),
    of_user(SessionRepository.begin, SESSIONS, **ME, expires_at=datetime(2030, 1, 1, tzinfo=UTC)),
    of_user(SessionRepository.revoke, SESSIONS, **ME),
    of_user(SessionRepository.revoke, SESSIONS, **ME, session_id=SESSION),
    of_user(BankRepository.items, "uq_items_user_id_id", **ME),
    of_user(BankRepository.item, "uq_items_user_id_id", **ME, item_id=7),
    of_user(BankRepository.accounts, ACCOUNTS, **ME),
    of_user(BankRepository.accounts, ACCOUNTS, **ME, item_id=7),
    of_user(BankRepository.account, ACCOUNTS, **ME, account_id=71),
    of_user(BankRepository.places, ACCOUNTS, **ME),
    of_user(
        BankRepository.transactions, BY_DAY, **ME, query=TransactionQuery(limit=10), today=TODAY
    ),
    of_user(
        BankRepository.transactions,
        "ix_transactions_user_id_account_id_occurred_on_id",
        **ME,
        query=TransactionQuery(limit=10, account_id=71),
        today=TODAY,
    ),
    of_user(BankRepository.transaction, BANK_ID, **ME, transaction_id=19001, today=TODAY),
    of_user(CategoryRepository.groups, "pk_categories"),
    of_metric(MetricRepository.holdings, "pk_data_versions", PREFERENCES, ACCOUNTS),
    of_metric(
        MetricRepository.sums,
        "uq_daily_totals_user_id_occurred_on_account_id_currency_code",
        periods=PERIODS,
        only_index=True,
    ),
    of_metric(MetricRepository.sums, BY_DAY, periods=PERIODS, category_id=98002, only_index=True),
    of_metric(
        MetricRepository.sums,
        "ix_transactions_user_id_merchant_key_occurred_on",
        periods=PERIODS,
        merchant_key="merchant 3",
    ),
    Case(
        "harena_user",
        reclassify,
        lambda connection: sent_by(connection, reclassify(connection, USER, timezone=PARIS)),
        {"pk_data_versions"},
    ),
]
# Nothing is looked up by an insert.
INSERTS = {"UserRepository.add", "UserRepository.add_preferences"}


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def check(node: dict[str, Any], *, whole: str | None = None) -> None:
    """No table is read whole, nor an index from end to end, but for the one that is meant to be."""
    assert node["Node Type"] != "Seq Scan", node
    index = node.get("Index Name")
    assert index is None or "Index Cond" in node or (whole and index.startswith(whole)), node


async def explained(
    connection: AsyncConnection, query: str, *arguments: object
) -> list[dict[str, Any]]:
    # The small tables would be read whole; that they could be looked up is the question.
    await connection.execute(text("SET LOCAL enable_seqscan = off"))
    asked = f"EXPLAIN (FORMAT JSON) {query}"
    [plan] = await (await driver(connection)).fetchval(asked, *arguments)
    return list(nodes(plan["Plan"]))


def test_every_method_is_asked() -> None:
    methods = {
        method.__qualname__
        for kind in (*REPOSITORIES.values(), MetricRepository)
        for name, method in vars(kind).items()
        if iscoroutinefunction(method) and not name.startswith("_")
    }
    assert {case.name for case in CASES} == methods - INSERTS | {"reclassify"}


async def test_every_query_has_its_index(database: Database) -> None:
    async with database.transaction() as connection:
        for statement in _LOAD:
            await connection.execute(text(statement))
    await database.vacuum()
    for case in CASES:
        async with database.transaction(case.role, USER) as connection:
            sent = await case.sent(connection)
            found = [await explained(connection, query, *arguments) for query, arguments in sent]
        assert sent, case.name
        used = {node.get("Index Name") for plan in found for node in plan}
        assert case.indexes <= used, (case.name, found)
        for node in (node for plan in found for node in plan):
            check(node, whole="pk_categor" if case.method == CategoryRepository.groups else None)
            assert not case.only_index or node["Node Type"] != "Index Scan", (case.name, node)
        if case.method == BankRepository.transactions:
            # A page is read in its order, however many rows there are.
            [page] = [node for plan in found for node in plan if node["Node Type"] == "Limit"]
            assert "Sort" not in {node["Node Type"] for node in nodes(page)}, found


@pytest.mark.parametrize(
    ("signature", "arguments", "indexes"),
    [
        (
            "session_is_live(integer, uuid)",
            {"user_id": str(USER), "session_id": f"'{uuid4()}'::uuid"},
            {"pk_sessions", "pk_users"},
        ),
        ("find_login(text)", {"email": "'user-7@example.com'"}, {"uq_users_lower_email"}),
    ],
)
async def test_every_function_has_its_index(
    database: Database, signature: str, arguments: dict[str, str], indexes: set[str]
) -> None:
    """Postgres explains no function, so its own statement is, as its definer."""
    async with database.transaction(OWNER) as connection:
        body = str(
            await connection.scalar(
                text("SELECT pg_get_function_sqlbody(CAST(:it AS regprocedure))"),
                {"it": signature},
            )
        )
        for name, value in arguments.items():
            body = body.replace(f"{signature.partition('(')[0]}.{name}", value)
        body = body.strip().removeprefix("BEGIN ATOMIC").removesuffix("END").strip(" ;\n")
        found = await explained(connection, body.replace("RETURN", "SELECT", 1))
    assert indexes <= {node.get("Index Name") for node in found}, found
    for node in found:
        check(node)
