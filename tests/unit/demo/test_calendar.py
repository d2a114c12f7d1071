from datetime import date

import pytest

from harena_demo.calendar import BankMonth, working_day
from harena_demo.streams import settlement_day


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2026, 11, 20), date(2026, 11, 20)),  # Friday
        (date(2026, 11, 21), date(2026, 11, 23)),
        (date(2026, 11, 22), date(2026, 11, 23)),
        (date(2026, 10, 31), date(2026, 11, 2)),  # into the next month
    ],
)
def test_a_payment_slides_to_monday(day: date, expected: date) -> None:
    assert working_day(day) == expected


@pytest.mark.parametrize(
    ("month", "expected"),
    [
        (BankMonth(2026, 10), date(2026, 10, 30)),
        (BankMonth(2026, 11), date(2026, 11, 30)),
        (BankMonth(2027, 2), date(2027, 2, 26)),
    ],
)
def test_the_last_working_day(month: BankMonth, expected: date) -> None:
    assert month.last_working_day == expected


def test_a_day_that_the_month_has_not_is_its_last() -> None:
    assert BankMonth(2028, 2).day(31) == date(2028, 2, 29)
    assert BankMonth(2026, 4).day(31) == date(2026, 4, 30)


def test_months_go_over_the_year() -> None:
    assert list(BankMonth(2026, 11).to(BankMonth(2027, 1))) == [
        BankMonth(2026, 11),
        BankMonth(2026, 12),
        BankMonth(2027, 1),
    ]
    assert BankMonth(2026, 1).shifted(-26) == BankMonth(2023, 11)


@pytest.mark.parametrize(
    ("bought", "cutoff", "paid"),
    [
        (date(2026, 10, 25), 25, date(2026, 10, 30)),
        (date(2026, 10, 26), 25, date(2026, 11, 30)),
        (date(2026, 10, 31), 31, date(2026, 11, 5)),
        (date(2026, 11, 1), 31, date(2026, 12, 7)),  # the fifth is a Saturday
    ],
)
def test_a_deferred_card_is_paid_with_its_cycle(bought: date, cutoff: int, paid: date) -> None:
    assert settlement_day(bought, cutoff) == paid
