"""Each rule of the metrics, on tables made by hand."""

from datetime import date
from typing import Any

import pytest
from tests.integration.metric.conftest import FOOD, FUEL, SALARY, Bank, Start, ask, refused

TODAY = date(2026, 3, 15)


def totals(data: dict[str, Any]) -> tuple[float, float]:
    """Of the reference and of the target."""
    return data["periode_talon"]["total"], data["periode_cible"]["total"]


def bounds(data: dict[str, Any], period: str) -> tuple[str, str, int]:
    found = data[period]
    return found["start"], found["end"], found["jours"]


class TestPeriods:
    async def test_a_current_month_is_compared_to_the_same_day(
        self, bank: Bank, start: Start
    ) -> None:
        user = await bank.user()
        account = await bank.account(user, synced=TODAY)
        await bank.row(user, account, date(2026, 2, 15), "-10.00")
        await bank.row(user, account, date(2026, 2, 16), "-100.00")
        await bank.row(user, account, date(2026, 3, 1), "-3.10")
        await bank.row(user, account, date(2026, 3, 15), "-4.20")
        await bank.row(user, account, date(2026, 3, 16), "-1000.00")
        async with start(TODAY) as client:
            data = await ask(client, user, "expenses/mom")
            whole = await ask(client, user, "expenses/mom", comparison="full")

        assert data["comparison"] == "to_date"
        assert bounds(data, "periode_talon") == ("2026-02-01", "2026-02-16", 15)
        assert bounds(data, "periode_cible") == ("2026-03-01", "2026-03-16", 15)
        assert (data["periode_cible"]["label"], data["periode_talon"]["mois"]) == ("Mars 2026", 2)
        assert totals(data) == (10.0, 7.3)
        assert data["variation"] == {
            "montant": -2.7,
            "pourcentage": -27.0,
            "direction": "down",
            "comparable": True,
        }
        assert data["affichage"]["couleur"] == "green"
        assert data["affichage"]["icone"] == "arrow-down"
        assert "27" in data["affichage"]["message"]
        assert data["has_data"] is True
        # Tomorrow's row has a kind already, and counts when its day has come.
        assert whole["comparison"] == "full"
        assert bounds(whole, "periode_talon") == ("2026-02-01", "2026-03-01", 28)
        assert bounds(whole, "periode_cible") == ("2026-03-01", "2026-03-16", 15)
        assert totals(whole) == (110.0, 7.3)

    async def test_a_past_month_is_whole(self, bank: Bank, start: Start) -> None:
        user = await bank.user()
        account = await bank.account(user)
        await bank.row(user, account, date(2025, 11, 30), "-10.00")
        await bank.row(user, account, date(2025, 12, 31), "-12.00")
        async with start(TODAY) as client:
            data = await ask(client, user, "expenses/mom", mois_cible=12, annee_cible=2025)
        assert data["comparison"] == "full"
        assert totals(data) == (10.0, 12.0)
        assert data["variation"]["pourcentage"] == 20.0
        assert data["affichage"]["couleur"] == "red"

    async def test_on_the_last_day_the_reference_is_whole(self, bank: Bank, start: Start) -> None:
        user = await bank.user()
        account = await bank.account(user)
        await bank.row(user, account, date(2026, 3, 31), "-10.00")
        await bank.row(user, account, date(2026, 4, 30), "-10.00")
        async with start(date(2026, 4, 30)) as client:
            data = await ask(client, user, "expenses/mom")
        assert bounds(data, "periode_talon") == ("2026-03-01", "2026-04-01", 31)
        assert totals(data) == (10.0, 10.0)

    async def test_a_shorter_reference_is_whole(self, bank: Bank, start: Start) -> None:
        user = await bank.user()
        account = await bank.account(user)
        await bank.row(user, account, date(2026, 2, 28), "-10.00")
        async with start(date(2026, 3, 30)) as client:
            data = await ask(client, user, "expenses/mom")
        assert bounds(data, "periode_talon") == ("2026-02-01", "2026-03-01", 28)

    async def test_what_the_bank_has_not_shown_yet_is_not_compared(
        self, bank: Bank, start: Start
    ) -> None:
        user = await bank.user()
        account = await bank.account(user, synced=date(2026, 3, 13))
        await bank.row(user, account, date(2026, 2, 13), "-10.00")
        await bank.row(user, account, date(2026, 2, 14), "-90.00")
        await bank.row(user, account, date(2026, 3, 13), "-10.00")
        async with start(TODAY) as client:
            data = await ask(client, user, "expenses/mom")
        assert data["as_of"] == "2026-03-13"
        assert bounds(data, "periode_cible") == ("2026-03-01", "2026-03-14", 13)
        assert totals(data) == (10.0, 10.0)
        assert data["variation"]["direction"] == "stable"
        assert data["affichage"]["couleur"] == "gray"

    @pytest.mark.parametrize(
        ("today", "reference"),
        [
            pytest.param(date(2025, 2, 28), 10.0, id="28 February does not reach the 29th"),
            pytest.param(date(2025, 3, 1), 39.0, id="1 March does"),
        ],
    )
    async def test_29_february(
        self, bank: Bank, start: Start, today: date, reference: float
    ) -> None:
        user = await bank.user()
        account = await bank.account(user)
        await bank.row(user, account, date(2024, 2, 28), "-10.00")
        await bank.row(user, account, date(2024, 2, 29), "-29.00")
        async with start(today) as client:
            data = await ask(client, user, "expenses/yoy")
        assert totals(data)[0] == reference
        assert "mois" not in data["periode_talon"]

    async def test_a_year_takes_the_same_days(self, bank: Bank, start: Start) -> None:
        user = await bank.user()
        account = await bank.account(user)
        await bank.row(user, account, date(2025, 3, 15), "1000.00")
        await bank.row(user, account, date(2025, 3, 16), "7000.00")
        await bank.row(user, account, date(2026, 1, 1), "1100.00")
        async with start(TODAY) as client:
            data = await ask(client, user, "income/yoy")
            whole = await ask(client, user, "income/yoy", annee_cible=2025, annee_talon=2026)
        assert totals(data) == (1000.0, 1100.0)
        assert data["metric_type"] == "yoy_income"
        assert (data["variation"]["pourcentage"], data["affichage"]["couleur"]) == (10.0, "green")
        assert whole["comparison"] == "full"
        assert totals(whole) == (1100.0, 8000.0)

    async def test_a_month_to_come_is_empty(self, bank: Bank, start: Start) -> None:
        user = await bank.user()
        account = await bank.account(user)
        await bank.row(user, account, TODAY, "-10.00")
        await bank.row(user, account, date(2026, 4, 2), "-10.00")
        async with start(TODAY) as client:
            data = await ask(client, user, "expenses/mom", mois_cible=4, annee_cible=2026)
        assert data["periode_cible"]["total"] == 0
        assert data["periode_cible"]["jours"] == 0
        assert data["has_data"] is False


