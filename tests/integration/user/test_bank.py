"""What the bank connections brought, as the web client reads it."""

from typing import Any

import pytest
from tests.integration.user.conftest import READS_ONLY, Person

pytestmark = READS_ONLY

ACCOUNTS = ["/api/v1/users/bridge/accounts", "/api/v1/accounts", "/api/v1/accounts/"]
LISTS = [*ACCOUNTS, "/api/v1/items", "/api/v1/items/", "/api/v1/categories", "/api/v1/categories/"]
PAGES = ["/api/v1/transactions", "/api/v1/transactions/"]


async def listed(person: Person, **params: Any) -> list[int]:
    answer = await person.get("/api/v1/transactions", **params)
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()["items"]]


@pytest.mark.parametrize("path", [*LISTS, *PAGES])
class TestEveryList:
    async def test_answers_without_a_redirect(self, shared_ada: Person, path: str) -> None:
        assert (await shared_ada.get(path)).status_code == 200

    async def test_needs_a_token(self, shared_ada: Person, path: str) -> None:
        assert (await shared_ada.client.get(path)).status_code == 401


class TestAccounts:
    @pytest.mark.parametrize("path", ACCOUNTS)
    async def test_are_shown_by_the_banks_ids(self, shared_ada: Person, path: str) -> None:
        assert (await shared_ada.get(path)).json() == [
            {
                "id": 100,
                "item_id": 10,
                "name": "Compte de ada",
                "type": "checking",
                "balance": 1234.5,
                "currency_code": "EUR",
                "iban_masked": "•••• 0142",
                "last_sync_at": "2026-03-15T06:00:00Z",
            },
            {
                "id": 101,
                "item_id": 10,
                "name": "Livret",
                "type": "savings",
                "balance": 0.1,
                "currency_code": "EUR",
                "iban_masked": None,
                "last_sync_at": None,
            },
        ]

    async def test_of_one_connection(self, shared_ada: Person) -> None:
        assert len((await shared_ada.get("/api/v1/accounts/", item_id=10)).json()) == 2
        assert (await shared_ada.get("/api/v1/accounts/", item_id=11)).json() == []

    async def test_one(self, shared_ada: Person) -> None:
        answer = await shared_ada.get("/api/v1/accounts/101")
        assert (answer.status_code, answer.json()["name"]) == (200, "Livret")

    @pytest.mark.parametrize(
        ("path", "status"),
        [
            ("/api/v1/accounts/999", 404),
            ("/api/v1/accounts/x", 422),
            ("/api/v1/accounts/0", 422),
            (f"/api/v1/accounts/{2**63}", 422),
            ("/api/v1/accounts/?item_id=x", 422),
            (f"/api/v1/accounts/?item_id={2**63}", 422),
        ],
    )
    async def test_what_is_none(self, shared_ada: Person, path: str, status: int) -> None:
        answer = await shared_ada.client.get(path, headers=shared_ada.headers)
        assert answer.status_code == status
        assert isinstance(answer.json()["detail"], str)


class TestItems:
    async def test_say_their_bank_and_their_state(self, shared_ada: Person) -> None:
        first, second = (await shared_ada.get("/api/v1/items/")).json()

        assert first.pop("created_at").endswith("Z")
        assert first == {
            "id": 10,
            "bank_name": "Banque de ada",
            "status": 0,
            "status_code_info": None,
            "status_code_description": None,
        }
        assert (second["id"], second["bank_name"], second["status"]) == (11, "Banque", 402)
        assert second["status_code_description"] == "Identifiants refusés"

    async def test_one(self, shared_ada: Person) -> None:
        assert (await shared_ada.get("/api/v1/items/10")).json()["bank_name"] == "Banque de ada"
        assert (await shared_ada.get("/api/v1/items/12")).status_code == 404


