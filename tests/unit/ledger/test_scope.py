from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from tests.unit.ledger.builders import (
    ACCOUNTS,
    CARD,
    CHECKING,
    CHECKING_AGAIN,
    JOINT,
    SAVINGS,
    SECOND_CONNECTION,
)

from harena_ledger.model import Account, AccountType
from harena_ledger.scope import (
    AccountSelection,
    InvalidSelection,
    SelectionMode,
    currency_of,
    select,
)

TODAY = date(2026, 11, 23)


def _selection(**setting: object) -> AccountSelection:
    return AccountSelection.parse(setting)


class TestSelect:
    def test_checking_and_card_accounts_count(self) -> None:
        assert select(ACCOUNTS).account_ids == {CHECKING, CARD, JOINT}

    @pytest.mark.parametrize("type_", sorted(set(AccountType) - {"checking", "card"}))
    def test_no_other_type_ever_counts(self, type_: AccountType) -> None:
        account = Account(50, type_, "Autre")

        assert select([account]).empty
        assert select([account], _selection(mode="include_specific", included_accounts=[50])).empty

    def test_excluded_types_are_left_out(self) -> None:
        scope = select(ACCOUNTS, _selection(mode="exclude_types", excluded_types=["card"]))

        assert scope.account_ids == {CHECKING, JOINT}

    def test_only_what_is_included_counts(self) -> None:
        scope = select(
            ACCOUNTS, _selection(mode="include_specific", included_accounts=[JOINT, SAVINGS, 777])
        )

        assert scope.account_ids == {JOINT}

    @pytest.mark.parametrize(
        "selection",
        [
            _selection(mode="include_specific", included_accounts=[]),
            _selection(mode="include_specific"),
            _selection(mode="include_specific", included_accounts=[777]),
            _selection(mode="exclude_types", excluded_types=["card", "checking"]),
        ],
    )
    def test_an_empty_scope_is_no_account_and_never_all(self, selection: AccountSelection) -> None:
        scope = select(ACCOUNTS, selection)

        assert scope.empty
        assert scope.account_ids == frozenset()
        assert scope.accounts_used().accounts == ()

    def test_lists_of_another_mode_say_nothing(self) -> None:
        selection = _selection(mode="all", excluded_types=["card"], included_accounts=[JOINT])

        assert select(ACCOUNTS, selection).account_ids == {CHECKING, CARD, JOINT}


class TestReconnection:
    def test_both_connections_of_an_included_account_count(self) -> None:
        selection = _selection(mode="include_specific", included_accounts=[CHECKING])

        scope = select((*ACCOUNTS, SECOND_CONNECTION), selection)

        assert scope.account_ids == {CHECKING, CHECKING_AGAIN}

    def test_an_account_keeps_its_place_when_its_first_connection_is_gone(self) -> None:
        selection = _selection(mode="include_specific", included_accounts=[CHECKING])
        stored = AccountSelection.parse(selection.placed(ACCOUNTS).setting())
        now = (*(a for a in ACCOUNTS if a.id != CHECKING), SECOND_CONNECTION)

        assert select(now, stored).account_ids == {CHECKING_AGAIN}

    def test_an_account_taken_out_of_the_list_loses_its_place(self) -> None:
        placed = _selection(mode="include_specific", included_accounts=[CHECKING]).placed(ACCOUNTS)
        setting = placed.setting() | {"included_accounts": [JOINT]}
        now = (*(a for a in ACCOUNTS if a.id != CHECKING), SECOND_CONNECTION)

        assert select(now, AccountSelection.parse(setting)).account_ids == {JOINT}

    def test_a_save_forgets_the_place_of_what_was_taken_out(self) -> None:
        placed = _selection(mode="include_specific", included_accounts=[CHECKING]).placed(ACCOUNTS)
        setting = placed.setting() | {"included_accounts": [JOINT]}

        assert AccountSelection.parse(setting).placed(ACCOUNTS).included_places == {JOINT: "hash-4"}

    def test_places_survive_a_save_that_no_longer_finds_the_account(self) -> None:
        placed = _selection(mode="include_specific", included_accounts=[CHECKING]).placed(ACCOUNTS)

        assert placed.placed([SECOND_CONNECTION]) == placed

    def test_a_card_with_the_iban_of_its_checking_account_is_another_account(self) -> None:
        card = Account(60, AccountType.card, "Visa", iban_hash="hash-1")
        chosen = _selection(mode="include_specific", included_accounts=[CHECKING])
        selection = chosen.placed(ACCOUNTS)

        assert select((*ACCOUNTS, card), selection).account_ids == {CHECKING}
        assert select((*ACCOUNTS, card)).accounts_used().used_accounts == 4


