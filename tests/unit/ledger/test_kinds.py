from dataclasses import replace
from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.ledger.builders import (
    ACCOUNTS,
    CARD,
    CHECKING,
    CHECKING_AGAIN,
    DAY,
    EXCLUDED,
    EXPENSE,
    INCOME,
    REFUND,
    SAVINGS,
    SECOND_CONNECTION,
    by_id,
    entries,
    home,
    households,
    kinds,
    properties,
    row,
    rows,
)

from harena_ledger import categories
from harena_ledger.classify import classify
from harena_ledger.model import Account, AccountType, Correction, Household, Kind, Row


class TestClassify:
    def test_of_nothing_is_nothing(self) -> None:
        assert classify(home(), []) == {}

    def test_a_debit_is_an_expense_and_a_credit_is_income(self) -> None:
        assert kinds(row(1, "-0.01"), row(2, "0.01", "PRIME")) == [EXPENSE, INCOME]

    def test_a_row_of_an_account_that_is_not_given_is_refused(self) -> None:
        with pytest.raises(ValueError, match="Row 1 is on account 404"):
            entries(row(1, -10, account=404))

    def test_two_rows_of_one_id_are_refused(self) -> None:
        with pytest.raises(ValueError, match="same id"):
            entries(row(1, -10), row(1, -20))

    @given(households(), rows(), st.randoms(use_true_random=False))
    @properties
    def test_neither_the_order_of_arrival_nor_doing_it_again_matters(
        self, household: Household, some: list[Row], random: Random
    ) -> None:
        shuffled = random.sample(some, len(some))
        accounts = random.sample(household.accounts, len(household.accounts))

        assert classify(replace(household, accounts=tuple(accounts)), shuffled) == classify(
            household, some
        )

    @given(households(), rows())
    @properties
    def test_every_row_has_exactly_one_kind_that_suits_its_sign(
        self, household: Household, some: list[Row]
    ) -> None:
        found = classify(household, some)

        assert set(found) == {r.id for r in some}
        for r in some:
            entry = found[r.id]
            assert entry.row_id == r.id
            if r.deleted or not r.amount:
                assert entry.kind is Kind.excluded
            elif entry.kind is Kind.expense:
                assert r.amount < 0
            elif entry.kind in (Kind.income, Kind.refund):
                assert r.amount > 0

    @given(households(), rows())
    @properties
    def test_pairs_are_of_two_that_know_each_other(
        self, household: Household, some: list[Row]
    ) -> None:
        found, given_rows = classify(household, some), by_id(some)

        for entry in found.values():
            if entry.pair is not None:
                one, other = given_rows[entry.row_id], given_rows[entry.pair]
                assert found[other.id].pair == one.id
                assert one.amount == -other.amount
                assert one.account_id != other.account_id
                assert {entry.kind, found[other.id].kind} == {Kind.internal}
                # Five days for a transfer, ten for what settles a card.
                assert abs((one.occurred_on - other.occurred_on).days) <= 10

    @given(households(), rows())
    @properties
    def test_excluded_rows_take_part_in_nothing(
        self, household: Household, some: list[Row]
    ) -> None:
        found = classify(household, some)
        dead = {r.id for r in some if r.deleted or not r.amount}
        # An amount of 0 still shows that its connection was read that day, so those stay.
        living = [r for r in some if not r.deleted]

        assert {i: e for i, e in found.items() if by_id(some)[i] in living} == classify(
            household, living
        )
        assert not dead & {e.pair for e in found.values()}
        assert not dead & {e.refund_of for e in found.values()}


class TestExcluded:
    def test_deleted_rows_and_amounts_of_nothing(self) -> None:
        assert kinds(row(1, -10, deleted=True), row(2, 0)) == [EXCLUDED, EXCLUDED]

    def test_they_still_say_who_and_what(self) -> None:
        entry = entries(row(1, -10, "CB LIDL", deleted=True))[1]

        assert (entry.merchant, entry.category_id) == ("Lidl", categories.FOOD)

    def test_a_row_of_tomorrow_has_the_kind_of_its_day(self) -> None:
        assert kinds(row(1, -10, day=date(2099, 1, 1))) == [EXPENSE]


