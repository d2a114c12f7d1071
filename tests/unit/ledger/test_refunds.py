from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from tests.unit.ledger.builders import (
    CARD,
    CHECKING,
    DAY,
    EXPENSE,
    INCOME,
    JOINT,
    REFUND,
    entries,
    home,
    households,
    kinds,
    properties,
    row,
    rows,
)

from harena_ledger import categories
from harena_ledger.lines import Line, read_lines
from harena_ledger.model import Correction, Household, Kind, Row
from harena_ledger.refunds import give_back

BOUGHT = DAY - timedelta(days=20)


def _given_back(*some: Row, id_: int = 2) -> tuple[int | None, Decimal | int]:
    entry = entries(*some)[id_]
    return entry.refund_of, entry.refunded


class TestByMerchant:
    def test_a_credit_from_where_something_was_bought_is_a_refund(self) -> None:
        purchase = row(1, -50, "CB GALERIE", BOUGHT)

        assert kinds(purchase, row(2, 50, "AVOIR CB GALERIE")) == [EXPENSE, REFUND]
        assert _given_back(purchase, row(2, 50, "AVOIR CB GALERIE")) == (1, Decimal(50))

    @pytest.mark.parametrize(
        ("bought", "kind"),
        [
            pytest.param(DAY, REFUND, id="on the same day"),
            pytest.param(DAY - timedelta(days=90), REFUND, id="90 days before"),
            pytest.param(DAY - timedelta(days=91), INCOME, id="91 days before"),
            pytest.param(DAY + timedelta(days=1), INCOME, id="the day after"),
        ],
    )
    def test_within_90_days(self, bought: date, kind: str) -> None:
        assert kinds(row(1, -50, "CB GALERIE", bought), row(2, 50, "CB GALERIE"))[1] == kind

    @pytest.mark.parametrize(
        "credit",
        [
            pytest.param(row(2, 50, "CB GALERIE DU PORT"), id="a longer name"),
            pytest.param(row(2, 50, "CB GALERI"), id="a shorter name"),
            pytest.param(row(2, 50, "CB GALERIE", currency="USD"), id="in another currency"),
            pytest.param(
                row(2, 50, "CB GALERIE", category=categories.SALARY), id="of class income"
            ),
            pytest.param(
                row(2, 50, "CB GALERIE", category=categories.TRANSFERS_IN), id="of class transfer"
            ),
            pytest.param(row(2, 50, "VIR GALERIE"), id="a transfer by its label"),
            pytest.param(row(2, 50, "GALERIE", operation="transfer"), id="a transfer"),
            pytest.param(row(2, 50, ""), id="of nobody"),
        ],
    )
    def test_anything_else_is_income(self, credit: Row) -> None:
        assert kinds(row(1, -50, "CB GALERIE", BOUGHT), credit) == [EXPENSE, INCOME]

    def test_two_lines_that_name_nobody_have_nothing_in_common(self) -> None:
        assert kinds(
            row(1, -50, "CHEQUE 1234567", BOUGHT), row(2, 50, "REMISE CHEQUE 7654321")
        ) == [EXPENSE, INCOME]

    def test_what_a_known_merchant_sends_by_transfer_is_a_refund(self) -> None:
        found = kinds(
            row(1, -80, "PRLV SEPA EDF", BOUGHT),
            row(2, 30, "VIR SEPA EDF TROP PERCU", operation="transfer"),
        )

        assert found == [EXPENSE, REFUND]

    def test_the_account_does_not_matter(self) -> None:
        assert _given_back(
            row(1, -50, "CB GALERIE", BOUGHT, CARD), row(2, 50, "CB GALERIE", account=CHECKING)
        ) == (1, 50)  # fmt: skip

    def test_nor_does_the_spelling(self) -> None:
        assert _given_back(
            row(1, -50, "CB 1", BOUGHT, merchant="Café du Port"), row(2, 50, "CB CAFE DU PORT")
        ) == (1, 50)  # fmt: skip

    def test_two_merchants_that_the_user_made_one_are_one(self) -> None:
        household = home(corrections={"gal port": Correction("Galerie")})

        found = entries(
            row(1, -50, "CB GALERIE", BOUGHT), row(2, 50, "CB GAL PORT"), household=household
        )

        assert found[2].refund_of == 1

    @pytest.mark.parametrize(
        "purchase",
        [
            pytest.param(row(1, -50, "CB GALERIE", BOUGHT, deleted=True), id="a deleted row"),
            pytest.param(row(1, 0, "CB GALERIE", BOUGHT), id="an authorisation of nothing"),
        ],
    )
    def test_excluded_rows_are_never_given_back(self, purchase: Row) -> None:
        assert kinds(purchase, row(2, 50, "CB GALERIE")) == ["excluded", INCOME]

    def test_half_of_a_transfer_is_never_given_back(self) -> None:
        found = kinds(
            row(1, -50, "VIR LIVRET", BOUGHT),
            row(3, 50, "VIR X", BOUGHT, JOINT),
            row(2, 20, "LIVRET"),
        )

        assert found == ["internal", "internal", INCOME]


