"""The demo households are what they say: the same each time, believable, and known to the row."""

from collections import Counter, defaultdict
from datetime import date, timedelta
from decimal import Decimal
from functools import cache

import pytest

from harena_demo import generator
from harena_demo.book import ID_BITS
from harena_demo.calendar import BankMonth
from harena_demo.cases import STORIES
from harena_demo.generator import DEFAULT_SEED, DEMO_LOGINS, PEOPLE, households
from harena_demo.model import DemoAccount, DemoHousehold, DemoRow
from harena_ledger import categories
from harena_ledger.classify import classify
from harena_ledger.model import AccountType, CategoryClass, Kind

TODAY = date(2026, 11, 23)
EMAILS = [user.email for user in DEMO_LOGINS]
HENRI, LEA, SANDRINE, THOMAS = EMAILS

# A day like others, the last of a month on a week-end, the last of February, and a day before the
# first month that the households have by themselves.
DAYS = [TODAY, date(2026, 10, 31), date(2026, 2, 28), date(2023, 6, 15)]
SEEDS = [DEFAULT_SEED, 1]


@cache
def made(today: date = TODAY, seed: int = DEFAULT_SEED) -> dict[str, DemoHousehold]:
    return {household.user.email: household for household in households(seed, today)}


def recent(first: BankMonth, today: date, seed: int = DEFAULT_SEED) -> list[DemoHousehold]:
    """With a short history: as good for what happens within weeks, and much faster."""
    return [generator.household(person, seed, first, today) for person in PEOPLE]


def stories(household: DemoHousehold) -> Counter[str | None]:
    return Counter(truth.story for truth in household.truths.values())


def rows_of(household: DemoHousehold, account: DemoAccount) -> list[DemoRow]:
    number = account.bridge_account_id
    return [row for row in household.rows if row.bridge_account_id == number]


def test_the_same_seed_and_day_give_the_same_households() -> None:
    assert households(DEFAULT_SEED, TODAY) == list(made().values())


def test_another_seed_gives_other_rows_with_other_ids() -> None:
    for email in EMAILS:
        assert not made()[email].truths.keys() & made(seed=1)[email].truths.keys()


@pytest.mark.parametrize(
    "start",
    [date(2026, 8, 27), date(2026, 12, 28), date(2028, 2, 26), date(2025, 1, 15), date(2025, 3, 1)],
    ids=["month", "year", "leap day", "student connects again", "husband connects"],
)
def test_the_next_day_has_the_same_rows_and_more(start: date) -> None:
    first = BankMonth.of(start).shifted(-4)
    before = recent(first, start)
    for n in range(1, 7):
        after = recent(first, start + timedelta(days=n))
        for earlier, later in zip(before, after, strict=True):
            assert settled(earlier).items() <= settled(later).items()
        before = after


def test_the_next_day_reaches_as_far_back() -> None:
    for earlier, later in zip(
        households(1, TODAY), households(1, TODAY + timedelta(days=1)), strict=True
    ):
        assert settled(earlier).items() <= settled(later).items()


def settled(household: DemoHousehold) -> dict[int, tuple[object, ...]]:
    """The rows but for their future flag, which falls when their day comes."""
    return {
        row.bridge_transaction_id: (
            row.bridge_account_id, row.date, row.transaction_date, row.amount, row.currency,
            row.label, row.clean_description, row.merchant_name, row.category_id,
            row.operation_type, row.deleted,
        )
        for row in household.rows
    }  # fmt: skip


@pytest.mark.parametrize("day", DAYS)
def test_ids_are_positive_unique_and_exact_in_a_browser(day: date) -> None:
    everyone = made(day).values()
    for ids in (
        [row.bridge_transaction_id for h in everyone for row in h.rows],
        [account.bridge_account_id for h in everyone for account in h.accounts],
        [item.bridge_item_id for h in everyone for item in h.items],
    ):
        assert len(ids) == len(set(ids))
        assert all(0 < number < 2**ID_BITS for number in ids)


@pytest.mark.parametrize("email", EMAILS)
@pytest.mark.parametrize("day", DAYS)
def test_there_are_26_months_and_more_and_every_month_has_movements(email: str, day: date) -> None:
    months = {(row.occurred_on.year, row.occurred_on.month) for row in made(day)[email].rows}
    past = {m for m in months if m < (day.year, day.month)}
    first = min(past)
    assert len(past) >= 26
    assert len(past) == (day.year - first[0]) * 12 + day.month - first[1]


def test_nothing_is_dated_long_after_today_and_what_is_carries_the_flag() -> None:
    for household in made().values():
        for row in household.rows:
            assert row.occurred_on <= TODAY + timedelta(days=5)
            assert row.future == (row.date > TODAY)


