from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from hypothesis import given
from tests.unit.ledger.builders import (
    CARD,
    CHECKING,
    CHECKING_AGAIN,
    DAY,
    EXPENSE,
    INCOME,
    INTERNAL,
    JOINT,
    LOAN,
    REFUND,
    SAVINGS,
    SECOND_CONNECTION,
    entries,
    home,
    households,
    kinds,
    properties,
    row,
    rows,
)

from harena_ledger import categories
from harena_ledger.lines import read_lines
from harena_ledger.model import Account, AccountType, Household, Row
from harena_ledger.transfers import pair

BOTH = [INTERNAL, INTERNAL]
NEITHER = [EXPENSE, INCOME]


def _days_later(days: int) -> date:
    return DAY + timedelta(days=days)


class TestBothLookLikeTransfers:
    @pytest.mark.parametrize(
        ("debit", "credit"),
        [
            ("VIREMENT MARTIN", "VIR RECU"),
            ("VERSEMENT", "EPARGNE"),
            ("vir sepa martin", "Épargne"),
        ],
    )
    def test_by_their_labels(self, debit: str, credit: str) -> None:
        assert kinds(row(1, -100, debit), row(2, 100, credit, account=SAVINGS)) == BOTH

    def test_by_their_operations(self) -> None:
        assert (
            kinds(
                row(1, -100, "MARTIN", operation="transfer"),
                row(2, 100, "MARTIN", account=JOINT, operation="transfer"),
            )
            == BOTH
        )

    def test_by_their_categories(self) -> None:
        assert (
            kinds(
                row(1, -100, "MARTIN", category=categories.TRANSFERS_OUT),
                row(2, 100, "MARTIN", account=JOINT, category=categories.TRANSFERS_IN),
            )
            == BOTH
        )

    def test_one_by_its_label_and_one_by_its_operation(self) -> None:
        assert (
            kinds(row(1, -100, "VIR X"), row(2, 100, "X", account=JOINT, operation="transfer"))
            == BOTH
        )

    def test_each_half_knows_the_other(self) -> None:
        found = entries(row(1, -100, "VIR X"), row(2, 100, "VIR Y", account=JOINT))

        assert (found[1].pair, found[2].pair) == (2, 1)

    def test_rent_that_moves_to_the_joint_account_first_is_no_rent_yet(self) -> None:
        assert (
            kinds(
                row(1, -700, "VIR COMPTE JOINT LOYER"),
                row(2, 700, "VIR LOYER", account=JOINT),
                row(3, -700, "PRLV FONCIA", account=JOINT),
            )
            == [INTERNAL, INTERNAL, EXPENSE]
        )  # fmt: skip