class TestConsumption:
    def test_a_partial_refund_leaves_the_rest_for_another(self) -> None:
        found = entries(
            row(1, -100, "CB GALERIE", BOUGHT),
            row(2, 30, "CB GALERIE", DAY),
            row(3, 30, "CB GALERIE", DAY + timedelta(days=1)),
        )

        assert [found[i].refund_of for i in (2, 3)] == [1, 1]
        assert [found[i].refunded for i in (2, 3)] == [30, 30]

    def test_the_excess_is_income(self) -> None:
        assert _given_back(row(1, -30, "CB GALERIE", BOUGHT), row(2, 50, "CB GALERIE")) == (1, 30)

    def test_nothing_left_is_nothing_to_give_back(self) -> None:
        found = kinds(
            row(1, -50, "CB GALERIE", BOUGHT), row(2, 50, "CB GALERIE"), row(3, 50, "CB GALERIE")
        )

        assert found == [EXPENSE, REFUND, INCOME]

    def test_the_latest_with_enough_left_is_taken(self) -> None:
        found = _given_back(
            row(1, -80, "CB GALERIE", BOUGHT),
            row(3, -80, "CB GALERIE", BOUGHT + timedelta(days=2)),
            row(4, -20, "CB GALERIE", BOUGHT + timedelta(days=4)),
            row(2, 50, "CB GALERIE"),
        )

        assert found == (3, 50)

    def test_where_none_has_enough_the_latest_with_anything(self) -> None:
        found = _given_back(
            row(1, -40, "CB GALERIE", BOUGHT),
            row(3, -20, "CB GALERIE", BOUGHT + timedelta(days=4)),
            row(2, 50, "CB GALERIE"),
        )

        assert found == (3, 20)

    def test_on_one_day_the_smallest_id(self) -> None:
        found = _given_back(
            row(7, -50, "CB GALERIE", BOUGHT),
            row(5, -50, "CB GALERIE", BOUGHT),
            row(6, -50, "CB GALERIE", BOUGHT),
            row(2, 50, "CB GALERIE"),
        )

        assert found == (5, 50)

    def test_earlier_credits_are_served_first_whatever_their_ids(self) -> None:
        found = entries(
            row(1, -50, "CB GALERIE", BOUGHT),
            row(2, 40, "CB GALERIE", DAY + timedelta(days=1)),
            row(9, 40, "CB GALERIE", DAY),
        )

        assert [found[i].refunded for i in (9, 2)] == [40, 10]

    @given(households(), rows())
    @properties
    def test_is_that_of_looking_at_every_debit_in_turn(
        self, household: Household, some: list[Row]
    ) -> None:
        lines = [ln for ln in read_lines(household, some) if ln.amount and not ln.row.deleted]
        found = {
            id_: (refund.debit.id if refund.debit else None, refund.amount)
            for id_, refund in give_back(lines).items()
        }

        assert found == _every_debit_in_turn(lines)


