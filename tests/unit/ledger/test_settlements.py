from dataclasses import replace
from datetime import date, timedelta

import pytest
from tests.unit.ledger.builders import (
    CARD,
    EXPENSE,
    INCOME,
    INTERNAL,
    JOINT,
    REFUND,
    SAVINGS,
    entries,
    home,
    kinds,
    row,
)

from harena_ledger import categories
from harena_ledger.model import Account, AccountType, Row

# October's purchases: 120.00 in all.
PURCHASES = (
    row(1, -70, "CB GALERIE DU PORT", date(2026, 10, 3), CARD, operation="card"),
    row(2, "-50.00", "CB CHEZ LEA", date(2026, 10, 31), CARD, operation="card"),
)
SETTLEMENT = row(10, -120, "DEBIT CARTE DIFFERE", date(2026, 11, 4))


def _kind_of_settlement(*others: Row, settlement: Row = SETTLEMENT) -> str:
    return entries(*others, settlement)[settlement.id].kind.value


class TestSettlement:
    def test_is_internal_and_the_purchases_count(self) -> None:
        assert kinds(*PURCHASES, SETTLEMENT) == [EXPENSE, EXPENSE, INTERNAL]

    def test_so_is_the_credit_that_the_card_shows_for_it(self) -> None:
        found = entries(
            *PURCHASES, SETTLEMENT, row(11, 120, "CREDIT CARTE", date(2026, 11, 4), CARD)
        )

        assert [found[i].kind.value for i in (10, 11)] == [INTERNAL, INTERNAL]
        assert (found[10].pair, found[11].pair) == (11, 10)

    @pytest.mark.parametrize(
        ("label", "operation"),
        [
            ("DEBIT CARTE DIFFERE", None),
            ("CARTE X1234 NOVEMBRE", "card"),
            ("RELEVE CARTE VISA PREMIER", "card"),
            ("PRLV SEPA CARTE DIFFEREE", "direct_debit"),
            ("FACTURE MENSUELLE", "deferred_debit_card"),
            ("REGLEMENT", None),
            ("PRELEVEMENT MENSUEL", "direct_debit"),
        ],
    )
    def test_whatever_the_bank_calls_it(self, label: str, operation: str | None) -> None:
        settlement = replace(SETTLEMENT, label=label, operation_type=operation)

        assert _kind_of_settlement(*PURCHASES, settlement=settlement) == INTERNAL

    def test_card_refunds_of_the_cycle_are_taken_off(self) -> None:
        refund = row(3, 20, "AVOIR CB CHEZ LEA", date(2026, 10, 20), CARD, operation="card")
        settlement = replace(SETTLEMENT, amount=SETTLEMENT.amount + 20)

        found = entries(*PURCHASES, refund, settlement)

        assert [found[i].kind.value for i in (3, 10)] == [INCOME, INTERNAL]

    def test_a_refund_after_its_purchase_stays_a_refund(self) -> None:
        refund = row(3, 20, "AVOIR CB GALERIE DU PORT", date(2026, 10, 20), CARD, operation="card")
        settlement = replace(SETTLEMENT, amount=SETTLEMENT.amount + 20)

        found = entries(*PURCHASES, refund, settlement)

        assert [found[i].kind.value for i in (3, 10)] == [REFUND, INTERNAL]

    def test_every_month_has_its_own(self) -> None:
        november = row(4, -35, "CB CHEZ LEA", date(2026, 11, 12), CARD)
        found = kinds(
            *PURCHASES,
            SETTLEMENT,
            november,
            row(11, 120, "CREDIT CARTE", date(2026, 11, 4), CARD),
            row(12, -35, "DEBIT CARTE DIFFERE", date(2026, 12, 4)),
        )

        assert found == [EXPENSE, EXPENSE, INTERNAL, EXPENSE, INTERNAL, INTERNAL]


