from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from harena_core.amounts import Money, Percentage


def written(amount: Decimal) -> str:
    return TypeAdapter(Money).dump_json(amount).decode()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("0.125", "0.12", id="a half goes down to the even cent"),
        pytest.param("0.135", "0.14", id="a half goes up to the even cent"),
        pytest.param("-0.125", "-0.12", id="below zero likewise"),
        pytest.param("-0.001", "0.0", id="there is no negative zero"),
        pytest.param("1234.50", "1234.5", id="a number, not a text"),
    ],
)
def test_are_rounded_half_to_even(value: str, expected: str) -> None:
    assert written(Decimal(value)) == expected
    assert TypeAdapter(Percentage).dump_json(Decimal(value)).decode() == expected


@settings(deadline=None)
@given(st.decimals(-999_999_999_999, 999_999_999_999, places=2))
def test_every_amount_that_the_database_holds_is_written_exactly(amount: Decimal) -> None:
    number = written(amount)

    assert Decimal(number) == amount
    assert len(number.partition(".")[2]) <= 2