def _every_debit_in_turn(lines: Sequence[Line]) -> dict[int, tuple[int | None, Decimal]]:
    """The definition, word by word, without a thought for speed."""
    left = {line.id: -line.amount for line in lines if line.amount < 0}
    found: dict[int, tuple[int | None, Decimal]] = {}
    for credit in sorted((ln for ln in lines if ln.amount > 0), key=lambda ln: (ln.day, ln.id)):
        wholly = credit.category_class == "refund"
        transfer = credit.category_class == "transfer" or (
            credit.like_transfer and not credit.known_merchant
        )
        if not wholly and (transfer or credit.category_class == "income"):
            continue
        debits = [
            line
            for line in lines
            if line.amount < 0
            and line.merchant_key is not None
            and (line.merchant_key, line.currency) == (credit.merchant_key, credit.currency)
            and timedelta(0) <= credit.day - line.day <= timedelta(days=90)
            and left[line.id] > 0
        ]
        debits.sort(key=lambda line: (line.day, -line.id), reverse=True)
        debits.sort(key=lambda line: left[line.id] < credit.amount)
        if debits:
            consumed = min(credit.amount, left[debits[0].id])
            left[debits[0].id] -= consumed
            found[credit.id] = debits[0].id, credit.amount if wholly else consumed
        elif wholly:
            found[credit.id] = None, credit.amount
    return found


class TestCategoryRemboursements:
    def test_is_wholly_a_refund_even_without_a_purchase(self) -> None:
        assert kinds(row(2, 50, "MUTUELLE", category=categories.REFUNDS)) == [REFUND]
        assert _given_back(row(2, 50, "MUTUELLE", category=categories.REFUNDS)) == (None, 50)

    def test_even_by_transfer(self) -> None:
        credit = row(2, 50, "VIR MUTUELLE", category=categories.REFUNDS, operation="transfer")

        assert kinds(credit) == [REFUND]

    def test_even_more_than_was_left_of_the_purchase(self) -> None:
        credit = row(2, 50, "GALERIE", category=categories.REFUNDS)

        assert _given_back(row(1, -30, "CB GALERIE", BOUGHT), credit) == (1, 50)

    def test_it_consumes_the_purchase_that_it_gives_back(self) -> None:
        found = kinds(
            row(1, -50, "CB GALERIE", BOUGHT),
            row(2, 50, "GALERIE", category=categories.REFUNDS),
            row(3, 50, "CB GALERIE"),
        )

        assert found == [EXPENSE, REFUND, INCOME]

    def test_a_debit_of_that_category_is_spending(self) -> None:
        assert kinds(row(1, -50, "X", category=categories.REFUNDS)) == [EXPENSE]

    def test_health_insurance_gives_back_without_a_category(self) -> None:
        assert kinds(row(2, 25, "VIR SEPA CPAM 75", operation="transfer")) == [REFUND]


class TestCategoryOfARefund:
    def test_is_its_debits(self) -> None:
        found = entries(
            row(1, -50, "CB GALERIE", BOUGHT, category=categories.CLOTHES),
            row(2, 50, "CB GALERIE", category=categories.OTHERS),
        )

        assert found[2].category_id == categories.CLOTHES

    def test_without_a_debit_its_own(self) -> None:
        found = entries(row(2, 50, "MUTUELLE", category=categories.REFUNDS))

        assert found[2].category_id == categories.REFUNDS
        assert categories.spending_class(found[2].category_id) == "variable"

    def test_follows_a_correction_of_the_debits(self) -> None:
        household = home(corrections={"galerie": Correction(category_id=categories.LEISURE)})

        found = entries(
            row(1, -50, "CB GALERIE", BOUGHT), row(2, 50, "CB GALERIE"), household=household
        )

        assert found[2].category_id == categories.LEISURE


class TestAlways:
    @given(households(), rows())
    @properties
    def test_no_purchase_gives_back_more_than_it_cost(
        self, household: Household, some: list[Row]
    ) -> None:
        found = entries(*some, household=household)
        given: dict[int, Decimal] = {}
        for some_row in some:
            entry = found[some_row.id]
            if entry.kind is not Kind.refund:
                assert entry.refund_of is None
                assert not entry.refunded
                continue
            assert 0 < entry.refunded <= some_row.amount
            if some_row.category_id == categories.REFUNDS:
                assert entry.refunded == some_row.amount
            else:
                assert entry.refund_of is not None
                given[entry.refund_of] = given.get(entry.refund_of, Decimal(0)) + entry.refunded
        by_id = {r.id: r for r in some}
        for debit, amount in given.items():
            assert found[debit].kind is Kind.expense
            assert amount <= -by_id[debit].amount
