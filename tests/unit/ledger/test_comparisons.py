from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.ledger.builders import properties

from harena_ledger.comparisons import Colour, Direction, Flow, compare, coverage
from harena_ledger.scope import EMPTY_SCOPE_MESSAGE

AMOUNTS = st.decimals(0, 1_000_000, places=2)


def _compare(
    target: str | int, reference: str | int, flow: Flow = Flow.expenses
) -> tuple[str, str, str, str]:
    """Amount, percentage, direction, colour."""
    found = compare(
        flow,
        target=Decimal(target),
        reference=Decimal(reference),
        reference_label="Octobre 2026",
    )
    return str(found.amount), str(found.percentage), found.direction.value, found.colour.value


class TestCompare:
    @pytest.mark.parametrize(
        ("target", "reference", "expected"),
        [
            pytest.param(120, 100, ("20.00", "20.00", "up", "red"), id="more spent"),
            pytest.param(80, 100, ("-20.00", "-20.00", "down", "green"), id="less spent"),
            pytest.param(0, 100, ("-100.00", "-100.00", "down", "green"), id="nothing spent"),
            pytest.param(100, 100, ("0.00", "0.00", "stable", "gray"), id="the same"),
            pytest.param("100.09", 100, ("0.09", "0.09", "stable", "gray"), id="below 0.1 %"),
            pytest.param("100.10", 100, ("0.10", "0.10", "up", "red"), id="0.1 % is a change"),
            pytest.param("99.90", 100, ("-0.10", "-0.10", "down", "green"), id="-0.1 % too"),
            pytest.param("99.91", 100, ("-0.09", "-0.09", "stable", "gray"), id="above -0.1 %"),
            pytest.param(50, 0, ("50.00", "100.00", "up", "gray"), id="from nothing"),
            pytest.param("0.01", 0, ("0.01", "100.00", "up", "gray"), id="a cent from nothing"),
            pytest.param(0, 0, ("0.00", "0.00", "stable", "gray"), id="nothing from nothing"),
            pytest.param(1, 3, ("-2.00", "-66.67", "down", "green"), id="two decimals"),
            pytest.param(
                "200.25", 200, ("0.25", "0.12", "up", "red"), id="0.125 % is 0.12, half to even"
            ),
            pytest.param(
                "200.75", 200, ("0.75", "0.38", "up", "red"), id="0.375 % is 0.38, half to even"
            ),
            pytest.param(
                1_000_000, "0.01", ("999999.99", "9999999900.00", "up", "red"), id="a large change"
            ),
        ],
    )
    def test_expenses(
        self, target: str | int, reference: str | int, expected: tuple[str, ...]
    ) -> None:
        assert _compare(target, reference) == expected

    @pytest.mark.parametrize(("target", "colour"), [(120, "green"), (80, "red"), (100, "gray")])
    def test_income_is_the_other_way_round(self, target: int, colour: str) -> None:
        assert _compare(target, 100, Flow.income)[3] == colour

    def test_what_has_no_reference_is_not_comparable(self) -> None:
        found = compare(
            Flow.expenses, target=Decimal(1), reference=Decimal(0), reference_label="2025"
        )

        assert not found.comparable
        assert compare(
            Flow.expenses, target=Decimal(0), reference=Decimal(0), reference_label="2025"
        ).comparable  # fmt: skip

    @pytest.mark.parametrize(
        ("target", "reference", "icon"),
        [(120, 100, "arrow-up"), (80, 100, "arrow-down"), (100, 100, "minus")],
    )
    def test_icons(self, target: int, reference: int, icon: str) -> None:
        found = compare(
            Flow.income,
            target=Decimal(target),
            reference=Decimal(reference),
            reference_label="2025",
        )

        assert found.icon == icon

    @given(AMOUNTS, AMOUNTS, st.sampled_from(Flow))
    @properties
    def test_its_parts_agree(self, target: Decimal, reference: Decimal, flow: Flow) -> None:
        found = compare(flow, target=target, reference=reference, reference_label="2025")

        assert reference + found.amount == target
        assert (found.direction is Direction.stable) == (abs(found.percentage) < Decimal("0.1"))
        if found.direction is not Direction.stable:
            assert (found.direction is Direction.up) == (target > reference)
        assert (found.colour is Colour.gray) == (
            found.direction is Direction.stable or not found.comparable
        )
        opposite = Flow.income if flow is Flow.expenses else Flow.expenses
        other = compare(opposite, target=target, reference=reference, reference_label="2025")
        assert {found.colour, other.colour} in ({Colour.gray}, {Colour.green, Colour.red})