class TestSecondConnection:
    """The same account through another connection: the first one covers 5 to 10 November."""

    FIRST = (row(1, -10, day=date(2026, 11, 5)), row(2, -20, day=date(2026, 11, 10)))

    @pytest.mark.parametrize(
        ("day", "kind"),
        [
            pytest.param(date(2026, 11, 4), EXPENSE, id="the day before its first row"),
            pytest.param(date(2026, 11, 5), EXCLUDED, id="the day of its first row"),
            pytest.param(date(2026, 11, 7), EXCLUDED, id="a day on which it shows nothing"),
            pytest.param(date(2026, 11, 10), EXCLUDED, id="the day of its last row"),
            pytest.param(date(2026, 11, 11), EXPENSE, id="the day after its last row"),
        ],
    )
    def test_counts_only_where_the_first_shows_nothing(self, day: date, kind: str) -> None:
        found = kinds(
            *self.FIRST,
            row(3, -30, day=day, account=CHECKING_AGAIN),
            household=home(SECOND_CONNECTION),
        )

        assert found == [EXPENSE, EXPENSE, kind]

    def test_deleted_rows_cover_nothing(self) -> None:
        first = (*self.FIRST, row(4, -1, day=date(2026, 11, 20), deleted=True))

        found = kinds(
            *first,
            row(3, -30, day=date(2026, 11, 15), account=CHECKING_AGAIN),
            household=home(SECOND_CONNECTION),
        )

        assert found[-1] == EXPENSE

    def test_what_the_first_announced_for_after_it_was_last_read_covers_nothing(self) -> None:
        broken = replace(ACCOUNTS[0], last_sync_on=date(2026, 11, 10))
        household = replace(home(), accounts=(broken, *ACCOUNTS[1:], SECOND_CONNECTION))

        found = kinds(
            *self.FIRST,
            row(4, -99, "PRLV EDF", day=date(2026, 12, 5)),
            row(3, -30, day=date(2026, 11, 20), account=CHECKING_AGAIN),
            row(5, -97, "PRLV EDF", day=date(2026, 12, 5), account=CHECKING_AGAIN),
            household=household,
        )

        assert found == [EXPENSE, EXPENSE, EXCLUDED, EXPENSE, EXPENSE]

    def test_what_both_announce_counts_once(self) -> None:
        read_on = date(2026, 11, 10)
        accounts = (
            replace(ACCOUNTS[0], last_sync_on=read_on),
            replace(SECOND_CONNECTION, last_sync_on=read_on),
        )

        found = kinds(
            *self.FIRST,
            row(4, -99, "PRLV EDF", day=date(2026, 12, 5)),
            row(5, -99, "PRLV EDF", day=date(2026, 12, 5), account=CHECKING_AGAIN),
            household=replace(home(), accounts=accounts),
        )

        assert found == [EXPENSE, EXPENSE, EXPENSE, EXCLUDED]

    def test_of_three_connections_the_smallest_id_that_covers_the_day_counts(self) -> None:
        third = replace(SECOND_CONNECTION, id=CHECKING_AGAIN + 1)

        found = kinds(
            row(1, -10, day=date(2026, 11, 5), account=third.id),
            row(2, -10, day=date(2026, 11, 9), account=third.id),
            row(3, -10, day=date(2026, 11, 7), account=CHECKING_AGAIN),
            row(4, -10, day=date(2026, 11, 9), account=CHECKING_AGAIN),
            row(5, -10, day=date(2026, 11, 9), account=CHECKING),
            household=home(SECOND_CONNECTION, third),
        )

        assert found == [EXPENSE, EXCLUDED, EXPENSE, EXCLUDED, EXPENSE]

    def test_a_purchase_is_given_back_across_connections(self) -> None:
        found = entries(
            row(1, -10, "CB GALERIE", day=date(2026, 11, 5)),
            row(2, 10, "CB GALERIE", day=date(2026, 11, 9), account=CHECKING_AGAIN),
            household=home(SECOND_CONNECTION),
        )

        assert (found[2].kind.value, found[2].refund_of) == (REFUND, 1)

    def test_a_card_with_the_iban_of_its_checking_account_is_no_second_connection(self) -> None:
        card = Account(60, AccountType.card, "Visa", iban_hash="hash-1")

        found = kinds(*self.FIRST, row(3, -30, day=DAY, account=60), household=home(card))

        assert found == [EXPENSE] * 3

    def test_accounts_without_an_iban_have_nothing_in_common(self) -> None:
        other = Account(60, AccountType.card, "Visa")

        assert kinds(row(1, -10, account=CARD), row(2, -10, account=60), household=home(other)) == [
            EXPENSE,
            EXPENSE,
        ]


