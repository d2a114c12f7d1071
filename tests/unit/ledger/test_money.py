import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.ledger.builders import properties

from harena_ledger.money import cents, euros, number, percent


class TestCents:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            pytest.param("0.125", "0.12", id="a half goes down to the even cent"),
            pytest.param("0.135", "0.14", id="a half goes up to the even cent"),
            pytest.param("2.675", "2.68", id="no binary fraction is involved"),
            pytest.param("-0.125", "-0.12", id="below zero likewise"),
            pytest.param("1234.5", "1234.50", id="always two decimals"),
        ],
    )
    def test_rounds_half_to_even(self, value: str, expected: str) -> None:
        assert str(cents(Decimal(value))) == expected

    def test_there_is_no_negative_zero(self) -> None:
        assert str(cents(Decimal("-0.001"))) == "0.00"
        assert json.dumps(number(Decimal("-0.001"))) == "0.0"


class TestNumber:
    @given(st.decimals(-999_999_999_999, 999_999_999_999, places=2))
    @properties
    def test_every_amount_that_the_database_holds_is_written_exactly(self, amount: Decimal) -> None:
        written = json.dumps(number(amount))

        assert Decimal(written) == amount
        assert len(written.partition(".")[2]) <= 2


class TestFrench:
    def test_euros(self) -> None:
        assert euros(Decimal("-1234567.5")) == "-1\u00a0234\u00a0567,50\u00a0€"

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ("12.50", "12,5\u00a0%"),
            ("100.00", "100\u00a0%"),
            ("0.13", "0,13\u00a0%"),
            ("0", "0\u00a0%"),
        ],
    )
    def test_percent_leaves_out_what_says_nothing(self, value: str, expected: str) -> None:
        assert percent(Decimal(value)) == expected
