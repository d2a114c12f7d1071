from decimal import Decimal

import pytest

from harena_ledger.money import cents, euros, percent


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