class TestTotals:
    async def test_refunds_lower_expenses_and_their_excess_is_income(
        self, bank: Bank, start: Start
    ) -> None:
        user = await bank.user()
        account = await bank.account(user)
        await bank.row(user, account, TODAY, "-50.00")
        await bank.row(user, account, TODAY, "30.00", "refund", refunded="20.50")
        await bank.row(user, account, TODAY, "-500.00", "internal")
        await bank.row(user, account, TODAY, "500.00", "internal")
        await bank.row(user, account, TODAY, "-70.00", "excluded", deleted=True)
        async with start(TODAY) as client:
            expenses = await ask(client, user, "expenses/mom")
            income = await ask(client, user, "income/mom")
            coverage = await ask(client, user, "coverage")
        assert totals(expenses)[1] == 29.5
        assert totals(income)[1] == 9.5
        assert (coverage["revenus"], coverage["depenses"], coverage["solde"]) == (9.5, 29.5, -20.0)

    async def test_a_net_refund_is_shown_as_zero(self, bank: Bank, start: Start) -> None:
        user = await bank.user()
        account = await bank.account(user)
        await bank.row(user, account, date(2026, 2, 1), "-80.00")
        await bank.row(user, account, TODAY, "-5.00")
        await bank.row(user, account, TODAY, "80.00", "refund", refunded="80.00")
        async with start(TODAY) as client:
            data = await ask(client, user, "expenses/mom")
            coverage = await ask(client, user, "coverage")
            year = await ask(client, user, "expenses/yoy")
        assert totals(data) == (80.0, 0.0)
        assert data["net_refund"] is data["periode_cible"]["net_refund"] is True
        assert data["periode_talon"]["net_refund"] is False
        assert data["variation"]["pourcentage"] == -100.0
        assert (coverage["depenses"], coverage["solde"]) == (0, 75.0)
        assert coverage["net_refund"] is True
        # Months sum to the year: nothing was cut off inside.
        assert totals(year)[1] == 5.0

    async def test_other_currencies_are_left_out_and_said(self, bank: Bank, start: Start) -> None:
        user = await bank.user()
        euros = await bank.account(user, currency_code=None)
        dollars = await bank.account(user, currency_code="USD")
        await bank.row(user, euros, TODAY, "-10.00")
        await bank.row(user, euros, TODAY, "-7.00", currency_code="CHF")
        await bank.row(user, dollars, TODAY, "-20.00")
        await bank.row(user, dollars, date(2026, 2, 1), "-1.50")
        await bank.row(user, dollars, TODAY, "999.00")
        await bank.row(user, dollars, TODAY, "-2.00", currency_code="EUR")
        async with start(TODAY) as client:
            data = await ask(client, user, "expenses/mom")
            coverage = await ask(client, user, "coverage")
        assert totals(data) == (0, 12.0)
        assert data["excluded"]["other_currencies"] == [
            {"currency": "CHF", "count": 1, "total": 7.0},
            {"currency": "USD", "count": 2, "total": 21.5},
        ]
        assert coverage["excluded"]["other_currencies"] == [
            {"currency": "CHF", "count": 1, "total": -7.0},
            {"currency": "USD", "count": 2, "total": 979.0},
        ]
        assert {used["currency"] for used in data["accounts_used"]["accounts"]} == {"EUR", "USD"}

    async def test_nothing_to_compare_with(self, bank: Bank, start: Start) -> None:
        user = await bank.user()
        account = await bank.account(user)
        await bank.row(user, account, TODAY, "-0.01")
        async with start(TODAY) as client:
            data = await ask(client, user, "expenses/mom")
            income = await ask(client, user, "income/mom")
        assert data["variation"] == {
            "montant": 0.01,
            "pourcentage": 100.0,
            "direction": "up",
            "comparable": False,
        }
        assert data["affichage"]["couleur"] == "gray"
        assert income["variation"]["pourcentage"] == 0
        assert income["affichage"]["couleur"] == "gray"

    async def test_less_than_a_thousandth_is_stable(self, bank: Bank, start: Start) -> None:
        user = await bank.user()
        account = await bank.account(user)
        await bank.row(user, account, date(2026, 2, 1), "-1000.00")
        await bank.row(user, account, TODAY, "-1000.90")
        async with start(TODAY) as client:
            data = await ask(client, user, "expenses/mom")
        assert data["variation"]["pourcentage"] == 0.09
        assert data["variation"]["direction"] == "stable"
        assert data["affichage"] | {"message": ""} == {
            "couleur": "gray",
            "icone": "minus",
            "message": "",
        }

    async def test_a_user_without_anything(self, bank: Bank, start: Start) -> None:
        user = await bank.user()
        async with start(TODAY) as client:
            for metric in ("expenses/mom", "expenses/yoy", "income/mom", "income/yoy"):
                data = await ask(client, user, metric)
                assert totals(data) == (0, 0)
                assert (data["has_data"], data["scope_empty"]) == (False, True)
                assert data["affichage"]["couleur"] == "gray"
                assert data["accounts_used"]["accounts"] == []
            data = await ask(client, user, "coverage")
        assert (data["taux_couverture"], data["has_data"]) == (0, False)
        assert data["affichage"]["couleur"] == "gray"