class TestParse:
    @pytest.mark.parametrize("setting", [None, {}, {"mode": None}, {"mode": "all"}])
    def test_nothing_is_all(self, setting: object) -> None:
        assert AccountSelection.parse(setting).mode is SelectionMode.all

    @pytest.mark.parametrize(
        "setting",
        [
            pytest.param({"mode": "everything"}, id="an unknown mode"),
            pytest.param({"mode": "ALL"}, id="a mode in capitals"),
            pytest.param({"mode": 3}, id="a number for a mode"),
            pytest.param({"mode": ["all"]}, id="a list for a mode"),
            pytest.param(["all"], id="a list for the setting"),
            pytest.param({"excluded_types": "card"}, id="a word for a list"),
            pytest.param({"excluded_types": [1]}, id="numbers for types"),
            pytest.param({"included_accounts": ["one"]}, id="words for ids"),
            pytest.param({"included_accounts": [True]}, id="a truth for an id"),
            pytest.param({"included_accounts": [1.5]}, id="a fraction for an id"),
            pytest.param({"included_accounts": {"1": 1}}, id="an object for ids"),
            pytest.param({"included_places": [1]}, id="a list for places"),
        ],
    )
    def test_what_cannot_be_used_is_refused(self, setting: object) -> None:
        with pytest.raises(InvalidSelection, match="account_selection"):
            AccountSelection.parse(setting)

    def test_ids_may_be_strings_of_digits(self) -> None:
        parsed = _selection(mode="include_specific", included_accounts=["1", 4])

        assert parsed.included_accounts == {1, 4}

    def test_what_is_stored_is_read_back(self) -> None:
        selection = _selection(
            mode="include_specific", included_accounts=[CHECKING, CARD], excluded_types=["card"]
        ).placed(ACCOUNTS)

        assert AccountSelection.parse(selection.setting()) == selection


class TestAccountsUsed:
    def test_says_what_counts_and_out_of_how_many(self) -> None:
        used = select(ACCOUNTS, _selection(mode="exclude_types", excluded_types=["card"]))

        answer = used.accounts_used()

        assert (answer.total_accounts, answer.eligible_accounts, answer.used_accounts) == (5, 3, 2)
        assert answer.selection_mode == "exclude_types"
        assert [(a.bridge_account_id, a.account_name) for a in answer.accounts] == [
            (CHECKING, "Compte courant"),
            (JOINT, "Compte joint"),
        ]

    def test_an_account_seen_twice_is_one_account_as_it_was_last_read(self) -> None:
        old = replace(ACCOUNTS[0], balance=Decimal(1), last_sync_on=date(2026, 5, 1))
        new = replace(SECOND_CONNECTION, balance=Decimal(2), last_sync_on=date(2026, 11, 22))

        answer = select((new, old)).accounts_used()

        assert (answer.total_accounts, answer.used_accounts) == (1, 1)
        assert [(a.bridge_account_id, a.balance) for a in answer.accounts] == [
            (CHECKING_AGAIN, Decimal(2))
        ]

    @pytest.mark.parametrize(("currency", "shown"), [(None, "EUR"), ("usd", "USD")])
    def test_a_currency_is_never_null(self, currency: str | None, shown: str) -> None:
        account = replace(ACCOUNTS[0], currency=currency)

        assert select([account]).accounts_used().accounts[0].currency == shown

    @pytest.mark.parametrize(
        ("row", "account", "expected"),
        [(None, None, "EUR"), (None, "USD", "USD"), ("GBP", "USD", "GBP"), ("EUR", "USD", "EUR")],
    )
    def test_a_row_is_in_its_own_currency_else_the_accounts(
        self, row: str | None, account: str | None, expected: str
    ) -> None:
        assert currency_of(replace(ACCOUNTS[0], currency=account), row) == expected


class TestAsOf:
    @pytest.mark.parametrize(
        ("checking", "joint", "expected"),
        [
            pytest.param(None, None, TODAY, id="never said: today"),
            pytest.param(TODAY, TODAY, TODAY, id="read today"),
            pytest.param(date(2026, 11, 24), None, TODAY, id="a clock ahead of ours"),
            pytest.param(date(2026, 11, 21), None, date(2026, 11, 21), id="two days late"),
            pytest.param(TODAY, date(2026, 11, 20), date(2026, 11, 20), id="the later one counts"),
            pytest.param(date(2026, 3, 1), None, date(2026, 3, 1), id="all are late"),
            pytest.param(TODAY, date(2026, 3, 1), TODAY, id="a broken one holds nobody back"),
        ],
    )
    def test_is_the_last_day_on_which_all_were_read(
        self, checking: date | None, joint: date | None, expected: date
    ) -> None:
        accounts = [
            replace(ACCOUNTS[0], last_sync_on=checking),
            replace(ACCOUNTS[3], last_sync_on=joint),
        ]

        assert select(accounts).as_of(TODAY) == expected

    def test_accounts_out_of_scope_hold_nobody_back(self) -> None:
        savings = replace(ACCOUNTS[1], last_sync_on=date(2026, 11, 1))

        assert select([replace(ACCOUNTS[0], last_sync_on=TODAY), savings]).as_of(TODAY) == TODAY

    def test_a_reconnected_account_is_as_fresh_as_its_new_connection(self) -> None:
        old = replace(ACCOUNTS[0], last_sync_on=date(2026, 11, 5))
        new = replace(SECOND_CONNECTION, last_sync_on=TODAY)

        assert select([old, new]).as_of(TODAY) == TODAY
