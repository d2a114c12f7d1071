"""Months, years, and the pairs of periods that a comparison takes.

    Month(2026, 11).label                            "Novembre 2026"
    month_over_month(target, reference, today=…, as_of=…)  -> Comparison
    year_over_year(2026, 2025, today=…, as_of=…)           -> Comparison

A period is a half-open interval of days, `[start, end)`. No period of a comparison reaches beyond
today: what is dated later counts as nothing until its day comes.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

FIRST_YEAR = 1900
LAST_YEAR = 2200

_DAY = timedelta(days=1)
_MONTH_NAMES = (
    "Janvier",
    "Février",
    "Mars",
    "Avril",
    "Mai",
    "Juin",
    "Juillet",
    "Août",
    "Septembre",
    "Octobre",
    "Novembre",
    "Décembre",
)


class Extent(StrEnum):
    """How much of the two periods a comparison takes."""

    to_date = "to_date"
    """Both up to the same day."""
    full = "full"
    """Both whole."""


@dataclass(frozen=True, slots=True)
class Period:
    """The days from `start` to the day before `end`."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"A period cannot end ({self.end}) before it starts ({self.start}).")

    @property
    def days(self) -> int:
        """`jours` on the wire."""
        return (self.end - self.start).days

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.end

    def until(self, day: date) -> "Period":
        """What of this period is not after `day`; empty when all of it is."""
        return Period(self.start, max(self.start, min(self.end, day + _DAY)))


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month.

    Raises:
        ValueError: No such month, or a year outside 1900..2200.
    """

    year: int
    month: int

    def __post_init__(self) -> None:
        _check_year(self.year)
        if not 1 <= self.month <= 12:
            raise ValueError(f"There is no month {self.month}.")

    @classmethod
    def of(cls, day: date) -> "Month":
        return cls(day.year, day.month)

    def shifted(self, months: int) -> "Month":
        """The month so many months later; earlier when negative."""
        year, month = divmod(self.year * 12 + self.month - 1 + months, 12)
        return Month(year, month + 1)

    @property
    def start(self) -> date:
        return date(self.year, self.month, 1)

    @property
    def end(self) -> date:
        """First day of the month after."""
        return date(self.year + self.month // 12, self.month % 12 + 1, 1)

    @property
    def period(self) -> Period:
        return Period(self.start, self.end)

    @property
    def label(self) -> str:
        """ "Novembre 2026"."""
        return f"{_MONTH_NAMES[self.month - 1]} {self.year}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two periods whose totals are set against each other."""

    target: Period
    reference: Period
    extent: Extent


def year(number: int) -> Period:
    """A whole calendar year. Raises ValueError outside 1900..2200."""
    _check_year(number)
    return Period(date(number, 1, 1), date(number + 1, 1, 1))


def last_whole_days(today: date, days: int) -> Period:
    """The `days` days that end with yesterday, the last day that is over."""
    return Period(today - timedelta(days=days), today)


def month_over_month(
    target: Month,
    reference: Month | None = None,
    *,
    today: date,
    as_of: date,
    extent: Extent | None = None,
) -> Comparison:
    """The days of two months that may be compared.

    To date (the default where the target is the current month), both end on the same day of the
    month: the target's last day that is known, `as_of`. Where that is the last day of the target,
    or where the reference is too short to have it, the reference is whole. A month that has not
    begun is empty.

    Args:
        reference: The month before the target where none is given.
        as_of: Last day up to which the accounts are known (`Scope.as_of`).
    """
    reference = reference or target.shifted(-1)
    extent = extent or (Extent.to_date if target == Month.of(today) else Extent.full)
    target_days = target.period.until(min(today, as_of) if extent is Extent.to_date else today)
    reference_days = reference.period
    if extent is Extent.to_date and target_days.end < target.end:
        last = reference.start + timedelta(days=target_days.days - 1)
        reference_days = reference_days.until(last)
    return Comparison(target_days, reference_days.until(today), extent)


def year_over_year(
    target: int,
    reference: int | None = None,
    *,
    today: date,
    as_of: date,
    extent: Extent | None = None,
) -> Comparison:
    """The days of two years that may be compared.

    To date (the default where the target is the current year), the reference has the days whose
    (month, day) is not after the target's last one: 29 February is in a period that reaches it in
    its own year.
    """
    target_year, reference_year = year(target), year(target - 1 if reference is None else reference)
    extent = extent or (Extent.to_date if target == today.year else Extent.full)
    target_days = target_year.until(min(today, as_of) if extent is Extent.to_date else today)
    reference_days = reference_year
    if extent is Extent.to_date and target_days.end < target_year.end:
        reference_days = Period(
            reference_year.start, _same_day(target_days, reference_year.start.year)
        )
    return Comparison(target_days, reference_days.until(today), extent)


def _same_day(days: Period, in_year: int) -> date:
    """First day of the year whose (month, day) is after the last day of `days`."""
    if not days.days:
        return date(in_year, 1, 1)
    last = days.end - _DAY
    if (last.month, last.day) == (2, 29):
        return date(in_year, 3, 1)
    return date(in_year, last.month, last.day) + _DAY


def _check_year(number: int) -> None:
    if not FIRST_YEAR <= number <= LAST_YEAR:
        raise ValueError(f"The year {number} is outside {FIRST_YEAR}..{LAST_YEAR}.")
