"""Whose figures, for whom, and what happens when a store is away."""

import asyncio
from datetime import date
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr
from sqlalchemy import func, update
from tests.integration.metric.conftest import Bank, Start, ask

from harena_core.testing import Caller, TokenMint, eventually, running
from harena_db import tables, testing
from harena_db.testing import Database
from harena_local.postgres import Postgres
from harena_local.process import Running
from harena_local.valkey import Valkey
from harena_metric.main import create
from harena_metric.settings import MetricSettings

TODAY = date(2026, 3, 15)
METRICS = ("expenses/mom", "expenses/yoy", "income/mom", "income/yoy", "coverage")


async def figures(client: httpx2.AsyncClient, user: Caller) -> list[dict[str, Any]]:
    """Everything that a user is told, but for when."""
    answers = [await ask(client, user, metric) for metric in METRICS]
    answers.append(await ask(client, user, "expenses/mom", marchand="Carrefour"))
    for answer in answers:
        answer.pop("mise_a_jour", None)
    return answers


async def household(bank: Bank) -> tuple[Caller, int]:
    user = await bank.user()
    account = await bank.account(user)
    await bank.row(user, account, date(2026, 2, 2), "-40.00", merchant_key="carrefour")
    await bank.row(user, account, TODAY, "-10.00", merchant_key="carrefour")
    await bank.row(user, account, TODAY, "100.00")
    return user, account


async def status(client: httpx2.AsyncClient, user: Caller, metric: str = METRICS[0]) -> int:
    answer = await client.get(f"/api/v1/metrics/{metric}", headers=user.headers)
    return answer.status_code


class TestIsolation:
    async def test_nothing_that_others_do_shows(self, bank: Bank, start: Start) -> None:
        ada, _ = await household(bank)
        async with start(TODAY) as client:
            before = await figures(client, ada)
            bob, bobs = await household(bank)
            await bank.row(bob, bobs, TODAY, "-5000.00", merchant_key="carrefour")
            await bank.account(bob, "card")
            assert await figures(client, ada) == before
            assert (await figures(client, bob))[0]["periode_cible"]["total"] == 5010.0

    async def test_an_answer_never_outlives_what_it_rests_on(
        self, bank: Bank, start: Start, database: Database
    ) -> None:
        user, account = await household(bank)
        async with start(TODAY) as client:
            assert (await ask(client, user, "expenses/mom"))["periode_cible"]["total"] == 10.0
            assert (await ask(client, user, "expenses/mom"))["periode_cible"]["total"] == 10.0
            await bank.row(user, account, TODAY, "-0.50")
            assert (await ask(client, user, "expenses/mom"))["periode_cible"]["total"] == 10.5
            async with database.transaction() as connection:
                await connection.execute(
                    update(tables.accounts)
                    .where(tables.accounts.c.id == account)
                    .values(type="savings")
                )
            assert (await ask(client, user, "expenses/mom"))["scope_empty"] is True
            metrics = (await client.get("/metrics")).text
        assert 'harena_metric_answers_total{outcome="known",service="metric"} 1.0' in metrics
        assert 'harena_metric_answers_total{outcome="computed",service="metric"} 3.0' in metrics


