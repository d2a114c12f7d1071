"""Months and working days, as banks count them. Public holidays are left out."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from harena_ledger.periods import Month

PRICES_OF = 2024
"""Every amount in the household modules is in the euros of this year."""


def working_day(day: date) -> date:
    """The day itself, or the Monday after it."""
    return day + timedelta(days=(0, 0, 0, 0, 0, 2, 1)[day.weekday()])


@dataclass(frozen=True, slots=True, order=True)
class BankMonth(Month):
    """A month with the days on which things are paid, and what prices have become in it."""

    @classmethod
    def of(cls, day: date) -> "BankMonth":
        return cls(day.year, day.month)

    def __str__(self) -> str:
        return f"{self.year}-{self.month:02}"

    def shifted(self, months: int) -> "BankMonth":
        year, month = divmod(self.year * 12 + self.month - 1 + months, 12)
        return BankMonth(year, month + 1)

    @property
    def last(self) -> date:
        return self.end - timedelta(days=1)

    @property
    def length(self) -> int:
        return self.last.day

    @property
    def last_working_day(self) -> date:
        return self.last - timedelta(days=max(0, self.last.weekday() - 4))

    def day(self, number: int) -> date:
        """That day of the month, or its last one when it is shorter."""
        return date(self.year, self.month, number if number <= 28 else min(number, self.length))

    def to(self, last: "BankMonth") -> Iterator["BankMonth"]:
        """This month and all that follow it, up to and with the last."""
        month = self
        while month <= last:
            yield month
            month = month.shifted(1)

    def inflation(self, yearly: float) -> float:
        """The factor of a price that creeps up, month after month."""
        return float((1 + yearly) ** (self.year - PRICES_OF + (self.month - 1) / 12))

    def step(self, yearly: float) -> float:
        """The factor of a price that is raised each January."""
        return float((1 + yearly) ** (self.year - PRICES_OF))
