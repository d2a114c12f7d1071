"""Postgres or Valkey stops while the service runs: honest answers, never open, and no restart."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from tests.integration.user.conftest import (
    PASSWORD,
    Person,
    Start,
    log_in,
    make_person,
    make_settings,
)

from harena_core.testing import TokenMint, eventually
from harena_db import testing
from harena_db.testing import Database
from harena_local.postgres import Postgres
from harena_local.process import Running
from harena_local.valkey import Valkey

ME = "/api/v1/users/me"


async def health(client: httpx2.AsyncClient) -> tuple[int, str, str]:
    answer = await client.get("/health")
    checks = answer.json()["checks"]
    failing = [name for name, check in checks.items() if check["status"] != "healthy"]
    return answer.status_code, answer.json()["status"], ",".join(failing)


class TestPostgres:
    async def test_is_a_503_while_it_is_away_and_no_restart_after(
        self,
        own_postgres: tuple[Postgres, Running],
        valkey: Valkey,
        mint: TokenMint,
        start: Start,
    ) -> None:
        server, running = own_postgres
        await testing.make_template(server.url("postgres"))
        database = Database(server.url("postgres"), testing.TEMPLATE)
        settings = make_settings(database.url("harena_user"), valkey.url, mint)
        async with start(settings) as client:
            async with database.transaction() as connection:
                ada = await make_person(connection, "ada", 1, client)
            await ada.log_in()
            assert (await ada.get(ME)).status_code == 200

            running.stop()
            refused = [
                await ada.get(ME),
                await ada.get("/api/v1/transactions"),
                await ada.put_me(first_name="X"),
                await log_in(client, ada.email, PASSWORD),
                await log_in(client, "nobody@example.com", PASSWORD),
            ]
            for answer in refused:
                assert answer.status_code == 503
                assert answer.json()["error_code"] == "DATABASE_UNAVAILABLE"
                assert answer.headers["Retry-After"]
                assert str(server.port) not in answer.text

            async def unready() -> bool:
                return (await client.get("/readyz")).status_code == 503

            await eventually(unready)
            assert (await client.get("/readyz")).json()["failing"] == ["database"]
            assert (await client.get("/livez")).status_code == 200
            assert await health(client) == (503, "unhealthy", "database")

            running.start()

            async def recovered() -> bool:
                return (await ada.get(ME)).status_code == 200

            await eventually(recovered)
            await ada.log_in()  # an outage is no wrong password

            async def ready() -> bool:
                return (await client.get("/readyz")).status_code == 200

            await eventually(ready)


class TestValkey:
    @pytest.fixture
    async def degraded(
        self,
        own_valkey: tuple[Valkey, Running],
        database: Database,
        mint: TokenMint,
        start: Start,
    ) -> AsyncIterator[tuple[Person, httpx2.AsyncClient, Running]]:
        """A person who is logged in, another instance, and a Valkey that has just stopped."""
        server, running = own_valkey
        settings = make_settings(database.url("harena_user"), server.url, mint)
        async with start(settings) as client, start(settings) as other:
            async with database.transaction() as connection:
                ada = await make_person(connection, "ada", 1, client)
            await ada.log_in()
            assert (await other.get(ME, headers=ada.headers)).status_code == 200  # cached
            running.stop()
            yield ada, other, running

    Degraded = tuple[Person, httpx2.AsyncClient, Running]

    async def test_the_service_goes_on_and_says_so(self, degraded: Degraded) -> None:
        ada, _, running = degraded
        assert (await ada.get(ME)).status_code == 200
        assert (await ada.put_me(first_name="Augusta")).status_code == 200
        await ada.log_in()

        async def says_so() -> bool:
            return await health(ada.client) == (200, "degraded", "redis")

        await eventually(says_so)
        assert (await ada.client.get("/readyz")).status_code == 200

        running.start()

        async def healthy() -> bool:
            return await health(ada.client) == (200, "healthy", "")

        await eventually(healthy)

    async def test_a_revoked_token_is_refused_everywhere(self, degraded: Degraded) -> None:
        ada, other, _ = degraded

        assert (await ada.client.post("/api/v1/auth/logout", headers=ada.headers)).is_success

        for instance in (ada.client, other):
            assert (await instance.get(ME, headers=ada.headers)).status_code == 401

    async def test_guessing_is_still_counted(self, degraded: Degraded) -> None:
        ada, _, _ = degraded

        statuses = [(await log_in(ada.client, ada.email, "faux")).status_code for _ in range(6)]

        assert statuses == [401] * 5 + [429]
        assert (await log_in(ada.client, ada.email, PASSWORD)).status_code == 429

    async def test_success_still_forgets(self, degraded: Degraded) -> None:
        ada, _, _ = degraded
        for _ in range(2):
            for _ in range(4):
                assert (await log_in(ada.client, ada.email, "faux")).status_code == 401
            await ada.log_in()
