"""The metric service over real HTTP, on a real Postgres and a real Valkey.

In: the servers of `tests/conftest.py`. Out: `start`, which serves on a given day, and `bank`, which
writes a user's accounts and rows with the kinds that a test says. Not tested here: how rows get
their kinds (tests/unit/ledger).
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr
from sqlalchemy import insert

from harena_core.testing import Caller, TokenMint, running
from harena_db import tables
from harena_db.testing import Database, add, make_caller
from harena_local.valkey import Valkey
from harena_metric.main import create
from harena_metric.settings import MetricSettings

FOOD, FUEL, SALARY = 98001, 98003, 98201

Start = Callable[[date], AbstractAsyncContextManager[httpx2.AsyncClient]]


@dataclass(slots=True)
class Bank:
    """Writes what a bank would have shown, and what the ledger would have said of it."""

    database: Database
    mint: TokenMint
    _next: int = 1

    def number(self) -> int:
        self._next += 1
        return self._next

    async def user(self, **selection: Any) -> Caller:
        """A user with that account selection, where one is given."""
        async with self.database.transaction() as connection:
            user = await make_caller(connection, f"user-{self.number()}", self.mint)
            if selection:
                await add(
                    connection,
                    tables.user_preferences,
                    user_id=user.user_id,
                    budget_settings={"account_selection": selection},
                )
        return user

    async def account(
        self,
        user: Caller,
        type: str = "checking",
        *,
        bridge_account_id: int | None = None,
        synced: date | None = None,
        **columns: Any,
    ) -> int:
        """Returns `accounts.id`."""
        async with self.database.transaction() as connection:
            item_id = await add(
                connection,
                tables.items,
                user_id=user.user_id,
                bridge_item_id=self.number(),
            )
            account_id: int = await add(
                connection,
                tables.accounts,
                user_id=user.user_id,
                item_id=item_id,
                bridge_account_id=bridge_account_id or self.number(),
                name=f"Compte {type}",
                type=type,
                last_sync_at=synced and datetime.combine(synced, time(12), UTC),
                **columns,
            )
            return account_id

    async def row(
        self,
        user: Caller,
        account_id: int,
        day: date,
        amount: str,
        kind: str | None = None,
        *,
        category_id: int = FOOD,
        **columns: Any,
    ) -> None:
        """A row of that kind; by its sign an expense or an income where none is said."""
        value = Decimal(amount)
        async with self.database.transaction() as connection:
            await connection.execute(
                insert(tables.transactions).values(
                    user_id=user.user_id,
                    account_id=account_id,
                    bridge_transaction_id=self.number(),
                    date=day,
                    amount=value,
                    kind=kind or ("expense" if value < 0 else "income"),
                    counted_category_id=category_id,
                    **columns,
                )
            )


@pytest.fixture
def mint(tmp_path: Path) -> TokenMint:
    return TokenMint(tmp_path)


@pytest.fixture
def bank(database: Database, mint: TokenMint) -> Bank:
    return Bank(database, mint)


@pytest.fixture
def settings(database: Database, valkey: Valkey, mint: TokenMint) -> MetricSettings:
    return MetricSettings(
        database_url=SecretStr(database.url("harena_metric")),
        redis_url=SecretStr(valkey.url),
        key_set_file=mint.key_set_file,
        database_pool_size=2,
    )


@pytest.fixture
def start(settings: MetricSettings) -> Start:
    @asynccontextmanager
    async def started(today: date) -> AsyncIterator[httpx2.AsyncClient]:
        dated = settings.model_copy(update={"today": today})
        async with running(create(dated), dated) as client:
            yield client

    return started


async def ask(
    client: httpx2.AsyncClient, user: Caller, metric: str, **query: Any
) -> dict[str, Any]:
    """The `data` of a metric."""
    answer = await client.get(f"/api/v1/metrics/{metric}", params=query, headers=user.headers)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["success"] is True
    data: dict[str, Any] = body["data"]
    return data


async def refused(
    client: httpx2.AsyncClient, user: Caller, metric: str, **query: Any
) -> list[list[str]]:
    """Where the culprits of a 422 stand."""
    answer = await client.get(f"/api/v1/metrics/{metric}", params=query, headers=user.headers)
    assert answer.status_code == 422, answer.text
    body = answer.json()
    assert isinstance(body["detail"], str)
    return [error["loc"] for error in body["errors"]]