class TestNoPair:
    @pytest.mark.parametrize(
        ("debit", "credit"),
        [
            pytest.param(
                row(1, -100, "VIR X"), row(2, 100, "VIR Y"), id="on one and the same account"
            ),
            pytest.param(
                row(1, -100, "VIR X"), row(2, "100.01", "VIR Y", account=JOINT), id="a cent apart"
            ),
            pytest.param(
                row(1, -100, "VIR X"),
                row(2, 100, "VIR Y", account=JOINT, currency="USD"),
                id="in another currency",
            ),
            pytest.param(
                row(1, -100, "VIR X"), row(2, 100, "VIR Y", _days_later(6), JOINT), id="six days on"
            ),
            pytest.param(
                row(1, -100, "VIR X", _days_later(6)), row(2, 100, "VIR Y", account=JOINT),
                id="six days before",
            ),
            pytest.param(
                row(1, -100, "MARTIN"), row(2, 100, "VIR X", account=JOINT), id="only one looks so"
            ),
            pytest.param(
                row(1, -100, "VIR X"), row(2, 100, "SALAIRE", account=JOINT), id="one is a salary"
            ),
            pytest.param(
                row(1, -100, "VIR X"),
                row(2, 100, "VIR ACME", account=JOINT, category=categories.SALARY),
                id="the bank knows the salary",
            ),
            pytest.param(
                row(1, -100, "VIR X"), row(2, 100, "VIR CAF", account=JOINT), id="an allowance"
            ),
            pytest.param(
                row(1, -100, "VIR HENRI DUPONT", operation="card"),
                row(2, 100, "VIR X", account=JOINT),
                id="a card payment, whatever it names",
            ),
            pytest.param(
                row(1, -100, "CB VIR ET VOLTE"), row(2, 100, "VIR X", account=JOINT),
                id="a card payment by its label",
            ),
            pytest.param(
                row(1, -100, "PRLV EPARGNE RETRAITE"), row(2, 100, "VIR X", account=JOINT),
                id="a direct debit",
            ),
            pytest.param(
                row(1, -100, "VIR LIVRET A", operation="direct_debit"),
                row(2, 100, "VIR X", account=SAVINGS),
                id="a direct debit that names the other account",
            ),
            pytest.param(
                row(1, -100, "VIR EDF"), row(2, 100, "VIR X", account=JOINT), id="a known merchant"
            ),
            pytest.param(
                row(1, -100, "VIR 1", merchant="Netflix"), row(2, 100, "VIR X", account=JOINT),
                id="a known merchant by the bank's name",
            ),
            pytest.param(
                row(1, -100, "RETRAIT DAB"), row(2, 100, "VIR HENRI DUPONT", account=JOINT),
                id="cash, although the credit names the user",
            ),
            pytest.param(
                row(1, -100, "VIR X"), row(2, 100, "VERSEMENT ESPECES", account=JOINT),
                id="cash that is paid in",
            ),
            pytest.param(
                row(1, -100, "VIR HENRI DUPONT"), row(2, 100, "VERSEMENT ESPECES", account=JOINT),
                id="cash that is paid in, although the debit names the user",
            ),
            pytest.param(
                row(1, -100, "VIR X"), row(2, 100, "REMISE CHEQUE", account=JOINT), id="a cheque"
            ),
            pytest.param(
                row(1, -100, "VIR X"), row(2, 100, "VERSEMENT ESPECES HENRI DUPONT", account=JOINT),
                id="cash that is paid in under the user's name",
            ),
            pytest.param(
                row(1, -100, "VIRGIN"), row(2, 100, "VIR X", account=JOINT), id="half a word"
            ),
        ],
    )  # fmt: skip
    def test_is_made(self, debit: Row, credit: Row) -> None:
        assert kinds(debit, credit) == NEITHER

    def test_between_two_connections_to_one_account(self) -> None:
        household = home(SECOND_CONNECTION)

        # The second connection shows the days before the first one began.
        found = kinds(
            row(1, -100, "VIR X"),
            row(2, 100, "VIR Y", _days_later(-2), CHECKING_AGAIN),
            household=household,
        )

        assert found == NEITHER

    def test_with_a_deleted_half(self) -> None:
        found = kinds(row(1, -100, "VIR X"), row(2, 100, "VIR Y", account=JOINT, deleted=True))

        assert found == [EXPENSE, "excluded"]

    def test_for_what_a_loan_is_paid_back_with(self) -> None:
        found = kinds(
            row(1, -900, "ECHEANCE PRET IMMOBILIER"),
            row(2, 900, "VIREMENT PRET IMMOBILIER", account=LOAN),
        )

        assert found[0] == EXPENSE

    def test_a_loan_that_is_paid_out_is_no_income(self) -> None:
        found = kinds(
            row(1, -9000, "VIREMENT DEBLOCAGE", account=LOAN),
            row(2, 9000, "VIR PRET IMMOBILIER"),
        )

        assert found == BOTH

    def test_a_transfer_to_an_account_we_do_not_know_is_spending(self) -> None:
        assert kinds(row(1, -100, "VIR LIVRET BOURSORAMA")) == [EXPENSE]