class TestSentence:
    @pytest.mark.parametrize(
        ("flow", "target", "reference", "to_date", "message"),
        [
            (
                Flow.expenses, 1250, 1000, False,
                "Vos dépenses ont augmenté de 25\u00a0% (250,00\u00a0€) "
                "par rapport à octobre 2026.",
            ),
            (
                Flow.income, 900, 1000, True,
                "Vos revenus ont diminué de 10\u00a0% (100,00\u00a0€) "
                "par rapport à octobre 2026 à la même date.",
            ),
            (
                Flow.income, 1000, 1000, False,
                "Vos revenus sont stables par rapport à octobre 2026.",
            ),
            (
                Flow.expenses, 1000, 0, False,
                "Vos dépenses ne se comparent pas : aucune dépense en octobre 2026.",
            ),
        ],
    )  # fmt: skip
    def test_says_it_in_french(
        self, flow: Flow, target: int, reference: int, to_date: bool, message: str
    ) -> None:
        found = compare(
            flow,
            target=Decimal(target),
            reference=Decimal(reference),
            reference_label="Octobre 2026",
            to_date=to_date,
        )

        assert found.message == message

    def test_without_any_account_it_says_what_to_do(self) -> None:
        found = compare(
            Flow.expenses,
            target=Decimal(0),
            reference=Decimal(0),
            reference_label="2025",
            scope_empty=True,
        )

        assert found.message == EMPTY_SCOPE_MESSAGE
        assert found.colour is Colour.gray


class TestCoverage:
    @pytest.mark.parametrize(
        ("income", "expenses", "rate", "level", "colour"),
        [
            (1000, 500, "50.00", "excellent", "green-dark"),
            (1000, 800, "20.00", "excellent", "green-dark"),
            (1000, "800.10", "19.99", "good", "green"),
            (1000, 900, "10.00", "good", "green"),
            (1000, "900.10", "9.99", "correct", "green-light"),
            (1000, 950, "5.00", "correct", "green-light"),
            (1000, "950.10", "4.99", "limit", "orange"),
            (1000, 1000, "0.00", "limit", "orange"),
            (1000, "1000.10", "-0.01", "deficit", "red"),
            (1000, 3000, "-200.00", "deficit", "red"),
            (0, 50, "-100.00", "deficit", "red"),
            (0, 0, "0.00", "limit", "orange"),
        ],
    )
    def test_levels(
        self, income: int, expenses: str | int, rate: str, level: str, colour: str
    ) -> None:
        found = coverage(income=Decimal(income), expenses=Decimal(expenses))

        assert (str(found.rate), found.level.value, found.colour.value) == (rate, level, colour)

    def test_the_level_is_that_of_the_rate_as_shown(self) -> None:
        found = coverage(income=Decimal(100_000), expenses=Decimal("80004.00"))

        assert (str(found.rate), found.level.value) == ("20.00", "excellent")

    def test_more_given_back_than_spent_is_kept(self) -> None:
        found = coverage(income=Decimal(100), expenses=Decimal(-30))

        assert [found.expenses, found.balance, found.rate] == [Decimal(n) for n in (0, 130, 130)]

    def test_more_given_back_than_spent_without_income_has_no_rate(self) -> None:
        assert coverage(income=Decimal(0), expenses=Decimal(-30)).rate == 0

    def test_sentences(self) -> None:
        saving = coverage(income=Decimal(1000), expenses=Decimal("875"))
        deficit = coverage(income=Decimal(1000), expenses=Decimal("1234.5"))
        nothing = coverage(income=Decimal(0), expenses=Decimal(0), has_data=False)
        nobody = coverage(income=Decimal(0), expenses=Decimal(0), scope_empty=True)

        assert saving.message == "Bien : vous épargnez 12,5\u00a0% de vos revenus."
        assert deficit.message == "Déficit : vos dépenses dépassent vos revenus de 234,50\u00a0€."
        assert (nothing.colour, nothing.message) == (
            Colour.gray,
            "Aucune opération sur cette période.",
        )
        assert (nobody.colour, nobody.message) == (Colour.gray, EMPTY_SCOPE_MESSAGE)

    @given(AMOUNTS, AMOUNTS)
    @properties
    def test_what_is_shown_adds_up(self, income: Decimal, expenses: Decimal) -> None:
        found = coverage(income=income, expenses=expenses)

        assert found.income - found.expenses == found.balance
        assert (found.level == "deficit") == (found.rate < 0)