class TestScope:
    async def test_savings_do_not_count(self, bank: Bank, start: Start) -> None:
        user = await bank.user()
        checking, card, savings = [
            await bank.account(user, type) for type in ("checking", "card", "savings")
        ]
        for account in (checking, card, savings):
            await bank.row(user, account, TODAY, "-10.00")
        async with start(TODAY) as client:
            data = await ask(client, user, "expenses/mom")
        assert totals(data)[1] == 20.0
        used = data["accounts_used"]
        assert (used["total_accounts"], used["eligible_accounts"], used["used_accounts"]) == (
            3,
            2,
            2,
        )
        assert used["selection_mode"] == "all"

    async def test_types_can_be_left_out(self, bank: Bank, start: Start) -> None:
        user = await bank.user(mode="exclude_types", excluded_types=["card"])
        for type in ("checking", "card"):
            await bank.row(user, await bank.account(user, type), TODAY, "-10.00")
        async with start(TODAY) as client:
            data = await ask(client, user, "expenses/mom")
        assert totals(data)[1] == 10.0
        assert [used["account_type"] for used in data["accounts_used"]["accounts"]] == ["checking"]

    async def test_an_account_that_is_connected_again_keeps_its_place(
        self, bank: Bank, start: Start
    ) -> None:
        user = await bank.user(mode="include_specific", included_accounts=[501])
        first = await bank.account(user, bridge_account_id=501, iban_hash="hash-a")
        again = await bank.account(user, bridge_account_id=777, iban_hash="hash-a")
        other = await bank.account(user, bridge_account_id=888, iban_hash="hash-b")
        await bank.row(user, first, date(2026, 3, 1), "-10.00")
        await bank.row(user, again, date(2026, 3, 1), "-10.00", "excluded")
        await bank.row(user, again, TODAY, "-5.00")
        await bank.row(user, other, TODAY, "-90.00")
        async with start(TODAY) as client:
            data = await ask(client, user, "expenses/mom")
        assert totals(data)[1] == 15.0
        assert data["accounts_used"]["used_accounts"] == 1

    async def test_an_empty_scope_is_no_account(self, bank: Bank, start: Start) -> None:
        user = await bank.user(mode="include_specific", included_accounts=[])
        account = await bank.account(user)
        await bank.row(user, account, TODAY, "-10.00")
        async with start(TODAY) as client:
            data = await ask(client, user, "expenses/mom")
            coverage = await ask(client, user, "coverage")
        assert totals(data) == (0, 0)
        assert data["scope_empty"] is coverage["scope_empty"] is True
        assert data["affichage"]["couleur"] == coverage["affichage"]["couleur"] == "gray"
        assert "compte" in data["affichage"]["message"].lower()