class TestTokens:
    @pytest.mark.parametrize("metric", METRICS)
    async def test_without_one(self, start: Start, metric: str) -> None:
        async with start(TODAY) as client:
            answer = await client.get(f"/api/v1/metrics/{metric}")
        assert answer.status_code == 401
        assert answer.json()["error_code"] == "MISSING_TOKEN"
        assert answer.headers["WWW-Authenticate"] == "Bearer"

    @pytest.mark.parametrize(
        ("claims", "code"),
        [
            ({"exp": 1}, "TOKEN_EXPIRED"),
            ({"exp": None}, "INVALID_TOKEN"),
            ({"aud": None}, "INVALID_TOKEN"),
            ({"aud": "another"}, "INVALID_TOKEN"),
            ({"sub": "abc"}, "INVALID_TOKEN"),
        ],
    )
    async def test_bad_claims(
        self, bank: Bank, start: Start, mint: TokenMint, claims: dict[str, Any], code: str
    ) -> None:
        user = await bank.user()
        token = mint.token(user.user_id, user.session_id, **claims)
        async with start(TODAY) as client:
            answer = await client.get(
                "/api/v1/metrics/coverage?mois=13", headers={"Authorization": f"Bearer {token}"}
            )
        assert (answer.status_code, answer.json()["error_code"]) == (401, code)

    async def test_of_another_issuer_or_another_user(
        self, bank: Bank, start: Start, mint: TokenMint, tmp_path: Path
    ) -> None:
        (tmp_path / "foreign").mkdir()
        foreign = TokenMint(tmp_path / "foreign")
        ada, bob = await bank.user(), await bank.user()
        async with start(TODAY) as client:
            for token in (
                foreign.token(ada.user_id, ada.session_id),
                mint.token(bob.user_id, ada.session_id),
            ):
                answer = await client.get(
                    "/api/v1/metrics/coverage", headers={"Authorization": f"Bearer {token}"}
                )
                assert answer.status_code == 401

    async def test_a_revoked_session_ends_at_once(
        self, bank: Bank, start: Start, database: Database
    ) -> None:
        user, _ = await household(bank)
        async with start(TODAY) as client:
            assert await status(client, user) == 200
            async with database.transaction() as connection:
                await connection.execute(update(tables.sessions).values(revoked_at=func.now()))
            answer = await client.get("/api/v1/metrics/coverage", headers=user.headers)
            assert answer.status_code == 401
            assert answer.json()["error_code"] == "TOKEN_REVOKED"
            metrics = (await client.get("/metrics")).text
        assert 'harena_token_checks_total{outcome="accepted",service="metric"} 1.0' in metrics
        assert 'harena_token_checks_total{outcome="revoked",service="metric"} 1.0' in metrics


class TestOutages:
    async def test_the_database_stops_and_comes_back(
        self, own_postgres: tuple[Postgres, Running], mint: TokenMint
    ) -> None:
        server, process = own_postgres
        server_url = server.url("postgres")
        await testing.make_template(server_url)
        database = Database(server_url, testing.TEMPLATE)
        bank = Bank(database, mint)
        user, _ = await household(bank)
        settings = MetricSettings(
            database_url=SecretStr(database.url("harena_metric")),
            key_set_file=mint.key_set_file,
            today=TODAY,
            database_pool_size=3,
        )
        async with running(create(settings), settings) as client:
            # Several connections in the pool, all of which die.
            statuses = await asyncio.gather(*(status(client, user) for _ in range(6)))
            assert set(statuses) == {200}
            before = await ask(client, user, "expenses/mom")

            await asyncio.to_thread(process.stop)
            answer = await client.get("/api/v1/metrics/coverage", headers=user.headers)
            assert answer.status_code == 503
            assert answer.json()["error_code"] == "DATABASE_UNAVAILABLE"
            assert answer.headers["Retry-After"] == "2"
            assert (await client.get("/readyz")).status_code == 503
            assert (await client.get("/livez")).status_code == 200

            await asyncio.to_thread(process.start)

            async def ready() -> bool:
                return (await client.get("/readyz")).status_code == 200

            await eventually(ready)
            statuses = await asyncio.gather(*(status(client, user) for _ in range(6)))
            assert set(statuses) == {200}
            assert await ask(client, user, "expenses/mom") == before

    async def test_redis_stops(
        self, bank: Bank, settings: MetricSettings, own_valkey: tuple[Valkey, Running]
    ) -> None:
        user, _ = await household(bank)
        redis, process = own_valkey
        with_redis = settings.model_copy(update={"redis_url": SecretStr(redis.url), "today": TODAY})
        async with running(create(with_redis), with_redis) as client:
            before = await figures(client, user)
            await asyncio.to_thread(process.stop)
            assert await figures(client, user) == before
            health = (await client.get("/health")).json()
            assert health["status"] == "degraded"

    async def test_a_client_that_leaves_amid_a_query_costs_no_connection(
        self, bank: Bank, settings: MetricSettings, database: Database
    ) -> None:
        user, _ = await household(bank)
        alone = settings.model_copy(update={"today": TODAY, "database_pool_size": 1})
        async with running(create(alone), alone) as client:
            assert await status(client, user) == 200
            async with database.transaction() as connection:
                # What the query reads is locked, so it waits until the client has gone.
                await connection.exec_driver_sql("LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE")
                with pytest.raises(httpx2.TimeoutException):
                    await client.get("/api/v1/metrics/coverage", headers=user.headers, timeout=0.3)
            assert await status(client, user, "coverage") == 200