def test_the_documented_user_has_five_accounts_of_four_types() -> None:
    henri = made()[HENRI]
    assert (henri.user.email, henri.user.password) == ("henri@example.com", "Henri123456")
    assert Counter(account.type for account in henri.accounts) == {
        AccountType.checking: 2,
        AccountType.card: 1,
        AccountType.savings: 1,
        AccountType.brokerage: 1,
    }


@pytest.mark.parametrize("email", EMAILS)
@pytest.mark.parametrize(
    "story",
    [
        *STORIES,
        "internal_transfer",
        "subscription",
        "quarterly_bill",
        "yearly_bill",
        "foreign_currency",
        "holiday",
        "christmas",
    ],
)
def test_every_householdmeets_every_case(email: str, story: str) -> None:
    assert stories(made()[email])[story]


@pytest.mark.parametrize(
    ("email", "story"),
    [
        (HENRI, "unknown_bank_savings"),
        (HENRI, "settlement"),
        (HENRI, "refund_on_card"),
        (HENRI, "refund_by_transfer"),
        (LEA, "second_connection"),
        (SANDRINE, "second_connection"),
        (SANDRINE, "overdraft"),
        (SANDRINE, "rejected_debit"),
        (THOMAS, "settlement"),
        (THOMAS, "foreign_account"),
    ],
)
def test_some_meet_what_is_theirs(email: str, story: str) -> None:
    assert stories(made()[email])[story]


@pytest.mark.parametrize("email", EMAILS)
def test_banks_leave_gaps(email: str) -> None:
    rows = made()[email].rows
    without_category = sum(row.category_id is None for row in rows) / len(rows)
    assert 0.05 < without_category < 0.2
    by_card = [row for row in rows if row.operation_type == "card"]
    without_merchant = sum(row.merchant_name is None for row in by_card) / len(by_card)
    assert 0.05 < without_merchant < 0.25
    assert any(row.currency is None for row in rows)
    assert any(row.deleted for row in rows)


@pytest.mark.parametrize("email", EMAILS)
@pytest.mark.parametrize("day", DAYS)
def test_balances_are_the_sum_of_the_rows(email: str, day: date) -> None:
    household = made(day)[email]
    for account in household.accounts:
        moved = sum(
            row.amount
            for row in rows_of(household, account)
            if not row.deleted
            and row.occurred_on <= day
            and row.currency in (None, account.currency)
        )
        if account.type is AccountType.card and email == THOMAS:
            # His bank shows no credit when the card is settled: what is owed is this month's.
            assert account.balance == -owed(household, account, day)
        else:
            assert account.balance == account.opening_balance + moved


def owed(household: DemoHousehold, card: DemoAccount, day: date) -> Decimal:
    return sum(
        (-row.amount for row in rows_of(household, card) if row.date > day), start=Decimal(0)
    )


@pytest.mark.parametrize("email", EMAILS)
def test_one_account_seen_twice_has_one_iban_and_one_balance(email: str) -> None:
    by_iban: dict[str | None, list[DemoAccount]] = defaultdict(list)
    for account in made()[email].accounts:
        by_iban[account.iban_hash].append(account)
    by_iban.pop(None, None)
    twice = [views for views in by_iban.values() if len(views) > 1]
    assert len(twice) == (email in (LEA, SANDRINE))
    for first, second in twice:
        assert first.bridge_item_id != second.bridge_item_id
        assert first.bridge_account_id < second.bridge_account_id
        if first.last_sync_on == second.last_sync_on:
            assert first.balance == second.balance


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("email", EMAILS)
def test_nobody_drifts_away(email: str, seed: int) -> None:
    """What is lived from stays near where it was, year after year."""
    household = made(TODAY, seed)[email]
    for account in household.accounts:
        if account.type is AccountType.checking and account.currency == "EUR":
            assert -2500 < account.balance < 16_000


def test_the_family_is_overdrawn_most_months_and_the_couple_is_not() -> None:
    def months_below_zero(household: DemoHousehold, account: DemoAccount) -> set[tuple[int, int]]:
        balance, below = account.opening_balance, set()
        for row in rows_of(household, account):
            if not row.deleted and row.currency in (None, account.currency):
                balance += row.amount
            if balance < 0:
                below.add((row.occurred_on.year, row.occurred_on.month))
        return below

    family, couple = made()[SANDRINE], made()[HENRI]
    assert len(months_below_zero(family, family.accounts[0])) > 26
    assert len(months_below_zero(couple, couple.accounts[0])) < 6


def test_banks_do_not_move_money_on_week_ends() -> None:
    moved = ("direct_debit", "deferred_debit_card", "check")
    for household in made().values():
        for row in household.rows:
            instant = row.label.startswith("VIR INST")
            if row.operation_type in moved or (row.operation_type == "transfer" and not instant):
                assert row.date.weekday() < 5, row.label