class TestCoverage:
    @pytest.mark.parametrize(
        ("spent", "rate", "level", "colour"),
        [
            ("-80.00", 20.0, "excellent", "green-dark"),
            ("-80.01", 19.99, "good", "green"),
            ("-95.00", 5.0, "correct", "green-light"),
            ("-100.00", 0.0, "limit", "orange"),
            ("-100.01", -0.01, "deficit", "red"),
        ],
    )
    async def test_levels(
        self, bank: Bank, start: Start, spent: str, rate: float, level: str, colour: str
    ) -> None:
        user = await bank.user()
        account = await bank.account(user)
        await bank.row(user, account, date(2026, 2, 1), "100.00", category_id=SALARY)
        await bank.row(user, account, date(2026, 2, 28), spent)
        async with start(TODAY) as client:
            data = await ask(client, user, "coverage", mois=2, annee=2026)
        assert data["metric_type"] == "coverage_rate"
        assert data["taux_couverture"] == rate
        assert (data["affichage"]["niveau"], data["affichage"]["couleur"]) == (level, colour)
        assert data["periode"] == {
            "mois": 2,
            "annee": 2026,
            "label": "Février 2026",
            "jours": 28,
            "start": "2026-02-01",
            "end": "2026-03-01",
            "is_current_month": False,
        }