class TestClosing:
    @pytest.mark.parametrize(
        ("first", "last", "settled_on"),
        [
            pytest.param("2026-10-01", "2026-10-31", "2026-10-31", id="on the closing day itself"),
            pytest.param("2026-10-01", "2026-10-31", "2026-11-10", id="ten days later"),
            pytest.param("2026-10-26", "2026-11-25", "2026-11-30", id="closing on the 25th"),
            pytest.param("2026-02-01", "2026-02-28", "2026-03-04", id="February is whole"),
            pytest.param("2024-02-01", "2024-02-29", "2024-03-04", id="in leap years too"),
            pytest.param("2026-11-01", "2026-11-30", "2026-12-04", id="30 days after 31"),
            pytest.param("2026-10-01", "2026-10-31", "2026-11-04", id="31 days after 30"),
            pytest.param("2026-12-29", "2027-01-28", "2027-02-02", id="across the year"),
            pytest.param("2026-03-01", "2026-03-30", "2026-04-02", id="the 30th, after 28 days"),
            pytest.param("2026-01-31", "2026-02-28", "2026-03-04", id="the 30th, in February"),
        ],
    )
    def test_cycles_end_at_any_day_and_know_short_months(
        self, first: str, last: str, settled_on: str
    ) -> None:
        opens, closes = date.fromisoformat(first), date.fromisoformat(last)
        purchases = (
            row(1, -70, "CB A", opens, CARD),
            row(2, -50, "CB B", closes, CARD),
            row(3, -11, "CB C", opens - timedelta(days=1), CARD),
            row(4, -12, "CB D", closes + timedelta(days=1), CARD),
        )
        settlement = replace(SETTLEMENT, occurred_on=date.fromisoformat(settled_on))

        assert _kind_of_settlement(*purchases, settlement=settlement) == INTERNAL

    @pytest.mark.parametrize(
        ("first", "last", "settled_on"),
        [
            pytest.param("2026-10-01", "2026-10-31", "2026-11-11", id="eleven days later"),
            pytest.param("2026-10-01", "2026-10-31", "2026-10-30", id="before the last purchase"),
            pytest.param("2026-09-30", "2026-10-31", "2026-11-04", id="more than a month"),
        ],
    )
    def test_what_is_no_cycle_is_not_settled(self, first: str, last: str, settled_on: str) -> None:
        purchases = (
            row(1, -70, "CB A", date.fromisoformat(first), CARD),
            row(2, -50, "CB B", date.fromisoformat(last), CARD),
        )
        settlement = replace(SETTLEMENT, occurred_on=date.fromisoformat(settled_on))

        assert _kind_of_settlement(*purchases, settlement=settlement) == EXPENSE


