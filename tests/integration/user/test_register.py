"""New accounts: for whom, under which address, and how many."""

import asyncio
import json
from typing import Any

import httpx2
import pytest
from sqlalchemy import func, select
from tests.integration.user.conftest import READS_ONLY, Person, Start, log_in

from harena_db import tables
from harena_db.testing import Database
from harena_user.settings import UserSettings

REGISTER = "/api/v1/users/register"
WANTED = {
    "email": "Zoé@Example.com",
    "first_name": "Zoé",
    "last_name": "",
    "password": "quatre mots sans rapport",
    "confirm_password": "quatre mots sans rapport",
}


async def register(client: httpx2.AsyncClient, **changes: Any) -> httpx2.Response:
    body = {k: v for k, v in {**WANTED, **changes}.items() if v is not None}
    # Escaped to ASCII: half of a surrogate pair has no other form in JSON.
    headers = {"Content-Type": "application/json"}
    return await client.post(REGISTER, content=json.dumps(body), headers=headers)


class TestRegister:
    async def test_answers_with_the_user_who_can_log_in(self, client: httpx2.AsyncClient) -> None:
        answer = await register(client)

        assert answer.status_code == 200
        user = answer.json()
        assert user["email"] == "zoé@example.com"
        assert (user["first_name"], user["last_name"]) == ("Zoé", None)
        assert (user["is_active"], user["is_superuser"]) == (True, False)
        assert user["bridge_connections"] == []
        assert user["permissions"] == ["chat:write"]
        assert user["preferences"]["user_id"] == user["id"]
        assert user["preferences"]["notification_settings"] == {}
        assert user["preferences"]["budget_settings"] == {
            "months_analysis": 12,
            "fixed_charge_min_occurrences": 5,
            "fixed_charge_max_variance": 0.2,
            "fixed_charge_min_amount": 10,
            "account_selection": {"mode": "all", "excluded_types": [], "included_accounts": []},
        }
        assert (await log_in(client, "zoé@example.com", WANTED["password"])).status_code == 200

    async def test_nobody_makes_himself_a_superuser(
        self, client: httpx2.AsyncClient, database: Database
    ) -> None:
        answer = await register(client, is_superuser=True, is_active=True, id=1, user_id=1)

        assert answer.status_code == 200
        assert answer.json()["is_superuser"] is False
        async with database.transaction() as connection:
            assert not await connection.scalar(select(tables.users.c.is_superuser))

    @pytest.mark.parametrize("email", ["ada@example.com", "ADA@example.COM"])
    async def test_a_taken_address_is_refused(
        self, client: httpx2.AsyncClient, people: tuple[Person, Person], email: str
    ) -> None:
        answer = await register(client, email=email)

        assert answer.status_code == 400
        assert answer.json()["error_code"] == "EMAIL_TAKEN"
        assert answer.json()["detail"] == "Cette adresse e-mail est déjà utilisée."

    async def test_of_many_at_once_one_gets_the_address(
        self, client: httpx2.AsyncClient, database: Database
    ) -> None:
        answers = await asyncio.gather(*(register(client) for _ in range(5)))

        assert sorted(answer.status_code for answer in answers) == [200] + [400] * 4
        async with database.transaction() as connection:
            count = select(func.count()).select_from(tables.users)
            assert await connection.scalar(count) == 1

    async def test_so_many_an_hour_from_one_address(
        self, start: Start, settings: UserSettings
    ) -> None:
        few = settings.model_copy(update={"registrations_per_hour": 2})
        async with start(few) as client:
            answers = [await register(client, email=f"n{i}@example.com") for i in range(3)]
            client.headers["X-Forwarded-For"] = "203.0.113.200"
            elsewhere = await register(client, email="n9@example.com")

        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert 0 < int(answers[2].headers["Retry-After"]) <= 3600
        assert elsewhere.status_code == 200


@READS_ONLY
class TestRefused:
    @pytest.mark.parametrize(
        ("culprit", "value", "said"),
        [
            ("password", "7 signs", "trop court (8 au moins)"),
            ("password", "x" * 129, "trop long (128 au plus)"),
            ("password", "password123", "mot de passe trop courant"),
            ("password", "AzertyUiop", "mot de passe trop courant"),
            ("password", "\ud800" * 8, "caractères non autorisés"),
            (
                "confirm_password",
                "quatre mots sans rapports",
                "les mots de passe ne correspondent pas",
            ),
            ("confirm_password", None, "champ requis"),
            ("email", "nobody", "adresse e-mail invalide"),
            ("email", "a@b", "adresse e-mail invalide"),
            ("email", "Ada <ada@example.com>", "adresse e-mail invalide"),
            ("email", "a\0@example.com", "adresse e-mail invalide"),
            ("email", "a" * 250 + "@example.com", "trop long (254 au plus)"),
            ("email", None, "champ requis"),
            ("first_name", "x" * 101, "trop long (100 au plus)"),
            ("first_name", "a\0b", "caractères non autorisés"),
            ("last_name", "\ud800", "caractères non autorisés"),
            ("last_name", 5, "un texte est attendu"),
        ],
    )
    async def test_says_what_is_wrong(
        self, shared_ada: Person, culprit: str, value: Any, said: str
    ) -> None:
        changes = {culprit: value}
        if culprit == "password":
            changes["confirm_password"] = value
        answer = await register(shared_ada.client, **changes)

        assert answer.status_code == 422
        body = answer.json()
        assert body["error_code"] == "VALIDATION_ERROR"
        assert [error["loc"] for error in body["errors"]] == [["body", culprit]]
        assert body["detail"] == f"{culprit} : {said}"
        assert str(changes.get("password", "secret")) not in answer.text

    @pytest.mark.parametrize(
        "body",
        [
            {"data": WANTED},
            {"content": b"{", "headers": {"Content-Type": "application/json"}},
            {"content": b"[]", "headers": {"Content-Type": "application/json"}},
            {"content": b"null", "headers": {"Content-Type": "application/json"}},
            {"content": b"{}", "headers": {"Content-Type": "text/plain"}},
        ],
    )
    async def test_json_is_wanted(self, shared_ada: Person, body: dict[str, Any]) -> None:
        answer = await shared_ada.client.post(REGISTER, **body)

        assert answer.status_code == 422
        assert isinstance(answer.json()["detail"], str)