class TestFilters:
    @pytest.mark.parametrize(
        ("name", "total"),
        [
            ("Alimentation", 10.0),
            ("  ALIMENTATION ", 10.0),
            ("electricite/eau", 7.0),
            ("Eélectricité/eau", 7.0),
            ("Ã‰lectricitÃ©/eau", 7.0),
            ("Carburant", 0),
        ],
    )
    async def test_categories(self, bank: Bank, start: Start, name: str, total: float) -> None:
        user = await bank.user()
        account = await bank.account(user)
        await bank.row(user, account, TODAY, "-10.00", category_id=FOOD)
        await bank.row(user, account, TODAY, "-7.00", category_id=98005)
        await bank.row(user, account, date(2026, 4, 1), "-7.00", category_id=FUEL)
        async with start(TODAY) as client:
            data = await ask(client, user, "expenses/mom", categorie=name)
        assert totals(data)[1] == total
        assert data["filtres_appliques"]["categorie"] == name

    async def test_a_refund_is_in_the_category_of_its_debit(self, bank: Bank, start: Start) -> None:
        user = await bank.user()
        account = await bank.account(user)
        await bank.row(user, account, TODAY, "-10.00", merchant_key="cafe de flore")
        await bank.row(
            user, account, TODAY, "4.00", "refund", refunded="4.00", merchant_key="cafe de flore"
        )
        await bank.row(user, account, TODAY, "-3.00", merchant_key="cafe")
        async with start(TODAY) as client:
            food = await ask(client, user, "expenses/mom", categorie="alimentation")
            flore = await ask(client, user, "expenses/mom", marchand="Café de  FLORE")
            both = await ask(client, user, "expenses/yoy", marchand="CAFE", categorie="Carburant")
            unknown = await ask(client, user, "expenses/mom", marchand="Café de")
        assert totals(food)[1] == 9.0
        assert totals(flore)[1] == 6.0
        assert totals(both)[1] == 0
        assert totals(unknown) == (0, 0)
        assert unknown["has_data"] is False

    @pytest.mark.parametrize(
        ("metric", "query", "culprit"),
        [
            ("expenses/mom", {"mois_cible": 0, "annee_cible": 2026}, "mois_cible"),
            ("expenses/mom", {"mois_cible": 13, "annee_cible": 2026}, "mois_cible"),
            ("expenses/mom", {"mois_talon": "mars", "annee_talon": 2026}, "mois_talon"),
            ("expenses/mom", {"mois_cible": 3}, "annee_cible"),
            ("income/mom", {"annee_cible": 2026}, "mois_cible"),
            ("income/mom", {"annee_talon": 2026}, "mois_talon"),
            ("expenses/yoy", {"annee_cible": 1899}, "annee_cible"),
            ("expenses/yoy", {"annee_cible": 1900}, "annee_cible"),
            ("expenses/yoy", {"annee_talon": 99999}, "annee_talon"),
            ("expenses/mom", {"categorie": "Licornes"}, "categorie"),
            ("expenses/mom", {"categorie": "Aliment"}, "categorie"),
            ("expenses/mom", {"categorie": ""}, "categorie"),
            ("expenses/mom", {"type_transaction": "income"}, "type_transaction"),
            ("income/yoy", {"type_transaction": "expense"}, "type_transaction"),
            ("income/yoy", {"type_transaction": "anything"}, "type_transaction"),
            ("expenses/mom", {"comparison": "half"}, "comparison"),
            ("expenses/mom", {"marchand": "a\x00b"}, "marchand"),
            ("expenses/mom", {"marchand": "a" * 201}, "marchand"),
            ("coverage", {"mois": 13, "annee": 2026}, "mois"),
            ("coverage", {"mois": 1}, "annee"),
        ],
    )
    async def test_a_wrong_query_names_its_culprit(
        self, bank: Bank, start: Start, metric: str, query: dict[str, Any], culprit: str
    ) -> None:
        user = await bank.user()
        async with start(TODAY) as client:
            assert await refused(client, user, metric, **query) == [["query", culprit]]

    async def test_the_right_type_is_accepted(self, bank: Bank, start: Start) -> None:
        user = await bank.user()
        async with start(TODAY) as client:
            data = await ask(client, user, "income/mom", type_transaction="income")
        assert data["filtres_appliques"] == {
            "categorie": None,
            "marchand": None,
            "type_transaction": "income",
        }
