"""Logging in and out: who gets a token, who is slowed down, and when a token ends."""

import asyncio
import json

import httpx2
import pytest
from jose import jwt
from pwdlib.hashers.argon2 import Argon2Hasher
from pydantic import SecretStr
from redis.asyncio import Redis
from sqlalchemy import func, select, update
from tests.integration.user.conftest import PASSWORD, Person, Start, bearer, log_in

from harena_core import keys
from harena_core import passwords as core_passwords
from harena_core.testing import eventually
from harena_db import tables
from harena_db.testing import Database
from harena_local.valkey import Valkey
from harena_user import throttle
from harena_user.main import create
from harena_user.settings import UserSettings
from harena_user.tokens import UnknownSigningKey

People = tuple[Person, Person]
LOGIN = "/api/v1/users/auth/login"
WRONG = "une autre phrase"


async def fail(client: httpx2.AsyncClient, email: str, times: int, address: str = "") -> None:
    headers = {"X-Forwarded-For": address} if address else {}
    for _ in range(times):
        form = {"username": email, "password": WRONG}
        answer = await client.post(LOGIN, data=form, headers=headers)
        assert answer.status_code == 401


class TestLogin:
    @pytest.mark.parametrize("path", [LOGIN, "/api/v1/auth/login"])
    async def test_gives_a_token_that_every_service_takes(
        self, client: httpx2.AsyncClient, people: People, settings: UserSettings, path: str
    ) -> None:
        form = {"username": "ada@example.com", "password": PASSWORD}
        answer = await client.post(path, data=form)

        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"
        body = answer.json()
        assert body.keys() == {"access_token", "token_type", "expires_in"}
        assert (body["token_type"], body["expires_in"]) == ("bearer", 8 * 3600)
        key = json.loads(settings.key_set_file.read_text())["keys"][0]
        claims = jwt.decode(body["access_token"], key, ["ES256"], audience="harena-api")
        assert claims["sub"] == str(people[0].user_id)
        assert claims["iss"] == "harena"
        assert claims["permissions"] == ["chat:write"]
        assert claims["exp"] - claims["iat"] == 8 * 3600
        assert jwt.get_unverified_header(body["access_token"])["kid"] == key["kid"]
        me = await client.get("/api/v1/users/me", headers=bearer(body["access_token"]))
        assert me.json()["email"] == "ada@example.com"

    @pytest.mark.parametrize("spelling", ["ADA@Example.COM", "  ada@example.com "])
    async def test_the_address_is_spelled_as_one_likes(
        self, client: httpx2.AsyncClient, people: People, spelling: str
    ) -> None:
        assert (await log_in(client, spelling, PASSWORD)).status_code == 200

    async def test_whoever_may_not_gets_the_same_answer(
        self, client: httpx2.AsyncClient, people: People, database: Database
    ) -> None:
        async with database.transaction() as connection:
            await connection.execute(
                update(tables.users)
                .where(tables.users.c.email == "bob@example.com")
                .values(is_active=False)
            )
        attempts = [
            ("ada@example.com", WRONG),
            ("ada@example.com", "x" * 2000),
            ("ada@example.com", PASSWORD + "\0"),
            ("nobody@example.com", PASSWORD),
            ("bob@example.com", PASSWORD),
            ("no address", PASSWORD),
            ("a\0b@example.com", PASSWORD),
            ("' OR 1=1 --", PASSWORD),
            ("é" * 5000, PASSWORD),
        ]
        bodies = []
        for number, (email, password) in enumerate(attempts):
            client.headers["X-Forwarded-For"] = f"192.0.2.{number}"
            answer = await log_in(client, email, password)
            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            bodies.append({**answer.json(), "request_id": ""})

        expected = {
            "detail": "E-mail ou mot de passe incorrect.",
            "error_code": "INVALID_CREDENTIALS",
            "request_id": "",
        }
        assert bodies == [expected] * len(attempts)

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            pytest.param({"json": {"username": "a@b.fr", "password": "x"}}, 422, id="JSON"),
            pytest.param({"content": b"username=a"}, 422, id="no content type"),
            pytest.param({"data": {"username": "a@b.fr"}}, 422, id="no password"),
            pytest.param({"data": {}}, 422, id="nothing"),
            pytest.param(
                {"data": {"username": "a", "password": "x" * (10 << 20)}}, 413, id="10 MB"
            ),
        ],
    )
    async def test_a_form_is_wanted(
        self, client: httpx2.AsyncClient, body: dict[str, object], status: int
    ) -> None:
        answer = await client.post(LOGIN, **body)  # type: ignore[arg-type]

        assert answer.status_code == status
        assert isinstance(answer.json()["detail"], str)

    async def test_an_outdated_hash_is_replaced(
        self, client: httpx2.AsyncClient, people: People, database: Database
    ) -> None:
        weak = Argon2Hasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
        hashes = select(tables.users.c.password_hash).where(
            tables.users.c.email == "ada@example.com"
        )
        async with database.transaction() as connection:
            await connection.execute(update(tables.users).values(password_hash=weak))

        answers = await asyncio.gather(
            *(log_in(client, "ada@example.com", PASSWORD) for _ in range(3))
        )

        assert [answer.status_code for answer in answers] == [200] * 3
        async with database.transaction() as connection:
            stored = await connection.scalar(hashes)
        assert core_passwords.verify_password(PASSWORD, str(stored)) == (True, None)
        assert (await log_in(client, "ada@example.com", PASSWORD)).status_code == 200

    async def test_an_unreadable_hash_lets_nobody_in(
        self, client: httpx2.AsyncClient, people: People, database: Database
    ) -> None:
        async with database.transaction() as connection:
            await connection.execute(update(tables.users).values(password_hash="plain"))

        assert (await log_in(client, "ada@example.com", "plain")).status_code == 401

    async def test_old_sessions_are_cleared_away(
        self, client: httpx2.AsyncClient, ada: Person, database: Database
    ) -> None:
        async with database.transaction() as connection:
            await connection.execute(
                update(tables.sessions).values(expires_at=func.now() - func.make_interval(0, 0, 1))
            )
        assert (await ada.get("/api/v1/users/me")).status_code == 401

        await ada.log_in()

        async with database.transaction() as connection:
            count = select(func.count()).select_from(tables.sessions)
            assert await connection.scalar(count) == 1