class TestOneNamesTheOther:
    @pytest.mark.parametrize(
        ("debit", "credit"),
        [
            pytest.param("MVT LIVRET A", "INCONNU", id="the account by name"),
            pytest.param("INCONNU", "MVT HENRI DUPONT", id="the user"),
            pytest.param("MVT DUPONT HENRI", "INCONNU", id="the user, family name first"),
            pytest.param("MVT CPT 8812", "INCONNU", id="the account by its last digits"),
            pytest.param("MVT FR7630004000031234567898812", "INCONNU", id="by IBAN"),
            pytest.param("MVT FR76 3000 4000 0312 3456 7898 812", "INCONNU", id="by printed IBAN"),
            pytest.param("MVT XXXXXX8812", "INCONNU", id="by masked IBAN"),
        ],
    )
    def test_so_one_is_enough(self, debit: str, credit: str) -> None:
        assert kinds(row(1, -100, debit), row(2, 100, credit, account=SAVINGS)) == BOTH

    @pytest.mark.parametrize(
        "debit",
        [
            pytest.param("MVT COMPTE JOINT", id="another account than the other half's"),
            pytest.param("MVT 0143", id="its own account"),
            pytest.param("MVT HENRI", id="a first name"),
            pytest.param("MVT DUPONTEL HENRI", id="a longer name"),
            pytest.param("MVT LIVRET ABC", id="a longer account name"),
            pytest.param("MVT 08812", id="more digits"),
            pytest.param("MVT X12345678812345", id="digits in the middle"),
        ],
    )
    def test_naming_less_is_not(self, debit: str) -> None:
        assert kinds(row(1, -100, debit), row(2, 100, "INCONNU", account=SAVINGS)) == NEITHER

    @pytest.mark.parametrize("name", ["Compte", "Épargne", "CB", "", " - "])
    def test_an_account_whose_name_is_any_accounts_is_not_named_by_it(self, name: str) -> None:
        household = home(Account(50, AccountType.savings, name))
        found = kinds(
            row(1, -100, "FRAIS DE COMPTE EPARGNE - CB", operation="unknown"),
            row(2, 100, "INTERETS", account=50),
            household=household,
        )

        assert found == NEITHER

    def test_two_words_name_an_account_however_common(self) -> None:
        assert kinds(
            row(1, -100, "VERS COMPTE COURANT", account=SAVINGS), row(2, 100, "INCONNU")
        ) == BOTH  # fmt: skip

    def test_a_user_of_one_name_is_not_named_by_it(self) -> None:
        household = Household(home().accounts, holder_names=("Henri",))

        assert (
            kinds(row(1, -100, "MVT HENRI"), row(2, 100, "X", account=JOINT), household=household)
            == NEITHER
        )

    def test_a_year_is_no_account_number(self) -> None:
        household = home(Account(50, AccountType.savings, "PEL", iban_last4="2026"))

        found = kinds(
            row(1, -100, "COTISATION 2026"), row(2, 100, "INTERETS", account=50),
            household=household,
        )  # fmt: skip

        assert found == NEITHER

    def test_a_user_who_is_called_like_a_merchant_still_moves_money(self) -> None:
        namesake = Household(home().accounts, holder_names=("Jean Darty",))
        transfer = row(1, -100, "VIR DARTY JEAN"), row(2, 100, "VIR X", account=SAVINGS)

        assert kinds(*transfer, household=namesake) == BOTH
        assert kinds(*transfer) == NEITHER


class TestChoice:
    def test_the_nearest_in_time_is_taken(self) -> None:
        found = entries(
            row(1, -100, "VIR X"),
            row(2, 100, "VIR Y", _days_later(3), JOINT),
            row(3, 100, "VIR Y", _days_later(1), JOINT),
            row(4, 100, "VIR Y", _days_later(-2), JOINT),
        )

        assert found[1].pair == 3
        assert [found[i].kind.value for i in (2, 4)] == [INCOME, INCOME]

    def test_then_the_smallest_ids(self) -> None:
        found = entries(
            row(7, 100, "VIR Y", account=JOINT),
            row(5, -100, "VIR X"),
            row(6, -100, "VIR X"),
            row(8, 100, "VIR Y", account=SAVINGS),
        )

        assert {i: found[i].pair for i in found} == {5: 7, 7: 5, 6: 8, 8: 6}

    def test_five_days_are_near_enough_across_a_month(self) -> None:
        assert (
            kinds(
                row(1, -100, "VIR X", date(2026, 2, 26)),
                row(2, 100, "VIR Y", date(2026, 3, 3), JOINT),
            )
            == BOTH
        )

    def test_each_row_pairs_once(self) -> None:
        found = kinds(
            row(1, -100, "VIR X"),
            row(2, 100, "VIR Y", account=JOINT),
            row(3, 100, "VIR Y", account=SAVINGS),
        )

        assert found == [INTERNAL, INTERNAL, INCOME]

    def test_money_passed_on_is_two_transfers(self) -> None:
        assert (
            kinds(
                row(1, -100, "VIR X", account=SAVINGS),
                row(2, 100, "VIR X"),
                row(3, -100, "VIR X"),
                row(4, 100, "VIR X", account=JOINT),
            )
            == [INTERNAL] * 4
        )

    def test_days_at_the_ends_of_the_calendar_are_days(self) -> None:
        for day in (date.min, date.max):
            assert (
                kinds(row(1, -100, "VIR X", day), row(2, 100, "VIR Y", day, account=JOINT)) == BOTH
            )

    @given(households(), rows())
    @properties
    def test_is_that_of_trying_every_pair_in_order(
        self, household: Household, some: list[Row]
    ) -> None:
        lines = [ln for ln in read_lines(household, some) if ln.amount and not ln.row.deleted]

        assert pair(household, lines) == _every_pair_in_order(household, some)

    def test_does_not_depend_on_the_order_of_the_lines(self) -> None:
        some = [
            row(5, -100, "VIR X"),
            row(6, -100, "VIR X"),
            row(7, 100, "VIR Y", account=JOINT),
            row(8, 100, "VIR Y", account=JOINT),
        ]
        lines = read_lines(home(), some)

        assert pair(home(), lines[::-1]) == pair(home(), lines) == {5: 7, 7: 5, 6: 8, 8: 6}