class TestCategory:
    @pytest.mark.parametrize(
        ("some", "expected"),
        [
            pytest.param(
                row(1, -10, "CB LIDL", category=categories.LEISURE), categories.LEISURE,
                id="the bank's",
            ),
            pytest.param(row(1, -10, "CB LIDL"), categories.FOOD, id="else the known merchant's"),
            pytest.param(
                row(1, -10, "CB LIDL", category=categories.UNCLASSIFIED), categories.FOOD,
                id="unclassified is none",
            ),
            pytest.param(row(1, -10, "CB LIDL", category=4242), categories.FOOD, id="unknown too"),
            pytest.param(
                row(1, -10, "CB LIDL", category=categories.OTHERS), categories.OTHERS,
                id="the bank's, however vague",
            ),
            pytest.param(row(1, -10, "CB GALERIE"), categories.UNCLASSIFIED, id="else none"),
            pytest.param(row(1, -700, "VIR LOYER SCI DES LILAS"), categories.RENT, id="rent"),
            pytest.param(
                row(1, -700, "VIR LOYER", category=categories.TRANSFERS_OUT), categories.RENT,
                id="rent, of which the bank has no category",
            ),
            pytest.param(
                row(1, -700, "PRLV FONCIA", category=categories.OTHER_PAYMENTS), categories.RENT,
                id="rent paid to a known agency",
            ),
            pytest.param(
                row(1, 700, "FONCIA", category=categories.OTHERS),
                categories.OTHERS,
                id="what an agency pays is no rent",
            ),
            pytest.param(
                row(1, -700, "VIR LOYER", category=categories.LEISURE), categories.LEISURE,
                id="what the bank is sure of is no rent",
            ),
            pytest.param(row(1, 700, "VIR LOYER"), categories.UNCLASSIFIED, id="rent received"),
            pytest.param(
                row(1, -70, "CB BOULOYER"), categories.UNCLASSIFIED, id="rent within a word"
            ),
            pytest.param(row(1, 2000, "VIR SALAIRE ACME"), categories.SALARY, id="a salary"),
            pytest.param(
                row(1, -2000, "VIR SALAIRE NOUNOU"), categories.UNCLASSIFIED, id="a salary paid"
            ),
        ],
    )  # fmt: skip
    def test_is(self, some: Row, expected: int) -> None:
        assert entries(some)[1].category_id == expected


class TestCorrections:
    def test_a_correction_wins_over_the_bank_and_over_what_we_know(self) -> None:
        household = home(corrections={"lidl": Correction("Lidl du coin", categories.RESTAURANTS)})

        entry = entries(
            row(1, -10, "CB LIDL 12/03", category=categories.FOOD), household=household
        )[1]

        assert entry.merchant == "Lidl du coin"
        assert entry.merchant_key == "lidl du coin"
        assert entry.category_id == categories.RESTAURANTS

    def test_a_name_alone_keeps_the_category_and_a_category_alone_the_name(self) -> None:
        named = home(corrections={"lidl": Correction(merchant_name="Le Lidl")})
        sorted_ = home(corrections={"lidl": Correction(category_id=categories.LEISURE)})

        one = entries(row(1, -10, "CB LIDL"), household=named)[1]
        other = entries(row(1, -10, "CB LIDL"), household=sorted_)[1]

        assert (one.merchant, one.category_id) == ("Le Lidl", categories.FOOD)
        assert (other.merchant, other.category_id) == ("Lidl", categories.LEISURE)

    def test_it_holds_for_that_merchant_and_for_no_other(self) -> None:
        household = home(corrections={"lidl": Correction(category_id=categories.LEISURE)})

        found = entries(
            row(1, -10, "CB LIDL 12/03"),
            row(2, -10, "CARTE 04/11 LIDL 4412"),
            row(3, -10, "CB ALDI"),
            household=household,
        )

        assert [found[i].category_id for i in (1, 2, 3)] == [
            categories.LEISURE,
            categories.LEISURE,
            categories.FOOD,
        ]

    def test_a_merchant_renamed_to_another_takes_what_was_said_of_that_one(self) -> None:
        household = home(
            corrections={
                "gal port": Correction("Galerie"),
                "galerie": Correction(category_id=categories.LEISURE),
            }
        )

        entry = entries(row(1, -10, "CB GAL PORT"), household=household)[1]

        assert (entry.merchant_key, entry.category_id) == ("galerie", categories.LEISURE)

    def test_renaming_goes_one_step_and_never_in_circles(self) -> None:
        household = home(corrections={"galerie": Correction("Port"), "port": Correction("Galerie")})

        found = entries(row(1, -1, "CB GALERIE"), row(2, -1, "CB PORT"), household=household)

        assert [found[i].merchant for i in (1, 2)] == ["Port", "Galerie"]

    def test_a_category_that_does_not_exist_is_none(self) -> None:
        household = home(corrections={"lidl": Correction(category_id=4242)})

        assert entries(row(1, -10, "CB LIDL"), household=household)[1].category_id == (
            categories.FOOD
        )  # fmt: skip

    def test_a_correction_can_turn_a_refund_into_income(self) -> None:
        household = home(corrections={"acme": Correction(category_id=categories.SALARY)})
        some = row(1, -10, "CB ACME", DAY - timedelta(days=3)), row(2, 10, "ACME")

        assert kinds(*some) == [EXPENSE, REFUND]
        assert kinds(*some, household=household) == [EXPENSE, INCOME]

    def test_a_savings_account_is_out_of_scope_but_its_rows_have_kinds(self) -> None:
        assert kinds(row(1, 12, "INTERETS 2026", account=SAVINGS)) == [INCOME]