class TestTransactions:
    async def test_newest_first_and_deleted_never(self, shared_ada: Person) -> None:
        page = (await shared_ada.get("/api/v1/transactions")).json()

        assert [row["id"] for row in page["items"]] == shared_ada.transaction_ids
        assert {k: v for k, v in page.items() if k != "items"} == {
            "total": 4,
            "limit": 50,
            "offset": 0,
            "has_more": False,
        }

    async def test_say_what_they_count_as(self, shared_ada: Person) -> None:
        page = (await shared_ada.get("/api/v1/transactions")).json()
        future, foreign, refund, expense = page["items"]

        assert expense == {
            "id": 1001,
            "account_id": 100,
            "account_name": "Compte de ada",
            "amount": -30.0,
            "currency_code": "EUR",
            "occurred_on": "2026-03-01",
            "date": "2026-03-03",
            "transaction_date": "2026-03-01",
            "booking_date": None,
            "value_date": None,
            "label": "CB LIBRAIRIE ada",
            "clean_description": None,
            "merchant": "Librairie ada",
            "operation_type": None,
            "category_id": 98102,
            "category_name": "Loisirs",
            "category_class": "variable",
            "kind": "expense",
            "refunded": 0.0,
            "refund_of": None,
            "paired_with": None,
            "future": False,
        }
        assert (refund["kind"], refund["amount"], refund["refunded"]) == ("refund", 12.1, 12.1)
        assert (refund["refund_of"], refund["category_name"]) == (1001, "Loisirs")
        assert (foreign["currency_code"], foreign["category_name"]) == ("USD", "Non classé")
        # What it will be is stored; until its day it counts as nothing.
        assert (future["occurred_on"], future["kind"]) == ("2026-03-16", "excluded")

    async def test_pages_meet_without_gap_or_repeat(self, shared_ada: Person) -> None:
        pages = [
            (await shared_ada.get("/api/v1/transactions", limit=3, offset=offset)).json()
            for offset in (0, 3, 6)
        ]

        assert [row["id"] for page in pages for row in page["items"]] == shared_ada.transaction_ids
        assert [page["has_more"] for page in pages] == [True, False, False]
        assert {page["total"] for page in pages} == {4}

    @pytest.mark.parametrize(
        ("params", "days"),
        [
            ({"since": "2026-03-10"}, [4, 3]),
            ({"until": "2026-03-05"}, [2, 1]),
            ({"since": "2026-03-05", "until": "2026-03-10"}, [3, 2]),
            ({"min_date": "2026-03-10"}, [4, 3]),
            ({"max_date": "2026-03-05"}, [2, 1]),
            ({"since": "2026-04-01"}, []),
            ({"since": "2026-03-10", "until": "2026-03-05"}, []),
            ({"account_id": 100}, [4, 3, 2, 1]),
            ({"account_id": 101}, []),
            ({"account_id": 999}, []),
        ],
    )
    async def test_are_found_by_day_and_account(
        self, shared_ada: Person, params: dict[str, Any], days: list[int]
    ) -> None:
        assert await listed(shared_ada, **params) == [1000 + day for day in days]

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("limit", 0),
            ("limit", 501),
            ("limit", "x"),
            ("offset", -1),
            ("offset", 2**63),
            ("account_id", 2**63),
            ("since", "yesterday"),
            ("until", "2026-02-30"),
        ],
    )
    async def test_a_bad_filter_is_named(self, shared_ada: Person, name: str, value: Any) -> None:
        answer = await shared_ada.get("/api/v1/transactions", **{name: value})

        assert answer.status_code == 422
        assert answer.json()["errors"][0]["loc"] == ["query", name]

    async def test_one(self, shared_ada: Person) -> None:
        answer = await shared_ada.get("/api/v1/transactions/1004")
        assert (answer.status_code, answer.json()["kind"]) == (200, "excluded")

    @pytest.mark.parametrize("number", [1005, 9999])
    async def test_deleted_is_like_unknown(self, shared_ada: Person, number: int) -> None:
        assert (await shared_ada.get(f"/api/v1/transactions/{number}")).status_code == 404


class TestCategories:
    async def test_come_by_group_with_their_class(self, shared_ada: Person) -> None:
        groups = (await shared_ada.get("/api/v1/categories")).json()

        assert len(groups) == 11
        assert sum(len(group["categories"]) for group in groups) == 39
        housing = next(group for group in groups if group["name"] == "Logement")
        assert housing == {
            "id": 10001,
            "name": "Logement",
            "categories": [{"id": 1000101, "name": "Loyer", "class": "fixed"}],
        }
