"""A never reads, changes or learns anything of B: asked of every route there is."""

from typing import Any

import pytest
from jose import jwt
from sqlalchemy import select
from tests.integration.user.conftest import READS_ONLY, Person, bearer

from harena_core.testing import TokenMint
from harena_db import tables
from harena_db.testing import Database

People = tuple[Person, Person]

# Open, or only about the session of the token; TestLogout and TestGuessing look at these.
NO_DATA = {
    *(f"/api/v1/{prefix}auth/{name}" for prefix in ("", "users/") for name in ("login", "logout")),
    "/api/v1/users/register",
    "/api/v1/categories",
    "/health",
}
LISTS = [
    "/api/v1/users/me",
    "/api/v1/users/bridge/accounts",
    "/api/v1/accounts",
    "/api/v1/items",
    "/api/v1/transactions",
]
BY_ID = {
    "/api/v1/accounts/{account_id}": "account_id",
    "/api/v1/items/{item_id}": "item_id",
    "/api/v1/transactions/{transaction_id}": "transaction_id",
}


def id_of(person: Person, name: str) -> int:
    return {
        "account_id": person.account_id,
        "item_id": person.item_id,
        "transaction_id": person.transaction_ids[0],
    }[name]


async def everything(person: Person) -> list[Any]:
    answers = [await person.get(path) for path in LISTS]
    return [answer.json() for answer in answers]


@READS_ONLY
class TestReading:
    async def test_no_route_is_forgotten_here(self, shared_ada: Person) -> None:
        paths = (await shared_ada.client.get("/openapi.json")).json()["paths"]

        assert set(paths) == NO_DATA | set(LISTS) | set(BY_ID)

    @pytest.mark.parametrize("path", LISTS)
    async def test_a_list_has_nothing_of_another(
        self, shared_ada: Person, shared_bob: Person, path: str
    ) -> None:
        answer = await shared_ada.get(path)

        assert "ada" in answer.text
        assert "bob" not in answer.text.lower()

    @pytest.mark.parametrize("path", BY_ID)
    async def test_what_is_anothers_is_as_unknown_as_what_is_not(
        self, shared_ada: Person, shared_bob: Person, path: str
    ) -> None:
        name = BY_ID[path]
        own = await shared_ada.get(path.format(**{name: id_of(shared_ada, name)}))
        foreign = await shared_ada.get(path.format(**{name: id_of(shared_bob, name)}))
        unknown = await shared_ada.get(path.format(**{name: "987654"}))

        assert own.status_code == 200
        assert foreign.status_code == unknown.status_code == 404
        assert {**foreign.json(), "request_id": ""} == {**unknown.json(), "request_id": ""}

    @pytest.mark.parametrize(
        ("path", "name"), [("/api/v1/accounts", "item_id"), ("/api/v1/transactions", "account_id")]
    )
    async def test_a_filter_by_anothers_id_finds_nothing(
        self, shared_ada: Person, shared_bob: Person, path: str, name: str
    ) -> None:
        answer = await shared_ada.get(path, **{name: id_of(shared_bob, name)})

        found = answer.json()
        assert (found if isinstance(found, list) else found["items"]) == []


async def test_a_change_touches_nobody_else(ada: Person, bob: Person) -> None:
    before = await everything(bob)

    answer = await ada.put_me(
        id=bob.user_id,
        user_id=bob.user_id,
        first_name="X",
        password="une phrase toute neuve",
        current_password="une phrase de passe",
        preferences={
            "id": before[0]["preferences"]["id"],
            "user_id": bob.user_id,
            "display_preferences": {"theme": "dark"},
        },
    )

    assert answer.status_code == 200
    assert answer.json()["id"] == ada.user_id
    assert await everything(bob) == before  # and his session is live


async def test_logging_out_ends_nobody_elses_session(
    ada: Person, bob: Person, mint: TokenMint
) -> None:
    """Not even with a well-signed token that names another's session."""
    forged = mint.token(ada.user_id, jwt.get_unverified_claims(bob.token)["sid"])
    headers = bearer(forged)
    assert (await ada.client.post("/api/v1/auth/logout", headers=headers)).status_code == 401
    assert (await ada.client.post("/api/v1/auth/logout", headers=ada.headers)).status_code == 204

    assert (await bob.get("/api/v1/users/me")).status_code == 200


async def test_a_choice_of_anothers_account_shows_nothing_of_it(
    ada: Person, bob: Person, database: Database
) -> None:
    selection = {"mode": "include_specific", "included_accounts": [bob.account_id]}
    await ada.put_me(preferences={"budget_settings": {"account_selection": selection}})

    async with database.transaction() as connection:
        query = select(tables.user_preferences.c.budget_settings).where(
            tables.user_preferences.c.user_id == ada.user_id
        )
        stored = (await connection.execute(query)).scalar_one()
    assert stored["account_selection"]["included_places"] == {}