class TestGuessing:
    async def test_the_sixth_attempt_is_refused_even_with_the_right_password(
        self, client: httpx2.AsyncClient, people: People
    ) -> None:
        await fail(client, "ada@example.com", 5)

        for password in (WRONG, PASSWORD):
            answer = await log_in(client, "ada@example.com", password)
            assert answer.status_code == 429
            assert answer.json()["error_code"] == "TOO_MANY_REQUESTS"
            assert 0 < int(answer.headers["Retry-After"]) <= 15 * 60

    async def test_an_unknown_address_is_refused_likewise(self, client: httpx2.AsyncClient) -> None:
        await fail(client, "nobody@example.com", 5)

        assert (await log_in(client, "nobody@example.com", WRONG)).status_code == 429

    async def test_many_at_once_are_no_way_around(
        self, client: httpx2.AsyncClient, people: People
    ) -> None:
        answers = await asyncio.gather(
            *(log_in(client, "ada@example.com", WRONG) for _ in range(12))
        )

        assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 7

    async def test_another_spelling_is_no_way_around(
        self, client: httpx2.AsyncClient, people: People
    ) -> None:
        await fail(client, "ada@example.com", 3)
        await fail(client, "ADA@example.com", 2)

        assert (await log_in(client, "Ada@Example.com ", PASSWORD)).status_code == 429

    async def test_success_forgets_the_failures(
        self, client: httpx2.AsyncClient, people: People
    ) -> None:
        for _ in range(3):
            await fail(client, "ada@example.com", 4)
            assert (await log_in(client, "ada@example.com", PASSWORD)).status_code == 200

    async def test_nobody_locks_another_out(
        self, client: httpx2.AsyncClient, people: People
    ) -> None:
        """Neither by guessing from elsewhere, nor by failing at the same address."""
        await fail(client, "ada@example.com", 5, "203.0.113.1")
        await fail(client, "bob@example.com", 5)

        assert (await log_in(client, "ada@example.com", PASSWORD)).status_code == 200

    async def test_failures_are_forgotten_in_time(
        self, client: httpx2.AsyncClient, people: People, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(throttle, "FAILURE_SECONDS", 1)
        await fail(client, "ada@example.com", 5)

        async def let_in() -> bool:
            return (await log_in(client, "ada@example.com", PASSWORD)).status_code == 200

        await eventually(let_in)

    async def test_guessing_from_many_addresses_ends_for_all_but_those_who_know(
        self, client: httpx2.AsyncClient, people: People, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(throttle, "FAILURES_PER_ACCOUNT", 4)
        await people[0].log_in()
        for number in range(4):
            await fail(client, "ada@example.com", 1, f"203.0.113.{number}")

        stranger = await client.post(
            LOGIN,
            data={"username": "ada@example.com", "password": PASSWORD},
            headers={"X-Forwarded-For": "203.0.113.77"},
        )

        assert stranger.status_code == 429
        assert (await log_in(client, "ada@example.com", PASSWORD)).status_code == 200

    async def test_guessing_at_many_accounts_ends_for_all_but_those_who_know(
        self, client: httpx2.AsyncClient, people: People, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(throttle, "FAILURES_PER_ADDRESS", 4)
        await people[0].log_in()
        for number in range(4):
            await fail(client, f"guess-{number}@example.com", 1)

        assert (await log_in(client, "bob@example.com", PASSWORD)).status_code == 429
        assert (await log_in(client, "ada@example.com", PASSWORD)).status_code == 200

    async def test_instances_count_together(
        self, client: httpx2.AsyncClient, people: People, start: Start, settings: UserSettings
    ) -> None:
        async with start(settings) as other:
            await fail(client, "ada@example.com", 3)
            await fail(other, "ada@example.com", 2)

            assert (await log_in(client, "ada@example.com", PASSWORD)).status_code == 429
            assert (await log_in(other, "ada@example.com", PASSWORD)).status_code == 429

    async def test_redis_learns_no_address(
        self, client: httpx2.AsyncClient, people: People, valkey: Valkey
    ) -> None:
        await fail(client, "ada@example.com", 1)

        async with Redis.from_url(valkey.url) as redis:
            content = [key async for key in redis.scan_iter(match="*")]
        assert any(key.startswith(b"count:") for key in content)
        assert not any(b"example" in key or b"198.51." in key for key in content)


class TestLogout:
    @pytest.mark.parametrize("path", ["/api/v1/users/auth/logout", "/api/v1/auth/logout"])
    async def test_ends_the_token_everywhere_at_once(
        self, ada: Person, start: Start, settings: UserSettings, path: str
    ) -> None:
        async with start(settings) as other:
            me = ("/api/v1/users/me", ada.headers)
            assert (
                await other.get(me[0], headers=me[1])
            ).status_code == 200  # and now it is cached

            gone = await ada.client.post(path, headers=ada.headers)

            assert (gone.status_code, gone.content) == (204, b"")
            for instance in (other, ada.client):
                answer = await instance.get(me[0], headers=me[1])
                assert answer.status_code == 401
                assert answer.json()["error_code"] == "TOKEN_REVOKED"

    async def test_leaves_the_other_sessions(self, ada: Person) -> None:
        first = ada.token
        await ada.log_in()
        await ada.client.post("/api/v1/auth/logout", headers=bearer(first))

        assert (await ada.get("/api/v1/users/me")).status_code == 200

    async def test_needs_a_token(self, client: httpx2.AsyncClient) -> None:
        assert (await client.post("/api/v1/auth/logout")).status_code == 401

    async def test_works_once(self, ada: Person) -> None:
        await ada.client.post("/api/v1/auth/logout", headers=ada.headers)

        again = await ada.client.post("/api/v1/auth/logout", headers=ada.headers)

        assert again.status_code == 401


async def test_a_user_who_is_closed_is_refused(ada: Person, database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute(update(tables.users).values(is_active=False))

    async def refused() -> bool:
        return (await ada.get("/api/v1/users/me")).status_code == 401

    await eventually(refused)


async def test_a_key_that_services_do_not_know_is_found_at_start(settings: UserSettings) -> None:
    other = settings.model_copy(update={"signing_key": SecretStr(keys.make_signing_key())})
    app = create(other)

    with pytest.raises(UnknownSigningKey, match=str(settings.key_set_file)):
        async with app.router.lifespan_context(app):
            pass
