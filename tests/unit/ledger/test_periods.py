"""Every expected day below was read off a calendar."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.ledger.builders import properties

from harena_ledger.periods import (
    Extent,
    Month,
    Period,
    last_whole_days,
    month_over_month,
    year,
    year_over_year,
)


def _spans(period: Period) -> tuple[str, str, int]:
    """First day, last day, and how many: what a person would say of the period."""
    return str(period.start), str(period.end - timedelta(days=1)), period.days


class TestMonth:
    @pytest.mark.parametrize(
        ("month", "label", "days"),
        [
            (Month(2026, 11), "Novembre 2026", 30),
            (Month(2026, 12), "Décembre 2026", 31),
            (Month(2024, 2), "Février 2024", 29),
            (Month(2025, 2), "Février 2025", 28),
            (Month(2000, 2), "Février 2000", 29),
            (Month(1900, 2), "Février 1900", 28),
            (Month(2026, 8), "Août 2026", 31),
        ],
    )
    def test_label_and_length(self, month: Month, label: str, days: int) -> None:
        assert month.label == label
        assert month.period.days == days

    @pytest.mark.parametrize(("number", "in_year"), [(0, 2026), (13, 2026), (5, 1899), (5, 2201)])
    def test_what_is_not_on_the_calendar_is_refused(self, number: int, in_year: int) -> None:
        with pytest.raises(ValueError, match=r"month|year"):
            Month(in_year, number)

    @given(st.dates(date(1901, 1, 1), date(2199, 12, 31)), st.integers(-12, 12))
    @properties
    def test_shifting_there_and_back_is_nothing(self, day: date, months: int) -> None:
        month = Month.of(day)

        assert month.shifted(months).shifted(-months) == month
        assert day in month.period

    @given(st.integers(1900, 2200))
    @properties
    def test_the_months_of_a_year_follow_each_other_and_are_the_year(self, number: int) -> None:
        months = [Month(number, month).period for month in range(1, 13)]

        assert months[0].start == year(number).start
        assert months[-1].end == year(number).end
        assert all(a.end == b.start for a, b in zip(months, months[1:], strict=False))


class TestPeriod:
    def test_its_end_is_not_in_it(self) -> None:
        period = Period(date(2026, 11, 1), date(2026, 12, 1))

        assert date(2026, 11, 30) in period
        assert date(2026, 12, 1) not in period

    def test_cannot_end_before_it_starts(self) -> None:
        with pytest.raises(ValueError, match="before it starts"):
            Period(date(2026, 11, 2), date(2026, 11, 1))

    def test_last_whole_days_leave_out_today(self) -> None:
        assert _spans(last_whole_days(date(2026, 3, 1), 30)) == ("2026-01-30", "2026-02-28", 30)


class TestMonthOverMonth:
    @pytest.mark.parametrize(
        ("target", "today", "expected_target", "expected_reference"),
        [
            pytest.param(
                Month(2026, 11),
                date(2026, 11, 23),
                ("2026-11-01", "2026-11-23", 23),
                ("2026-10-01", "2026-10-23", 23),
                id="the current month stops today, and so does the one before",
            ),
            pytest.param(
                Month(2026, 11),
                date(2026, 11, 1),
                ("2026-11-01", "2026-11-01", 1),
                ("2026-10-01", "2026-10-01", 1),
                id="the first day is a day",
            ),
            pytest.param(
                Month(2026, 11),
                date(2026, 11, 30),
                ("2026-11-01", "2026-11-30", 30),
                ("2026-10-01", "2026-10-31", 31),
                id="on its last day the reference is whole, 31 October included",
            ),
            pytest.param(
                Month(2026, 10),
                date(2026, 10, 31),
                ("2026-10-01", "2026-10-31", 31),
                ("2026-09-01", "2026-09-30", 30),
                id="31 October against a September of 30",
            ),
            pytest.param(
                Month(2026, 3),
                date(2026, 3, 30),
                ("2026-03-01", "2026-03-30", 30),
                ("2026-02-01", "2026-02-28", 28),
                id="February has no 30th: it is whole",
            ),
            pytest.param(
                Month(2026, 3),
                date(2026, 3, 28),
                ("2026-03-01", "2026-03-28", 28),
                ("2026-02-01", "2026-02-28", 28),
                id="28 March meets the end of February",
            ),
            pytest.param(
                Month(2024, 3),
                date(2024, 3, 28),
                ("2024-03-01", "2024-03-28", 28),
                ("2024-02-01", "2024-02-28", 28),
                id="in a leap year 28 March does not reach 29 February",
            ),
            pytest.param(
                Month(2026, 2),
                date(2026, 2, 28),
                ("2026-02-01", "2026-02-28", 28),
                ("2026-01-01", "2026-01-31", 31),
                id="the last day of February takes the whole of January",
            ),
            pytest.param(
                Month(2024, 2),
                date(2024, 2, 28),
                ("2024-02-01", "2024-02-28", 28),
                ("2024-01-01", "2024-01-28", 28),
                id="28 February of a leap year is not the last day",
            ),
            pytest.param(
                Month(2026, 1),
                date(2026, 1, 15),
                ("2026-01-01", "2026-01-15", 15),
                ("2025-12-01", "2025-12-15", 15),
                id="January against the December before",
            ),
            pytest.param(
                Month(2026, 9),
                date(2026, 11, 23),
                ("2026-09-01", "2026-09-30", 30),
                ("2026-08-01", "2026-08-31", 31),
                id="a finished month is whole, and so is its reference",
            ),
        ],
    )
    def test_by_default(
        self,
        target: Month,
        today: date,
        expected_target: tuple[str, str, int],
        expected_reference: tuple[str, str, int],
    ) -> None:
        comparison = month_over_month(target, today=today, as_of=today)

        assert _spans(comparison.target) == expected_target
        assert _spans(comparison.reference) == expected_reference

    def test_the_default_extent_depends_on_whether_the_month_is_over(self) -> None:
        today = date(2026, 11, 30)

        current = month_over_month(Month(2026, 11), today=today, as_of=today)
        finished = month_over_month(Month(2026, 10), today=today, as_of=today)

        assert (current.extent, finished.extent) == (Extent.to_date, Extent.full)

    def test_a_bank_two_days_late_ends_both_months_two_days_earlier(self) -> None:
        comparison = month_over_month(
            Month(2026, 11), today=date(2026, 11, 23), as_of=date(2026, 11, 21)
        )

        assert _spans(comparison.target) == ("2026-11-01", "2026-11-21", 21)
        assert _spans(comparison.reference) == ("2026-10-01", "2026-10-21", 21)

    def test_a_bank_late_on_the_last_day_does_not_make_the_reference_whole(self) -> None:
        comparison = month_over_month(
            Month(2026, 11), today=date(2026, 11, 30), as_of=date(2026, 11, 28)
        )

        assert _spans(comparison.reference) == ("2026-10-01", "2026-10-28", 28)

    def test_a_bank_late_since_last_month_leaves_nothing_to_compare(self) -> None:
        comparison = month_over_month(
            Month(2026, 11), today=date(2026, 11, 1), as_of=date(2026, 10, 30)
        )

        assert (comparison.target.days, comparison.reference.days) == (0, 0)

    def test_in_full_the_current_month_has_the_days_so_far_and_the_reference_all(self) -> None:
        comparison = month_over_month(
            Month(2026, 11),
            today=date(2026, 11, 23),
            as_of=date(2026, 11, 21),
            extent=Extent.full,
        )

        assert _spans(comparison.target) == ("2026-11-01", "2026-11-23", 23)
        assert _spans(comparison.reference) == ("2026-10-01", "2026-10-31", 31)

    def test_to_date_of_a_finished_month_is_the_whole_month(self) -> None:
        comparison = month_over_month(
            Month(2026, 9),
            today=date(2026, 11, 23),
            as_of=date(2026, 11, 23),
            extent=Extent.to_date,
        )

        assert _spans(comparison.target) == ("2026-09-01", "2026-09-30", 30)
        assert _spans(comparison.reference) == ("2026-08-01", "2026-08-31", 31)

    def test_any_month_can_be_the_reference(self) -> None:
        comparison = month_over_month(
            Month(2026, 11), Month(2025, 11), today=date(2026, 11, 23), as_of=date(2026, 11, 23)
        )

        assert _spans(comparison.reference) == ("2025-11-01", "2025-11-23", 23)

    def test_a_reference_that_is_not_over_stops_today(self) -> None:
        comparison = month_over_month(
            Month(2026, 9), Month(2026, 11), today=date(2026, 11, 23), as_of=date(2026, 11, 23)
        )

        assert _spans(comparison.reference) == ("2026-11-01", "2026-11-23", 23)

    @pytest.mark.parametrize("extent", [None, *Extent])
    def test_a_month_in_the_future_has_no_day(self, extent: Extent | None) -> None:
        comparison = month_over_month(
            Month(2027, 2), today=date(2026, 11, 23), as_of=date(2026, 11, 23), extent=extent
        )

        assert comparison.target.days == 0
        assert comparison.reference.days == 0

    @given(
        st.dates(date(1950, 1, 1), date(2150, 12, 31)),
        st.integers(0, 40),
        st.integers(-30, 30),
        st.integers(-30, 30),
        st.sampled_from([None, *Extent]),
    )
    @properties
    def test_no_period_leaves_its_month_or_reaches_beyond_today(
        self, today: date, late: int, target: int, reference: int, extent: Extent | None
    ) -> None:
        months = Month.of(today).shifted(target), Month.of(today).shifted(reference)
        comparison = month_over_month(
            *months, today=today, as_of=today - timedelta(days=late), extent=extent
        )

        for month, period in zip(months, (comparison.target, comparison.reference), strict=True):
            assert period.start == month.start
            assert period.end <= month.end
            assert not period.days or period.end - timedelta(days=1) <= today
        if comparison.extent is Extent.to_date and comparison.target.end < months[0].end:
            assert comparison.reference.days <= comparison.target.days


class TestYearOverYear:
    @pytest.mark.parametrize(
        ("target", "reference", "today", "expected_target", "expected_reference"),
        [
            pytest.param(
                2026,
                2025,
                date(2026, 11, 23),
                ("2026-01-01", "2026-11-23", 327),
                ("2025-01-01", "2025-11-23", 327),
                id="the current year stops today, and so does the one before",
            ),
            pytest.param(
                2024,
                2023,
                date(2024, 2, 29),
                ("2024-01-01", "2024-02-29", 60),
                ("2023-01-01", "2023-02-28", 59),
                id="29 February against a year that has none",
            ),
            pytest.param(
                2025,
                2024,
                date(2025, 2, 28),
                ("2025-01-01", "2025-02-28", 59),
                ("2024-01-01", "2024-02-28", 59),
                id="28 February does not reach the 29th of the year before",
            ),
            pytest.param(
                2025,
                2024,
                date(2025, 3, 1),
                ("2025-01-01", "2025-03-01", 60),
                ("2024-01-01", "2024-03-01", 61),
                id="1 March takes 29 February of the year before with it",
            ),
            pytest.param(
                2028,
                2024,
                date(2028, 2, 29),
                ("2028-01-01", "2028-02-29", 60),
                ("2024-01-01", "2024-02-29", 60),
                id="two leap years both have their 29 February",
            ),
            pytest.param(
                2026,
                2025,
                date(2026, 12, 31),
                ("2026-01-01", "2026-12-31", 365),
                ("2025-01-01", "2025-12-31", 365),
                id="on the last day both are whole",
            ),
            pytest.param(
                2026,
                2025,
                date(2026, 1, 1),
                ("2026-01-01", "2026-01-01", 1),
                ("2025-01-01", "2025-01-01", 1),
                id="new year's day",
            ),
            pytest.param(
                2025,
                2024,
                date(2026, 11, 23),
                ("2025-01-01", "2025-12-31", 365),
                ("2024-01-01", "2024-12-31", 366),
                id="a finished year is whole, and so is its reference",
            ),
        ],
    )
    def test_by_default(
        self,
        target: int,
        reference: int,
        today: date,
        expected_target: tuple[str, str, int],
        expected_reference: tuple[str, str, int],
    ) -> None:
        comparison = year_over_year(target, reference, today=today, as_of=today)

        assert _spans(comparison.target) == expected_target
        assert _spans(comparison.reference) == expected_reference

    def test_the_reference_is_the_year_before(self) -> None:
        comparison = year_over_year(2026, today=date(2026, 5, 1), as_of=date(2026, 5, 1))

        assert comparison.reference.start == date(2025, 1, 1)

    def test_a_late_bank_ends_both_years_earlier(self) -> None:
        comparison = year_over_year(2026, today=date(2026, 3, 1), as_of=date(2026, 2, 27))

        assert _spans(comparison.target) == ("2026-01-01", "2026-02-27", 58)
        assert _spans(comparison.reference) == ("2025-01-01", "2025-02-27", 58)

    def test_a_bank_late_since_last_year_leaves_nothing_to_compare(self) -> None:
        comparison = year_over_year(2026, today=date(2026, 1, 2), as_of=date(2025, 12, 30))

        assert (comparison.target.days, comparison.reference.days) == (0, 0)

    def test_in_full_the_reference_is_whole(self) -> None:
        today = date(2026, 11, 23)
        comparison = year_over_year(2026, today=today, as_of=today, extent=Extent.full)

        assert _spans(comparison.target) == ("2026-01-01", "2026-11-23", 327)
        assert _spans(comparison.reference) == ("2025-01-01", "2025-12-31", 365)

    def test_a_year_in_the_future_has_no_day(self) -> None:
        today = date(2026, 11, 23)

        assert year_over_year(2027, today=today, as_of=today).target.days == 0

    @given(
        st.dates(date(1950, 1, 1), date(2150, 12, 31)),
        st.integers(0, 400),
        st.integers(-5, 5),
        st.integers(-5, 5),
    )
    @properties
    def test_the_reference_has_the_days_that_are_not_after_the_targets_last(
        self, today: date, late: int, target: int, reference: int
    ) -> None:
        years = today.year + target, today.year + reference
        as_of = today - timedelta(days=late)
        comparison = year_over_year(*years, today=today, as_of=as_of, extent=Extent.to_date)

        last = comparison.target.end - timedelta(days=1)
        for offset in range(366):
            day = date(years[1], 1, 1) + timedelta(days=offset)
            if day.year == years[1] and day <= today and comparison.target.days:
                expected = (day.month, day.day) <= (last.month, last.day)
                assert (day in comparison.reference) is expected, day