def _every_pair_in_order(household: Household, some: Sequence[Row]) -> dict[int, int]:
    """The definition, word by word, without a thought for speed: whether two rows may pair is asked
    of the two alone.
    """
    lines = [ln for ln in read_lines(household, some) if ln.amount and not ln.row.deleted]
    candidates = []
    for debit in lines:
        for credit in lines:
            apart = abs((debit.day - credit.day).days)
            if debit.amount < 0 < credit.amount and debit.amount == -credit.amount and apart <= 5:
                if pair(household, [debit, credit]):
                    candidates.append((apart, *sorted((debit.id, credit.id))))
    pairs: dict[int, int] = {}
    for _, one, other in sorted(candidates):
        if one not in pairs and other not in pairs:
            pairs[one], pairs[other] = other, one
    return pairs


class TestOwnCounterparty:
    def test_marked_as_own_a_transfer_to_an_unknown_account_is_internal(self) -> None:
        household = home(own={"livret boursorama": True})

        found = entries(row(1, -100, "VIR LIVRET BOURSORAMA NOVEMBRE"), household=household)

        assert (found[1].kind.value, found[1].pair) == (INTERNAL, None)

    def test_the_mark_holds_for_what_comes_back(self) -> None:
        household = home(own={"livret boursorama": True})

        assert kinds(row(1, 100, "VIR RECU DE LIVRET BOURSORAMA"), household=household) == [
            INTERNAL
        ]

    def test_and_for_no_other_counterparty(self) -> None:
        household = home(own={"livret boursorama": True})

        assert kinds(row(1, -100, "VIR BOURSORAMA"), household=household) == [EXPENSE]

    def test_a_payment_to_the_same_name_stays_what_it_is(self) -> None:
        household = home(own={"boursorama": True})

        found = kinds(
            row(1, -9, "PRLV BOURSORAMA"), row(2, -9, "CB BOURSORAMA"), row(3, -9, "BOURSORAMA"),
            household=household,
        )  # fmt: skip

        assert found == [EXPENSE] * 3

    def test_the_mark_says_more_than_the_banks_category(self) -> None:
        household = home(own={"acme": True})

        assert kinds(
            row(1, 100, "VIR ACME", category=categories.SALARY), household=household
        ) == [INTERNAL]  # fmt: skip

    def test_and_pairs_with_what_says_nothing_of_a_transfer(self) -> None:
        household = home(own={"acme": True})

        found = entries(
            row(1, 100, "VIR ACME", category=categories.SALARY),
            row(2, -100, "DEPART", account=SAVINGS),
            household=household,
        )

        assert (found[1].pair, found[2].pair) == (2, 1)

    def test_once_its_account_is_connected_it_pairs_like_any_other(self) -> None:
        household = home(own={"livret boursorama": True})

        found = entries(
            row(1, -100, "VIR LIVRET BOURSORAMA"),
            row(2, 100, "ARRIVEE", account=SAVINGS),
            household=household,
        )

        assert (found[1].pair, found[2].pair) == (2, 1)

    def test_marked_as_not_own_it_is_never_internal(self) -> None:
        household = home(own={"martin": False})
        transfer = row(1, -100, "VIR MARTIN"), row(2, 100, "VIR X", account=JOINT)

        assert kinds(*transfer) == BOTH
        assert kinds(*transfer, household=household) == NEITHER

    def test_the_other_half_is_free_for_another(self) -> None:
        household = home(own={"martin": False})

        found = entries(
            row(1, -100, "VIR MARTIN"),
            row(2, -100, "VIR DURAND", _days_later(2)),
            row(3, 100, "VIR X", account=JOINT),
            household=household,
        )

        assert (found[1].kind.value, found[2].pair) == (EXPENSE, 3)


class TestTransfersThatComeBack:
    def test_money_returned_by_a_person_is_income_not_a_refund(self) -> None:
        assert kinds(row(1, -50, "VIR M MARTIN"), row(2, 20, "VIR M MARTIN")) == [EXPENSE, INCOME]

    def test_a_card_account_can_be_half_of_one(self) -> None:
        assert kinds(
            row(1, -50, "VIR X"), row(2, 50, "VIR X", account=CARD)
        ) == BOTH  # fmt: skip

    def test_a_refund_between_own_accounts_is_a_transfer_first(self) -> None:
        found = kinds(
            row(1, -50, "VIR LIVRET A"),
            row(2, 50, "VIR X", account=SAVINGS, category=categories.REFUNDS),
            row(3, 50, "ZARA", category=categories.REFUNDS),
        )

        assert found == [INTERNAL, INTERNAL, REFUND]

    def test_the_checking_account_of_the_pair_may_be_any(self) -> None:
        assert kinds(
            row(1, -50, "VIR X", account=JOINT), row(2, 50, "VIR X", account=CHECKING)
        ) == BOTH  # fmt: skip
