"""The caller's own account: what is shown, what may be changed, and what that ends."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update
from tests.integration.user.conftest import (
    PASSWORD,
    READS_ONLY,
    TODAY,
    Person,
    Start,
    log_in,
)

from harena_db import tables
from harena_db.testing import Database
from harena_user.settings import UserSettings

ME = "/api/v1/users/me"
NEW = "une phrase toute neuve"


async def preferences(person: Person) -> dict[str, Any]:
    found: dict[str, Any] = (await person.get(ME)).json()["preferences"]
    return found


async def version_of(person: Person, database: Database) -> int:
    async with database.transaction() as connection:
        query = select(tables.data_versions.c.version).where(
            tables.data_versions.c.user_id == person.user_id
        )
        return int(await connection.scalar(query) or 0)


async def add_named_transfer(person: Person, database: Database) -> list[int]:
    """Two rows that are one transfer of Ada Lovelace's, and of nobody else's."""
    numbers = [person.number * 1000 + 20, person.number * 1000 + 21]
    halves = ((person.account_id, -400, "ADA LOVELACE"), (person.account_id + 1, 400, "VIR RECU"))
    async with database.transaction() as connection:
        for number, (account, amount, label) in zip(numbers, halves, strict=True):
            await connection.execute(
                insert(tables.transactions).values(
                    user_id=person.user_id,
                    account_id=select(tables.accounts.c.id)
                    .where(tables.accounts.c.bridge_account_id == account)
                    .scalar_subquery(),
                    bridge_transaction_id=number,
                    amount=amount,
                    date=TODAY,
                    provider_description=label,
                )
            )
    return numbers


class TestShow:
    async def test_is_the_user_with_preferences_and_without_any_bank_token(
        self, ada: Person
    ) -> None:
        answer = await ada.get(ME)

        assert answer.status_code == 200
        me = answer.json()
        assert me.keys() == {
            *("id", "email", "first_name", "last_name", "is_active", "is_superuser"),
            *("created_at", "updated_at", "preferences", "bridge_connections", "permissions"),
        }
        assert me["id"] == ada.user_id
        assert me["preferences"].keys() == {
            *("id", "user_id", "notification_settings", "display_preferences"),
            *("budget_settings", "created_at", "updated_at"),
        }
        assert [set(connection) for connection in me["bridge_connections"]] == [
            {"id", "user_id", "external_user_id", "bridge_user_uuid", "created_at", "updated_at"}
        ]
        assert "token" not in answer.text

    async def test_there_is_one_address_and_no_redirect(self, ada: Person) -> None:
        assert (await ada.get(ME + "/")).status_code == 404


class TestPreferences:
    async def test_are_merged_deeply_and_lists_are_replaced(self, ada: Person) -> None:
        await ada.put_me(
            preferences={
                "budget_settings": {
                    "months_analysis": 6,
                    "account_selection": {"mode": "exclude_types", "excluded_types": ["card"]},
                    "mine": {"kept": True, "list": [1, 2, 3], "deep": {"a": 1}},
                },
                "display_preferences": {"theme": "dark"},
            }
        )

        answer = await ada.put_me(
            preferences={
                "budget_settings": {
                    "fixed_charge_max_variance": 0.35,
                    "account_selection": {"included_accounts": [100]},
                    "mine": {"list": [4], "deep": {"b": None}},
                }
            }
        )

        assert answer.status_code == 200
        expected = {
            "months_analysis": 6,
            "fixed_charge_max_variance": 0.35,
            "account_selection": {
                "mode": "exclude_types",
                "excluded_types": ["card"],
                "included_accounts": [100],
            },
            "mine": {"kept": True, "list": [4], "deep": {"a": 1, "b": None}},
        }
        assert answer.json()["preferences"]["budget_settings"] == expected
        stored = await preferences(ada)
        assert stored["budget_settings"] == expected
        assert stored["display_preferences"] == {"theme": "dark"}

    async def test_what_the_web_client_saves_is_what_it_reads_back(self, ada: Person) -> None:
        saved = {
            "months_analysis": None,
            "fixed_charge_min_occurrences": 4,
            "fixed_charge_max_variance": 0.15,
            "fixed_charge_min_amount": 12.5,
            "account_selection": {
                "mode": "include_specific",
                "excluded_types": [],
                "included_accounts": [ada.account_id],
            },
        }

        await ada.put_me(preferences={"budget_settings": saved})

        assert (await preferences(ada))["budget_settings"] == saved

    async def test_the_place_of_a_chosen_account_is_kept_and_not_shown(
        self, ada: Person, database: Database
    ) -> None:
        chosen = {"mode": "include_specific", "included_accounts": [ada.account_id, 999]}
        for places in ({}, {"included_places": {"100": "forged"}}, {"included_places": 5}):
            answer = await ada.put_me(
                preferences={"budget_settings": {"account_selection": {**chosen, **places}}}
            )
            assert "included_places" not in answer.text

        async with database.transaction() as connection:
            query = select(tables.user_preferences.c.budget_settings).where(
                tables.user_preferences.c.user_id == ada.user_id
            )
            stored = (await connection.execute(query)).scalar_one()
        assert stored["account_selection"]["included_places"] == {"100": "hash-ada"}

    async def test_of_two_changes_at_once_none_is_lost(self, ada: Person) -> None:
        names = [f"key-{number}" for number in range(12)]

        await asyncio.gather(
            *(ada.put_me(preferences={"display_preferences": {name: 1}}) for name in names)
        )

        assert (await preferences(ada))["display_preferences"] == dict.fromkeys(names, 1)

    async def test_are_made_where_there_are_none(self, ada: Person, database: Database) -> None:
        async with database.transaction() as connection:
            await connection.execute(delete(tables.user_preferences))
        assert await preferences(ada) is None

        answer = await ada.put_me(preferences={"display_preferences": {"theme": "dark"}})

        assert answer.json()["preferences"]["display_preferences"] == {"theme": "dark"}

    async def test_only_a_change_raises_the_data_version(
        self, ada: Person, database: Database
    ) -> None:
        change = {"budget_settings": {"months_analysis": 3}}
        before = await version_of(ada, database)
        await ada.put_me(preferences=change)
        changed = await version_of(ada, database)
        await ada.put_me(preferences=change)
        await ada.put_me(email="augusta@example.com")

        assert before < changed == await version_of(ada, database)

    async def test_are_bounded(self, ada: Person) -> None:
        section = {f"key-{number}": "x" * 1000 for number in range(20)}
        assert (await ada.put_me(preferences={"display_preferences": section})).status_code == 200

        more = {f"more-{number}": "x" * 1000 for number in range(20)}
        answer = await ada.put_me(preferences={"display_preferences": more})

        assert answer.status_code == 422
        assert "display_preferences" in answer.json()["detail"]


class TestChange:
    async def test_names_and_address(self, ada: Person) -> None:
        answer = await ada.put_me(email="Lovelace@Example.com", first_name=" Ada ", last_name="L.")

        assert answer.status_code == 200
        me = answer.json()
        assert (me["email"], me["first_name"], me["last_name"]) == (
            *("lovelace@example.com", "Ada", "L."),
        )
        assert (await log_in(ada.client, "lovelace@example.com", PASSWORD)).status_code == 200
        assert (await log_in(ada.client, "ada@example.com", PASSWORD)).status_code == 401

    async def test_what_is_absent_stays_and_an_empty_name_is_none(self, ada: Person) -> None:
        await ada.put_me(last_name="Lovelace")
        assert (await ada.put_me(first_name="")).json()["first_name"] is None

        me = (await ada.put_me()).json()

        assert (me["email"], me["last_name"]) == ("ada@example.com", "Lovelace")

    async def test_a_transfer_that_names_its_holder_follows_the_name(
        self, ada: Person, bob: Person, database: Database
    ) -> None:
        rows = tables.transactions.c
        ids = {each.user_id: await add_named_transfer(each, database) for each in (ada, bob)}

        async def kinds(person: Person) -> set[str]:
            async with database.transaction() as connection:
                query = select(rows.kind).where(rows.bridge_transaction_id.in_(ids[person.user_id]))
                return set(await connection.scalars(query))

        await ada.put_me(last_name="Byron")
        assert await kinds(ada) == {"expense", "income"}
        stranger = await version_of(ada, database)

        await ada.put_me(last_name="Lovelace")
        holder = await version_of(ada, database)
        assert await kinds(ada) == {"internal"}
        assert holder > stranger

        await ada.put_me(first_name="Ada", last_name="Lovelace")  # says nothing new
        assert await version_of(ada, database) == holder

        await ada.put_me(last_name="")
        assert await kinds(ada) == {"expense", "income"}
        assert await version_of(ada, database) > holder
        assert await kinds(bob) == {"excluded"}  # as they were made, and nobody's business

    async def test_so_many_new_names_an_hour(
        self, ada: Person, bob: Person, start: Start, settings: UserSettings
    ) -> None:
        """Each has every row classified anew; saying the same name again costs nothing."""
        few = settings.model_copy(update={"renames_per_hour": 2})
        async with start(few) as client:
            again, other = replace(ada, client=client), replace(bob, client=client)
            answers = [
                await again.put_me(first_name=name, last_name="King")
                for name in ("A", "A", "B", "B", "C")
            ]
            at_last = await again.put_me(first_name="B", email="king@example.com")
            others = await other.put_me(first_name="C")

        assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 429]
        assert 0 < int(answers[4].headers["Retry-After"]) <= 3600
        assert at_last.json()["first_name"] == "B"
        assert others.status_code == 200

    async def test_a_taken_address_is_refused_and_nothing_is_changed(
        self, ada: Person, bob: Person
    ) -> None:
        answer = await ada.put_me(email="BOB@example.com", first_name="Bob")

        assert answer.status_code == 400
        assert answer.json()["error_code"] == "EMAIL_TAKEN"
        assert (await ada.get(ME)).json()["first_name"] == "Ada"

    async def test_nobody_promotes_or_revives_himself(self, ada: Person) -> None:
        answer = await ada.put_me(is_superuser=True, is_active=False, permissions=["all"], id=7)

        assert answer.status_code == 200
        me = answer.json()
        assert (me["id"], me["is_superuser"], me["is_active"]) == (ada.user_id, False, True)
        assert me["permissions"] == ["chat:write"]


class TestPassword:
    async def test_a_new_one_ends_every_session(
        self, ada: Person, start: Start, settings: UserSettings
    ) -> None:
        old = ada.token
        await ada.log_in()
        async with start(settings) as other:
            headers = {"Authorization": f"Bearer {old}"}
            assert (await other.get(ME, headers=headers)).status_code == 200  # and is cached

            answer = await ada.put_me(password=NEW, current_password=PASSWORD)

            assert answer.status_code == 200
            assert "password" not in json.dumps(answer.json())
            assert (await other.get(ME, headers=headers)).status_code == 401
            assert (await ada.get(ME)).status_code == 401
        assert (await log_in(ada.client, ada.email, PASSWORD)).status_code == 401
        await ada.log_in(NEW)
        assert (await ada.get(ME)).status_code == 200

    async def test_with_another_address_in_one_step(self, ada: Person) -> None:
        answer = await ada.put_me(
            email="lovelace@example.com", password=NEW, current_password=PASSWORD
        )

        assert answer.status_code == 200
        assert (await log_in(ada.client, "lovelace@example.com", NEW)).status_code == 200

    async def test_a_wrong_current_one_is_no_401_and_changes_nothing(self, ada: Person) -> None:
        answer = await ada.put_me(password=NEW, current_password="faux", first_name="X")

        assert answer.status_code == 400
        assert answer.json()["error_code"] == "WRONG_PASSWORD"
        assert (await ada.get(ME)).json()["first_name"] == "Ada"

    async def test_whoever_holds_a_token_cannot_guess_either(self, ada: Person) -> None:
        statuses = [
            (await ada.put_me(password=NEW, current_password=f"faux {number}")).status_code
            for number in range(6)
        ]

        assert statuses == [400] * 5 + [429]
        assert (await ada.put_me(password=NEW, current_password=PASSWORD)).status_code == 429

    async def test_of_two_changes_at_once_one_wins(self, ada: Person) -> None:
        answers = await asyncio.gather(
            *(ada.put_me(password=f"{NEW} {n}", current_password=PASSWORD) for n in range(2))
        )

        statuses = sorted(answer.status_code for answer in answers)
        assert statuses[0] == 200
        assert statuses[1] in (400, 401, 409)  # by how far it was when the first was done

    async def test_a_login_with_the_old_one_does_not_survive_the_change(
        self, ada: Person, database: Database
    ) -> None:
        """Logins that were verified before the change and begin their session after it."""
        results = await asyncio.gather(
            *(log_in(ada.client, ada.email, PASSWORD) for _ in range(4)),
            ada.put_me(password=NEW, current_password=PASSWORD),
            *(log_in(ada.client, ada.email, PASSWORD) for _ in range(4)),
        )

        assert results[4].status_code == 200
        async with database.transaction() as connection:
            live = select(tables.sessions.c.id).where(
                tables.sessions.c.user_id == ada.user_id, tables.sessions.c.revoked_at.is_(None)
            )
            assert (await connection.scalars(live)).all() == []

    async def test_a_row_that_is_locked_for_long_is_no_hang(
        self, ada: Person, database: Database
    ) -> None:
        async with database.transaction() as connection:
            await connection.execute(update(tables.users).values(first_name="Y"))
            waiting = asyncio.create_task(ada.put_me(first_name="Z"))
            assert (await ada.get(ME)).json()["first_name"] == "Ada"
            assert not waiting.done()
        assert (await waiting).json()["first_name"] == "Z"


@READS_ONLY
class TestRefused:
    @pytest.mark.parametrize(
        ("given", "culprit"),
        [
            ({"account_selection": {"mode": "some"}}, ["account_selection", "mode"]),
            ({"account_selection": {"mode": None}}, ["account_selection", "mode"]),
            ({"account_selection": "all"}, ["account_selection"]),
            ({"account_selection": None}, ["account_selection"]),
            (
                {"account_selection": {"included_accounts": ["x"]}},
                ["account_selection", "included_accounts", 0],
            ),
            (
                {"account_selection": {"included_accounts": [2**63]}},
                ["account_selection", "included_accounts", 0],
            ),
            (
                {"account_selection": {"excluded_types": "card"}},
                ["account_selection", "excluded_types"],
            ),
            ({"months_analysis": 0}, ["months_analysis"]),
            ({"months_analysis": 61}, ["months_analysis"]),
            ({"fixed_charge_min_occurrences": 1}, ["fixed_charge_min_occurrences"]),
            ({"fixed_charge_max_variance": 1.5}, ["fixed_charge_max_variance"]),
            ({"fixed_charge_min_amount": -1}, ["fixed_charge_min_amount"]),
            ({"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": {}}}}}}}}}, []),
            ({"nul": "a\0b"}, []),
            ({"half": "\ud800"}, []),
            ([], []),
        ],
    )
    async def test_a_setting_that_means_nothing_is_named(
        self, shared_ada: Person, given: Any, culprit: list[str | int]
    ) -> None:
        before = await preferences(shared_ada)

        answer = await shared_ada.put_me(preferences={"budget_settings": given})

        assert answer.status_code == 422
        body = answer.json()
        assert isinstance(body["detail"], str)
        expected = ["body", "preferences", "budget_settings", *culprit]
        assert body["errors"][0]["loc"] == expected
        assert await preferences(shared_ada) == before

    async def test_an_unknown_mode_is_refused_in_words_that_help(self, shared_ada: Person) -> None:
        selection = {"mode": "some"}
        answer = await shared_ada.put_me(
            preferences={"budget_settings": {"account_selection": selection}}
        )

        detail = answer.json()["detail"]
        assert "account_selection.mode" in detail
        assert "'all', 'exclude_types' ou 'include_specific'" in detail

    @pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
    async def test_only_numbers_that_json_has(self, shared_ada: Person, number: str) -> None:
        body = '{"preferences": {"display_preferences": {"x": ' + number + "}}}"
        headers = {**shared_ada.headers, "Content-Type": "application/json"}

        answer = await shared_ada.client.put(ME, content=body, headers=headers)

        assert answer.status_code == 422

    @pytest.mark.parametrize(
        ("body", "culprit"),
        [
            ({"password": NEW}, "current_password"),
            ({"password": "court", "current_password": PASSWORD}, "password"),
            ({"password": "password123", "current_password": PASSWORD}, "password"),
            ({"email": "nobody"}, "email"),
            ({"first_name": 3}, "first_name"),
            ({"preferences": 3}, "preferences"),
        ],
    )
    async def test_says_what_is_wrong(
        self, shared_ada: Person, body: dict[str, Any], culprit: str
    ) -> None:
        answer = await shared_ada.put_me(**body)

        assert answer.status_code == 422
        assert answer.json()["errors"][0]["loc"] == ["body", culprit]
        assert isinstance(answer.json()["detail"], str)

    async def test_needs_a_token(self, shared_ada: Person) -> None:
        assert (await shared_ada.client.put(ME, json={})).status_code == 401
        assert (await shared_ada.client.get(ME)).status_code == 401
