"""The user service over real HTTP, on a real Postgres and a real Valkey.

In: the servers of `tests/conftest.py`. Out: `client` of one instance, `start` for others that share
its stores, and two people, `ada` and `bob`, each with a bank of their own; all new for each test.
Tests that change nothing share theirs: `shared_ada`, `shared_bob`, on the loop of their module
(`@READS_ONLY`). Not tested here: row-level security without the service (tests/integration/db).
"""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from pydantic import SecretStr
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncConnection

from harena_core.passwords import hash_password
from harena_core.testing import TokenMint, running
from harena_db import tables, testing
from harena_db.testing import Database, add
from harena_local.valkey import Valkey
from harena_user.main import create
from harena_user.settings import UserSettings

ADDRESS = "198.51.100.7"
TODAY = date(2026, 3, 15)
PASSWORD = "une phrase de passe"
# Hashed once: each costs what a login costs.
PASSWORD_HASH = hash_password(PASSWORD)

READS_ONLY = pytest.mark.asyncio(loop_scope="module")

Start = Callable[[UserSettings], AbstractAsyncContextManager[httpx2.AsyncClient]]


@dataclass(slots=True)
class Person:
    """A user as the tests see them: the bank's ids, and a client that is logged in."""

    user_id: int
    email: str
    number: int
    client: httpx2.AsyncClient = field(repr=False)
    token: str = field(default="", repr=False)

    @property
    def item_id(self) -> int:
        return self.number * 10

    @property
    def account_id(self) -> int:
        return self.number * 100

    @property
    def transaction_ids(self) -> list[int]:
        """Newest first."""
        return [self.number * 1000 + day for day in (4, 3, 2, 1)]

    async def log_in(self, password: str = PASSWORD) -> str:
        answer = await log_in(self.client, self.email, password)
        assert answer.status_code == 200, answer.text
        self.token = answer.json()["access_token"]
        return self.token

    @property
    def headers(self) -> dict[str, str]:
        return bearer(self.token)

    async def get(self, path: str, **params: Any) -> httpx2.Response:
        return await self.client.get(path, params=params, headers=self.headers)

    async def put_me(self, **body: Any) -> httpx2.Response:
        # Escaped to ASCII: half of a surrogate pair has no other form in JSON.
        headers = {**self.headers, "Content-Type": "application/json"}
        return await self.client.put("/api/v1/users/me", content=json.dumps(body), headers=headers)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def log_in(client: httpx2.AsyncClient, email: str, password: str) -> httpx2.Response:
    form = {"username": email, "password": password}
    return await client.post("/api/v1/users/auth/login", data=form)


async def make_person(
    connection: AsyncConnection, name: str, number: int, client: httpx2.AsyncClient
) -> Person:
    """A user with an item, two accounts and four rows; `number` keeps the bank's ids apart."""
    user_id = await add(
        connection,
        tables.users,
        email=f"{name}@example.com",
        password_hash=PASSWORD_HASH,
        first_name=name.title(),
    )
    person = Person(user_id, f"{name}@example.com", number, client)
    await add(connection, tables.user_preferences, user_id=user_id)
    await add(
        connection,
        tables.bridge_connections,
        user_id=user_id,
        bridge_user_uuid=f"uuid-{name}",
        external_user_id=f"harena-user-{name}",
    )
    item_id = await add(
        connection,
        tables.items,
        user_id=user_id,
        bridge_item_id=person.item_id,
        bank_name=f"Banque de {name}",
    )
    await add(
        connection,
        tables.items,
        user_id=user_id,
        bridge_item_id=person.item_id + 1,
        status=402,
        status_code_info="wrong_credentials",
        status_code_description="Identifiants refusés",
    )
    account = {"user_id": user_id, "item_id": item_id}
    checking = await add(
        connection,
        tables.accounts,
        **account,
        bridge_account_id=person.account_id,
        name=f"Compte de {name}",
        type="checking",
        balance=Decimal("1234.50"),
        iban_hash=f"hash-{name}",
        iban_last4="0142",
        last_sync_at=datetime(2026, 3, 15, 6, tzinfo=UTC),
    )
    await add(
        connection,
        tables.accounts,
        **account,
        bridge_account_id=person.account_id + 1,
        name="Livret",
        type="savings",
        balance=Decimal("0.10"),
        currency_code="EUR",
    )
    row = {"user_id": user_id, "account_id": checking}
    debit = await add(
        connection,
        tables.transactions,
        **row,
        bridge_transaction_id=number * 1000 + 1,
        amount=Decimal("-30.00"),
        date=date(2026, 3, 3),
        transaction_date=date(2026, 3, 1),
        provider_description=f"CB LIBRAIRIE {name}",
        merchant=f"Librairie {name}",
        category_id=98102,
        counted_category_id=98102,
        kind="expense",
    )
    await add(
        connection,
        tables.transactions,
        **row,
        bridge_transaction_id=number * 1000 + 2,
        amount=Decimal("12.10"),
        date=date(2026, 3, 5),
        provider_description="AVOIR",
        category_id=9801,
        counted_category_id=98102,
        kind="refund",
        refund_of=debit,
        refunded=Decimal("12.10"),
    )
    await add(
        connection,
        tables.transactions,
        **row,
        bridge_transaction_id=number * 1000 + 3,
        amount=Decimal("-7.00"),
        currency_code="USD",
        date=date(2026, 3, 10),
        provider_description="CB NEW YORK",
    )
    await add(
        connection,
        tables.transactions,
        **row,
        bridge_transaction_id=number * 1000 + 4,
        amount=Decimal("-50.00"),
        date=date(2026, 3, 16),
        provider_description="PRLV DE DEMAIN",
        counted_category_id=98002,
        kind="expense",
        future=True,
    )
    await add(
        connection,
        tables.transactions,
        **row,
        bridge_transaction_id=number * 1000 + 5,
        amount=Decimal("-9.99"),
        date=date(2026, 3, 11),
        provider_description="REPRIS PAR LA BANQUE",
        deleted=True,
    )
    return person