class TestNoSettlement:
    @pytest.mark.parametrize(
        "settlement",
        [
            pytest.param(replace(SETTLEMENT, amount=SETTLEMENT.amount + 1), id="another sum"),
            pytest.param(replace(SETTLEMENT, account_id=SAVINGS), id="on a savings account"),
            pytest.param(replace(SETTLEMENT, currency="USD"), id="in another currency"),
            pytest.param(replace(SETTLEMENT, label="PRLV EDF"), id="a known merchant"),
            pytest.param(replace(SETTLEMENT, label="CHEQUE 1234567"), id="a cheque"),
            pytest.param(replace(SETTLEMENT, label="RETRAIT DAB"), id="cash"),
            pytest.param(replace(SETTLEMENT, label="CB GARAGE DU PORT"), id="a purchase by card"),
        ],
    )
    def test_by(self, settlement: Row) -> None:
        assert _kind_of_settlement(*PURCHASES, settlement=settlement) == EXPENSE

    def test_that_one_purchase_cost_as_much_is_no_evidence(self) -> None:
        purchase = row(1, -50, "CB A", date(2026, 10, 3), CARD)

        assert _kind_of_settlement(
            purchase, settlement=row(10, -50, "VIR M MARTIN", date(2026, 11, 4))
        ) == EXPENSE  # fmt: skip
        assert _kind_of_settlement(
            purchase, settlement=row(10, -50, "DEBIT CARTE", date(2026, 11, 4))
        ) == INTERNAL  # fmt: skip

    def test_what_settles_a_card_is_no_half_of_a_transfer(self) -> None:
        settlement = replace(SETTLEMENT, label="VIR CARTE DIFFERE")

        found = entries(
            *PURCHASES, settlement, row(11, 120, "VIR X", settlement.occurred_on, JOINT)
        )

        assert (found[10].kind.value, found[10].pair) == (INTERNAL, None)
        assert found[11].kind.value == INCOME

    def test_a_purchase_is_settled_once(self) -> None:
        again = row(11, -120, "VIR M MARTIN", date(2026, 11, 2))

        assert kinds(*PURCHASES, again, SETTLEMENT) == [EXPENSE, EXPENSE, EXPENSE, INTERNAL]

    def test_purchases_that_were_deleted_are_not_paid_for(self) -> None:
        gone = row(3, -30, "CB C", date(2026, 10, 5), CARD, deleted=True)

        assert _kind_of_settlement(*PURCHASES, gone) == INTERNAL

    def test_the_user_can_say_that_it_is_none(self) -> None:
        household = home(own={"reglement": False})
        settlement = replace(SETTLEMENT, label="REGLEMENT")

        found = kinds(*PURCHASES, settlement, household=household)

        assert found == [EXPENSE, EXPENSE, EXPENSE]

    def test_without_the_card_account_the_debit_is_all_that_is_known_of_the_spending(self) -> None:
        assert kinds(SETTLEMENT) == [EXPENSE]


class TestCreditOnTheCard:
    @pytest.mark.parametrize(
        "credit",
        [
            pytest.param(
                row(11, 120, "AVOIR CB GALERIE DU PORT", date(2026, 11, 5), CARD), id="an avoir"
            ),
            pytest.param(row(11, 120, "ZARA", date(2026, 11, 5), CARD), id="from a known merchant"),
            pytest.param(
                row(11, 120, "X", date(2026, 11, 5), CARD, category=categories.REFUNDS),
                id="of category Remboursements",
            ),
            pytest.param(
                row(11, 120, "GALERIE DU PORT", date(2026, 11, 5), CARD), id="from where it bought"
            ),
            pytest.param(
                row(11, 120, "AVOIR CB MAGASIN", date(2026, 11, 5), CARD), id="a card refund"
            ),
            pytest.param(row(11, 120, "CREDIT", date(2026, 11, 15), CARD), id="eleven days later"),
            pytest.param(row(11, 120, "CREDIT", date(2026, 11, 4), JOINT), id="on another account"),
        ],
    )
    def test_that_is_something_else_is_not_taken_for_the_payment(self, credit: Row) -> None:
        found = entries(*PURCHASES, SETTLEMENT, credit)

        assert found[10].kind.value == INTERNAL
        assert found[11].kind.value in (REFUND, INCOME)

    def test_within_the_cycle_it_is_not_taken_off_the_purchases(self) -> None:
        credit = row(11, 120, "CREDIT CARTE", date(2026, 10, 31), CARD)

        assert kinds(*PURCHASES, credit, SETTLEMENT)[2:] == [INTERNAL, INTERNAL]

    def test_two_cards_have_each_their_own(self) -> None:
        other = Account(60, AccountType.card, "Visa de Lea")
        household = home(other)
        found = kinds(
            *PURCHASES,
            row(3, -60, "CB E", date(2026, 10, 6), 60),
            row(4, -60, "CB F", date(2026, 10, 8), 60),
            row(10, -120, "DEBIT CARTE DIFFERE", date(2026, 11, 4)),
            row(11, -120, "DEBIT CARTE DIFFERE", date(2026, 11, 4)),
            household=household,
        )

        assert found == [EXPENSE] * 4 + [INTERNAL] * 2