def test_salaries_come_on_the_last_working_day() -> None:
    days = {row.date for row in made()[HENRI].rows if row.label == "VIR SEPA VINATIS SAS SALAIRE"}
    assert date(2026, 10, 30) in days  # the 31st is a Saturday
    assert date(2026, 8, 31) in days
    assert len(days) == 34


def test_prices_rise_and_december_is_dear() -> None:
    henri = made(date(2027, 1, 31))[HENRI]

    def spent(year: int, month: int) -> Decimal:
        return sum(
            (
                -row.amount
                for row in henri.rows
                if henri.truths[row.bridge_transaction_id].kind is Kind.expense
                and (row.occurred_on.year, row.occurred_on.month) == (year, month)
            ),
            start=Decimal(0),
        )

    rents = {
        row.date.year: -row.amount
        for row in henri.rows
        if row.label == "PRLV SEPA FONCIA LYON LOYER"
    }
    assert rents[2024] < rents[2025] < rents[2026]
    for year in (2024, 2025, 2026):
        assert spent(year, 12) > spent(year, 10)


@pytest.mark.parametrize("email", EMAILS)
def test_truths_hold_together(email: str) -> None:
    """What is given back was bought before, in one currency, and never more than it cost."""
    household = made()[email]
    by_id = {row.bridge_transaction_id: row for row in household.rows}
    given_back: dict[int, Decimal] = defaultdict(Decimal)
    assert household.truths.keys() == by_id.keys()
    for number, truth in household.truths.items():
        row = by_id[number]
        assert truth.category_id in categories.BY_ID
        if truth.kind is Kind.income:
            assert row.amount > 0
        if truth.kind is Kind.expense:
            assert row.amount < 0
        if truth.pair is not None:
            other = by_id[truth.pair]
            assert household.truths[truth.pair].pair == number
            assert other.amount == -row.amount
            assert other.bridge_account_id != row.bridge_account_id
        if truth.refund_of is not None:
            assert by_id[truth.refund_of].occurred_on <= row.occurred_on
            given_back[truth.refund_of] += truth.refunded
        assert 0 <= truth.refunded <= max(row.amount, Decimal(0))
    assert all(total <= -by_id[debit].amount for debit, total in given_back.items())


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("day", DAYS)
def test_the_ledger_finds_the_truth_of_every_row(seed: int, day: date) -> None:
    for household in made(day, seed).values():
        assert_the_ledger_agrees(household)


@pytest.mark.parametrize("seed", range(8))
def test_the_ledger_finds_the_truth_whatever_the_seed(seed: int) -> None:
    for household in recent(BankMonth(2027, 1), date(2028, 1, 31), seed):
        assert_the_ledger_agrees(household)


@pytest.mark.parametrize("day", [date(2026, 12, 1) + timedelta(days=n) for n in range(31)])
def test_the_ledger_finds_the_truth_while_transfers_are_under_way(day: date) -> None:
    for household in recent(BankMonth(2026, 9), day):
        assert_the_ledger_agrees(household)


def assert_the_ledger_agrees(household: DemoHousehold) -> None:
    entries = classify(*household.as_ledger())
    labels = {row.bridge_transaction_id: row.label for row in household.rows}
    wrong = {
        (labels[number], truth.story): (truth.kind, entries[number].kind)
        for number, truth in household.truths.items()
        if (truth.kind, truth.refund_of, truth.refunded)
        != (entries[number].kind, entries[number].refund_of, entries[number].refunded)
    }
    assert not wrong
    halves = {
        number: truth.pair
        for number, truth in household.truths.items()
        if truth.story != "settlement"  # paired only where the card shows the credit
    }
    assert halves == {number: entries[number].pair for number in halves}


@pytest.mark.parametrize("email", EMAILS)
def test_what_the_bank_classified_counts_where_a_person_would_put_it(email: str) -> None:
    household = made()[email]
    entries = classify(*household.as_ledger())
    classified = {row.bridge_transaction_id for row in household.rows if row.category_id}
    for number, truth in household.truths.items():
        source = truth.refund_of or number
        if source in classified and truth.kind is not Kind.excluded:
            assert entries[number].category_id == truth.category_id


@pytest.mark.parametrize("email", EMAILS)
def test_rent_is_fixed_spending_every_month(email: str) -> None:
    household = made()[email]
    rents = [
        number
        for number, truth in household.truths.items()
        if truth.category_id == categories.RENT and truth.kind is Kind.expense
    ]
    entries = classify(*household.as_ledger())
    assert len(rents) >= 34
    assert {categories.class_of(entries[number].category_id) for number in rents} == {
        CategoryClass.fixed
    }