@pytest.fixture(scope="session")
def mint(tmp_path_factory: pytest.TempPathFactory) -> TokenMint:
    return TokenMint(tmp_path_factory.mktemp("keys"))


@pytest.fixture
async def settings(database: Database, valkey: Valkey, mint: TokenMint) -> UserSettings:
    async with Redis.from_url(valkey.url) as redis:
        await redis.flushall()  # counts of failures outlive a test
    return make_settings(database.url("harena_user"), valkey.url, mint)


def make_settings(database_url: str, redis_url: str, mint: TokenMint) -> UserSettings:
    return UserSettings(
        database_url=SecretStr(database_url),
        redis_url=SecretStr(redis_url),
        key_set_file=mint.key_set_file,
        signing_key=SecretStr(mint.private_pem),
        today=TODAY,
        # So that a test can say from where a request comes.
        trusted_proxies="127.0.0.1",
        database_pool_size=4,
    )


@pytest.fixture
def start() -> Start:
    """Starts an instance with these settings; its client comes from `ADDRESS`."""

    @asynccontextmanager
    async def started(settings: UserSettings) -> AsyncIterator[httpx2.AsyncClient]:
        async with running(create(settings), settings) as client:
            client.headers["X-Forwarded-For"] = ADDRESS
            yield client

    return started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_people(
    database_server: str, valkey: Valkey, mint: TokenMint
) -> AsyncIterator[tuple[Person, Person]]:
    async with testing.database(database_server) as database:
        settings = make_settings(database.url("harena_user"), valkey.url, mint)
        async with running(create(settings), settings) as client:
            async with database.transaction() as connection:
                ada = await make_person(connection, "ada", 1, client)
                bob = await make_person(connection, "bob", 2, client)
            await ada.log_in()
            await bob.log_in()
            yield ada, bob


@pytest.fixture(scope="module")
def shared_ada(shared_people: tuple[Person, Person]) -> Person:
    return shared_people[0]


@pytest.fixture(scope="module")
def shared_bob(shared_people: tuple[Person, Person]) -> Person:
    return shared_people[1]


@pytest.fixture
async def client(start: Start, settings: UserSettings) -> AsyncIterator[httpx2.AsyncClient]:
    async with start(settings) as client:
        yield client


@pytest.fixture
async def people(database: Database, client: httpx2.AsyncClient) -> tuple[Person, Person]:
    async with database.transaction() as connection:
        ada = await make_person(connection, "ada", 1, client)
        bob = await make_person(connection, "bob", 2, client)
    return ada, bob


@pytest.fixture
async def ada(people: tuple[Person, Person]) -> Person:
    await people[0].log_in()
    return people[0]


@pytest.fixture
async def bob(people: tuple[Person, Person]) -> Person:
    await people[1].log_in()
    return people[1]
