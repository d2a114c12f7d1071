"""What all households do: pay bills, spend by habit, keep an account at its level."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from random import Random

from harena_demo.book import Book, Holding, Line, Place
from harena_demo.calendar import BankMonth, working_day

EVERY_MONTH = tuple(range(1, 13))


@dataclass(frozen=True, slots=True)
class Bill:
    """A direct debit on a day of certain months."""

    place: Place
    day: int
    euros: float
    months: Sequence[int] = EVERY_MONTH
    yearly: float = 0.02
    """How much dearer it becomes each January."""
    varies: float = 0.0
    """By how much of itself an amount may differ from the usual one."""

    def cents(self, month: BankMonth, random: Random) -> int:
        usual = self.euros * month.step(self.yearly) * (1 + random.uniform(-1, 1) * self.varies)
        # What does not vary has a price, and prices end in 9.
        return round(usual * 100) if self.varies else round(usual * 10) * 10 - 1


def pay(book: Book, month: BankMonth, holding: Holding, bills: Sequence[Bill]) -> list[Line]:
    """The bills that are due in that month."""
    return [
        book.direct_debit(
            f"bill/{bill.place.merchant}",
            holding,
            month.day(bill.day),
            bill.place,
            bill.cents(month, book.random("bill", bill.place.merchant, month)),
            story=("yearly_bill", "quarterly_bill", "subscription")[
                (len(bill.months) > 1) + (len(bill.months) > 4)
            ],
        )
        for bill in bills
        if month.month in bill.months
    ]


@dataclass(frozen=True, slots=True)
class Habit:
    """Card payments at some places, so many a month."""

    name: str
    places: Sequence[Place]
    per_month: float
    low: float
    high: float
    """Amounts lie between, most of them in the lower half."""
    season: Mapping[int, float] = field(default_factory=dict)
    """By month: how many times as often."""
    fades: bool = False
    """Spent early in the month, while there is money."""
    yearly: float = 0.025


def spend(
    book: Book,
    month: BankMonth,
    holding: Holding,
    habits: Sequence[Habit],
    *,
    cutoff: int | None = None,
    story: str | None = None,
) -> None:
    """A month of habits. With a cut-off day, the card is settled with its cycle."""
    for habit in habits:
        random = book.random("habit", habit.name, month)
        often = habit.per_month * habit.season.get(month.month, 1.0) * book.intensity
        for _ in range(int(often + random.random())):
            share = random.triangular(0, 1, 0.1) if habit.fades else random.random()
            on = month.day(1 + int(share * month.length))
            place = random.choice(habit.places)
            euros = random.triangular(habit.low, habit.high, habit.low * 0.75 + habit.high * 0.25)
            book.card(
                f"habit/{habit.name}",
                holding,
                on,
                place,
                max(1, round(euros * month.inflation(habit.yearly) * 100 / book.intensity)),
                settled_on=None if cutoff is None else settlement_day(on, cutoff),
                story=story,
            )


def settlement_day(on: date, cutoff: int) -> date:
    """When a deferred-debit card's purchase of that day is paid.

    A cycle that ends before the month does is paid on its last working day; one that ends with the
    month, on the fifth of the next.
    """
    month = BankMonth.of(on)
    if cutoff >= 31:
        return working_day(month.shifted(1).day(5))
    return (month if on.day <= cutoff else month.shifted(1)).last_working_day


def keep_level(
    book: Book,
    month: BankMonth,
    checking: Holding,
    savings: Holding,
    *,
    day: int,
    level: int,
    slack: int = 50,
    arrives_after: int = 0,
) -> None:
    """Puts aside what is above the level (in euros) at the end of the month before, or takes it
    back from the savings: an account neither grows nor sinks for ever."""
    tens = (checking.level - level * 100) // 1000
    if tens * 10 > slack:
        book.move(
            "sweep", checking, savings, month.day(day), tens * 1000, "EPARGNE",
            announced=0 if arrives_after else 2, arrives_after=arrives_after,
        )  # fmt: skip
    elif -tens * 10 > slack and savings.level + tens * 1000 > 0:
        book.move(
            "sweep", savings, checking, month.day(day), -tens * 1000, "RETOUR EPARGNE",
            announced=0 if arrives_after else 2, arrives_after=arrives_after,
        )  # fmt: skip
